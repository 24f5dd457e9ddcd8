//! Where something of a backup goes: a folder that is there, the place in it, and what must be left alone there.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::database::database_of;
use crate::sources::{Excluded, OWN_FOLDER};

/// A source as it is set up here.
#[derive(Clone)]
pub(crate) struct SourcePlace {
    pub id: String,
    pub path: PathBuf,
    /// What backups leave out.
    pub excluded: Excluded,
}

#[derive(Clone)]
pub(crate) struct Target {
    /// The source, or [`LIBRARY_ID`].
    pub id: String,
    /// A folder that is there, without links in its path.
    pub base: PathBuf,
    /// The top of what is restored: one name in the base, or empty for the base itself.
    pub top: PathBuf,
    /// Its path in the backup.
    pub in_backup: PathBuf,
    /// Paths below the top; `None`: all of it.
    pub chosen: Option<Vec<PathBuf>>,
    /// Where it goes, if that is not where it was.
    pub moved_to: Option<PathBuf>,
    /// What is there and differs is replaced. Else it is in the way.
    pub replaces: bool,
    /// What is there and not in the backup is taken away.
    pub removes: bool,
    /// What backups leave out.
    pub excluded: Option<Excluded>,
    /// The same, when the backup was made.
    pub excluded_then: Option<Excluded>,
    /// Paths below the top that a backup could not read: that they, or what is in them, are not in it means nothing.
    pub unread: Vec<PathBuf>,
    /// Folders of our own, by their whole paths. Nothing in them is touched.
    pub protected: Vec<PathBuf>,
}

/// What stands for the library where a source's id does for a source.
pub(crate) const LIBRARY_ID: &str = "library";

/// How an entry lies to what was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Chosen,
    /// Something in it is.
    Above,
    Outside,
}

impl Target {
    /// `at` is relative to the base, here as below.
    pub(crate) fn choice(&self, at: &Path) -> Choice {
        let Some(chosen) = &self.chosen else {
            return Choice::Chosen;
        };
        let at = self.below_top(at);
        if chosen.iter().any(|chosen| at.starts_with(chosen)) {
            Choice::Chosen
        } else if chosen.iter().any(|chosen| chosen.starts_with(at)) {
            Choice::Above
        } else {
            Choice::Outside
        }
    }

    /// Whether what is there stays although it is not in the backup.
    pub(crate) fn keeps(&self, at: &Path, is_folder: bool) -> bool {
        let of = |at: &Path| database_of(at.as_os_str()).map(PathBuf::from);
        self.keeps_itself(at, is_folder)
            // A log goes and stays with its database.
            || !is_folder && of(at).is_some_and(|database| self.keeps_itself(&database, false))
    }

    fn keeps_itself(&self, at: &Path, is_folder: bool) -> bool {
        let below = self.below_top(at);
        self.protects(at)
            || self.was_unread(at)
            || [&self.excluded, &self.excluded_then]
                .into_iter()
                .flatten()
                .any(|excluded| excluded(below, is_folder))
    }

    /// Whether what is there stays although it is in the backup: backups leave it out by now, and no path in it was chosen.
    pub(crate) fn leaves_alone(&self, at: &Path, is_folder: bool) -> bool {
        let below = self.below_top(at);
        let excluded = |excluded: &Excluded| {
            excluded(below, is_folder) && !self.is_chosen_all_the_same(below, excluded)
        };
        self.excluded.as_ref().is_some_and(excluded)
    }

    /// Whether what is left out was chosen itself, or something in it, or something that holds it and is left out as well.
    fn is_chosen_all_the_same(&self, below: &Path, excluded: &Excluded) -> bool {
        let is_left_out = |chosen: &Path| {
            let mut all = chosen.ancestors().filter(|at| !at.as_os_str().is_empty());
            all.any(|at| excluded(at, true))
        };
        self.chosen.iter().flatten().any(|chosen| {
            chosen.starts_with(below) || below.starts_with(chosen) && is_left_out(chosen)
        })
    }

    /// Whether the backup could not read it, so that what is in it is not there.
    pub(crate) fn was_unread(&self, at: &Path) -> bool {
        let below = self.below_top(at);
        self.unread.iter().any(|unread| below.starts_with(unread))
    }

    /// Whether it is our own.
    pub(crate) fn protects(&self, at: &Path) -> bool {
        let whole = self.base.join(at);
        self.protected.iter().any(|own| whole.starts_with(own))
    }

    /// Whether something lies in it that is protected, or is to come there. Our own folder in a source is not to come.
    pub(crate) fn is_above_protected(&self, at: &Path) -> bool {
        let whole = self.base.join(at);
        self.protected
            .iter()
            .any(|own| !own.ends_with(OWN_FOLDER) && *own != whole && own.starts_with(&whole))
    }

    /// The path of an entry in the backup.
    pub(crate) fn in_backup(&self, at: &Path) -> PathBuf {
        let below = self.below_top(at);
        if below.as_os_str().is_empty() {
            self.in_backup.clone()
        } else {
            self.in_backup.join(below)
        }
    }

    fn below_top<'a>(&self, at: &'a Path) -> &'a Path {
        at.strip_prefix(&self.top).unwrap_or(at)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Target")
            .field("id", &self.id)
            .field("base", &self.base)
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}
