//! The walk through a backup and what is there, side by side, that finds the steps of a plan.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::changes::Changes;
use super::companions::{Siblings, is_database};
use super::compare::{Comparison, compare};
use super::dir::Dir;
use super::extras::look_into;
use super::plan::{FolderStep, LOOKING, Put, Step, canceled, collision, in_the_way, worn};
use super::seen::{Dress, Kind, Seen};
use super::target::{Choice, Target};
use super::together::{hold_few, walk_together};
use super::tree::{Contents, Trees, Wanted, damaged};
use crate::browse::{Change, EntryKind};
use crate::sources::OWN_FOLDER;
use crate::{Error, Watch};

pub(super) struct Walk<'a> {
    pub(super) target: &'a Target,
    pub(super) base: &'a Dir,
    pub(super) contents: &'a Contents,
    pub(super) watch: &'a Watch,
    /// The disk of the base.
    pub(super) device: u64,
    pub(super) steps: BTreeMap<PathBuf, Step>,
    /// The folders that stay.
    pub(super) folders: BTreeMap<PathBuf, FolderStep>,
    pub(super) changes: Changes,
    comparisons: Vec<Comparison>,
    /// Folders that are in both and still to be looked at.
    pub(super) open: Vec<Open>,
}

pub(super) struct Open {
    at: PathBuf,
    trees: Trees,
    /// Held open, which saves finding it again.
    pub(super) folder: Option<Dir>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        target: &'a Target,
        base: &'a Dir,
        contents: &'a Contents,
        watch: &'a Watch,
    ) -> Result<Self, Error> {
        let device = base.look_at_self().map_err(LOOKING)?.device;
        Ok(Self {
            target,
            base,
            contents,
            watch,
            device,
            steps: BTreeMap::new(),
            folders: BTreeMap::new(),
            changes: Changes::default(),
            comparisons: Vec::new(),
            open: Vec::new(),
        })
    }

    /// One of the same that has found nothing yet.
    pub(super) fn another(&self) -> Self {
        Self {
            steps: BTreeMap::new(),
            folders: BTreeMap::new(),
            changes: Changes::default(),
            comparisons: Vec::new(),
            open: Vec::new(),
            ..*self
        }
    }

    fn add(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.folders.extend(other.folders);
        self.changes.add(other.changes);
        self.comparisons.extend(other.comparisons);
    }

    pub(super) fn run(&mut self) -> Result<(), Error> {
        for chosen in self.target.chosen.iter().flatten() {
            self.wanted(&self.target.in_backup.join(chosen))?;
        }
        let wanted = self.wanted(&self.target.in_backup)?;
        let top = self.target.top.as_path();
        match top.file_name() {
            None if wanted.node.is_dir() => {
                let folder = self.base.walk(top).map_err(in_the_way)?;
                self.keep_folder(folder, top, &wanted)?;
            }
            None => return Err(damaged("a source is no folder")),
            Some(name) => {
                let live = self.base.look(name).map_err(LOOKING)?;
                let name = name.to_owned();
                let wanted = Wanted { name, ..wanted };
                self.entry(self.base, top, wanted, live, &Siblings::default())?;
            }
        }
        let open = std::mem::take(&mut self.open);
        for other in walk_together(self, open)? {
            self.add(other);
        }
        self.compare()
    }

    fn wanted(&self, path: &Path) -> Result<Wanted, Error> {
        let unknown = || Error::UnknownPath(crate::names::escape(path));
        self.contents.find(path)?.ok_or_else(unknown)
    }

    /// A folder that is in both.
    pub(super) fn folder(&mut self, open: Open) -> Result<(), Error> {
        let at = open.at;
        let folder = match open.folder {
            Some(folder) => folder,
            None => self.base.walk(&at).map_err(in_the_way)?,
        };
        let mut there: HashSet<OsString> = folder.names().map_err(LOOKING)?.into_iter().collect();
        let wanted = self.contents.folder(&open.trees)?;
        let siblings = Siblings::of(&wanted);
        let names = siblings.names();
        for wanted in wanted {
            self.go_on()?;
            let name = wanted.name.clone();
            let path = at.join(&name);
            if path == Path::new(OWN_FOLDER) || self.target.protects(&path) {
                there.remove(&name);
                continue;
            }
            if siblings.choice(self.target, &path) == Choice::Outside {
                continue;
            }
            if wanted.node.is_file()
                && siblings.is_of_one_that_stays(self.target, &folder, &path)?
            {
                tracing::warn!("a log is not restored beside a database that stays as it is");
                there.remove(&name);
                continue;
            }
            let live = folder.look(&name).map_err(LOOKING)?;
            if self.is_left_alone(&folder, &path, live, &siblings)? {
                there.remove(&name);
                continue;
            }
            if let Some(seen) = live
                && !there.remove(&name)
            {
                // There, but under another spelling: this file system takes both for the same.
                let twin = spelled(&folder, &there, names, (&name, &seen))?;
                if twin.as_ref().is_some_and(|twin| names.contains(twin)) {
                    return Err(collision(&name, twin));
                }
                there.retain(|other| Some(other) != twin.as_ref());
            }
            if is_database(&wanted) {
                // Its log goes and stays with it.
                for (log, _) in siblings.there_beside(&folder, &name)? {
                    there.remove(&log);
                }
            }
            self.entry(&folder, &path, wanted, live, &siblings)?;
        }
        if self.target.removes {
            for name in there {
                self.extra(&folder, &at.join(&name), &name)?;
            }
        }
        Ok(())
    }

    /// Whether what is there stays: of a database and the log that was stored with it both do, or none.
    fn is_left_alone(
        &self,
        folder: &Dir,
        at: &Path,
        live: Option<Seen>,
        siblings: &Siblings,
    ) -> Result<bool, Error> {
        let (at, live) = match siblings.stored_with(at.file_name().unwrap_or_default()) {
            Some(database) => {
                let live = folder.look(database).map_err(LOOKING)?;
                (at.with_file_name(database), live)
            }
            None => (at.to_owned(), live),
        };
        // What it was when it was backed up does not count: a line may be for folders alone.
        let leaves = |seen: Seen| self.target.leaves_alone(&at, seen.kind == Kind::Folder);
        Ok(live.is_some_and(leaves))
    }

    /// One entry of the backup, and what is in its place.
    fn entry(
        &mut self,
        folder: &Dir,
        at: &Path,
        wanted: Wanted,
        live: Option<Seen>,
        siblings: &Siblings,
    ) -> Result<(), Error> {
        let Some(kind) = Kind::of(&wanted.node.node_type) else {
            tracing::warn!(path = %at.display(), "a socket or device of the backup is not made");
            return Ok(());
        };
        let Some(seen) = live else {
            return self.put(folder, at, wanted, None, siblings);
        };
        match (kind, seen.kind) {
            (Kind::Folder, Kind::Folder) => {
                if self.target.was_unread(at) && look_into(folder, &wanted.name)?.is_none() {
                    return Ok(());
                }
                let folder = folder.enter(&wanted.name).map_err(in_the_way)?;
                self.keep_folder(folder, at, &wanted)
            }
            (Kind::File, Kind::File) => {
                let companions = if is_database(&wanted) {
                    siblings.there_beside(folder, &wanted.name)?
                } else {
                    Vec::new()
                };
                self.comparisons.push(Comparison {
                    at: at.to_owned(),
                    wanted,
                    seen,
                    companions,
                    always: siblings.always_comes(at.file_name().unwrap_or_default()),
                    chosen: self.target.chosen.is_some(),
                });
                Ok(())
            }
            (Kind::Link, Kind::Link) | (Kind::Fifo, Kind::Fifo) => {
                let dress = Dress::of(&wanted.node.meta);
                let same_target = kind != Kind::Link
                    || folder.link_target(&wanted.name).map_err(LOOKING)?
                        == wanted.node.node_type.to_link().as_os_str();
                if same_target && !dress.differs_from(&seen) && !dress.differs_in_time(&seen) {
                    return Ok(());
                }
                self.put(folder, at, wanted, Some(seen), siblings)
            }
            // Only what lies behind it was chosen.
            _ if self.target.choice(at) == Choice::Above => {
                let what = "a link or a file in place of a folder in which something was chosen";
                Err(Error::InTheWay(what.into()))
            }
            _ => self.put(folder, at, wanted, Some(seen), siblings),
        }
    }

    /// A folder that stays, and what is in it is compared.
    fn keep_folder(&mut self, folder: Dir, at: &Path, wanted: &Wanted) -> Result<(), Error> {
        let (seen, worn) = worn(&folder)?;
        let after = Dress::of(&wanted.node.meta);
        let attributes = after.may_differ_in_attributes(&worn) && {
            let file = folder.file().map_err(LOOKING)?;
            after.differs_in_attributes(&file).map_err(LOOKING)?
        };
        self.open.push(Open {
            at: at.to_owned(),
            trees: wanted.trees,
            folder: Some(folder),
        });
        hold_few(&mut self.open, 1);
        let mut step = FolderStep::unchanged(at.to_owned(), worn);
        // A folder that was only passed through has none of its own. And one that is there already in another folder keeps what
        // it has, as nothing keeps that for an undo.
        let is_dressed = self.target.replaces && self.target.choice(at) == Choice::Chosen;
        if is_dressed && after.mtime.is_some() {
            if attributes || after.differs_from(&seen) {
                let named = (at, EntryKind::Folder);
                self.changes
                    .note(self.target, named, Change::Changed, (None, None));
                step.after = Some(after);
            } else if after.differs_in_time(&seen) {
                step.after = Some(after);
            }
        }
        self.folders.insert(at.to_owned(), step);
        Ok(())
    }

    /// Compares the files that are in both.
    fn compare(&mut self) -> Result<(), Error> {
        let comparisons = std::mem::take(&mut self.comparisons);
        for (comparison, there) in compare(self.base, self.contents, comparisons, self.watch)? {
            self.take_companions(&comparison.at, comparison.companions)?;
            let put = vec![Put {
                within: PathBuf::new(),
                wanted: comparison.wanted,
                there,
            }];
            self.step(&comparison.at, Some(comparison.seen), put, Change::Changed)?;
        }
        Ok(())
    }

    pub(super) fn go_on(&self) -> Result<(), Error> {
        if self.watch.is_canceled() {
            return Err(canceled());
        }
        Ok(())
    }
}

/// Which other name in a folder this entry has, one that is wanted before others.
fn spelled(
    folder: &Dir,
    there: &HashSet<OsString>,
    wanted: &HashSet<OsString>,
    (name, entry): (&OsStr, &Seen),
) -> Result<Option<OsString>, Error> {
    for other in wanted.iter().chain(there).filter(|other| *other != name) {
        let seen = folder.look(other).map_err(LOOKING)?;
        if seen.is_some_and(|seen| seen.inode == entry.inode) {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}
