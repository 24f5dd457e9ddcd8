//! What is to be restored, and where to: the request of a caller, and the targets that it comes to.

use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Restore;
use super::area::{Areas, missing_above};
use super::target::{LIBRARY_ID, SourcePlace, Target};
use crate::backup::LIBRARY_FILE;
use crate::destination::SourceRecord;
use crate::names::{escape, unescape};
use crate::sources::{Excluded, OWN_FOLDER, excluded_by};
use crate::{BackupId, Error};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    pub backup: BackupId,
    pub what: What,
    pub place: Place,
}

/// What of a backup is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The library, and the sources that are set up here; all sources, where it goes into another folder.
    Everything,
    Library,
    /// A source, by its id.
    Source(String),
    /// `library.db`, sources, and what lies in them. Nothing else in their folders is touched.
    Paths(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where it was, as this device has it set up.
    InPlace,
    /// A folder that is made where there is none: `library.db`, and a folder for each source. What is in it stays; what is
    /// in the backup too, and other than there, is in the way.
    Folder(PathBuf),
}

/// What a request comes to.
pub(super) struct Goals {
    /// The library's own folder is replaced.
    pub library: bool,
    pub targets: Vec<Target>,
    /// Folders that have to be made for it, the outermost first.
    pub missing: Vec<PathBuf>,
}

/// A source, and which paths of it; `None`: all of it.
type Chosen = (String, Option<Vec<PathBuf>>);

impl Restore<'_> {
    pub(super) fn goals(&self, request: &RestoreRequest) -> Result<Goals, Error> {
        let (library, sources) = self.chosen(&request.what, &request.place)?;
        match &request.place {
            Place::InPlace => self.in_place(library, sources),
            Place::Folder(folder) => self.for_folder(folder, library, sources),
        }
    }

    fn chosen(&self, what: &What, place: &Place) -> Result<(bool, Vec<Chosen>), Error> {
        let recorded = || {
            let sources = self
                .details
                .sources
                .iter()
                .filter(|source| was_there(source));
            sources.map(|source| source.id.clone())
        };
        let set_up = |id: &String| self.place_of(id).is_some();
        match what {
            What::Library => Ok((true, Vec::new())),
            What::Everything => {
                let (here, elsewhere): (Vec<_>, Vec<_>) =
                    recorded().partition(|id| *place != Place::InPlace || set_up(id));
                for id in elsewhere {
                    tracing::warn!(
                        id,
                        "a source of the backup is not set up here, and left out"
                    );
                }
                Ok((true, here.into_iter().map(|id| (id, None)).collect()))
            }
            What::Source(id) if recorded().any(|recorded| recorded == *id) => {
                Ok((false, vec![(id.clone(), None)]))
            }
            What::Source(id) => Err(Error::UnknownPath(id.clone())),
            What::Paths(paths) => self.chosen_paths(paths),
        }
    }

    fn chosen_paths(&self, paths: &[String]) -> Result<(bool, Vec<Chosen>), Error> {
        let (mut library, mut sources) = (false, Vec::<Chosen>::new());
        for text in paths {
            if text == LIBRARY_ID || text == LIBRARY_FILE {
                library = true;
                continue;
            }
            let unknown = || Error::UnknownPath(text.clone());
            let path = unescape(text);
            let plain = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let mut names = path.components();
            let id = names.next().and_then(|id| id.as_os_str().to_str());
            let id = id.filter(|_| plain).ok_or_else(unknown)?.to_owned();
            if !self.details.sources.iter().any(|source| source.id == id) {
                return Err(unknown());
            }
            let below = names.as_path().to_owned();
            match sources.iter_mut().find(|(known, _)| *known == id) {
                Some((_, chosen)) => chosen.get_or_insert_default().push(below),
                None => sources.push((id, Some(vec![below]))),
            }
        }
        if !library && sources.is_empty() {
            return Err(Error::UnknownPath("no path at all".into()));
        }
        Ok((library, sources))
    }

    fn place_of(&self, id: &str) -> Option<&SourcePlace> {
        self.places.iter().find(|place| place.id == id)
    }

    fn in_place(&self, library: bool, sources: Vec<Chosen>) -> Result<Goals, Error> {
        let mut goals = Goals {
            library,
            targets: Vec::new(),
            missing: Vec::new(),
        };
        let wholes = self.wholes(&sources);
        are_apart(&wholes)?;
        for (id, chosen) in sources {
            let place = self
                .place_of(&id)
                .ok_or_else(|| Error::NotSetUp(id.clone()))?;
            // A source that is there is its own base; one that is not comes into the folder that it was in.
            let (base, top) = if place.path.is_dir() {
                (place.path.clone(), PathBuf::new())
            } else {
                let name = place.path.file_name().map(PathBuf::from);
                let name = name.ok_or_else(|| Error::NotSetUp(id.clone()))?;
                let parent = place.path.parent().unwrap_or(Path::new("/"));
                goals.missing.extend(missing_above(parent));
                (parent.to_owned(), name)
            };
            // Where more could not be read than are named, nothing is known to be gone.
            let removes = chosen.is_none() && self.all_unread_named(&id);
            let mut target = self.target(&id, chosen);
            let inner = |other: &&PathBuf| **other != place.path && other.starts_with(&place.path);
            target
                .protected
                .extend(wholes.iter().filter(inner).cloned());
            goals.targets.push(Target {
                base,
                top,
                moved_to: self.moved_to(&id, &place.path),
                removes,
                excluded: Some(Arc::clone(&place.excluded)),
                excluded_then: self.excluded_then(&id)?,
                ..target
            });
        }
        Ok(goals)
    }

    fn for_folder(
        &self,
        folder: &Path,
        library: bool,
        sources: Vec<Chosen>,
    ) -> Result<Goals, Error> {
        self.check_folder(folder)?;
        let sources = sources.into_iter().map(|(id, chosen)| Target {
            base: folder.to_owned(),
            top: PathBuf::from(&id),
            replaces: false,
            ..self.target(&id, chosen)
        });
        let library = library.then(|| Target {
            base: folder.to_owned(),
            top: LIBRARY_FILE.into(),
            replaces: false,
            in_backup: LIBRARY_FILE.into(),
            ..self.target(LIBRARY_ID, None)
        });
        Ok(Goals {
            library: false,
            targets: library.into_iter().chain(sources).collect(),
            missing: missing_above(folder),
        })
    }

    fn target(&self, id: &str, chosen: Option<Vec<PathBuf>>) -> Target {
        let record = self.details.sources.iter().find(|source| source.id == id);
        let unread = record.into_iter().flat_map(|source| &source.unread);
        Target {
            id: id.to_owned(),
            base: PathBuf::new(),
            top: PathBuf::new(),
            in_backup: id.into(),
            chosen,
            moved_to: None,
            replaces: true,
            removes: false,
            excluded: None,
            excluded_then: None,
            unread: unread
                .map(|file| below(id, &unescape(&file.path)))
                .collect(),
            protected: self.protected(),
        }
    }

    /// The folders of the sources that are restored whole: one that lies in another is restored by itself.
    fn wholes(&self, sources: &[Chosen]) -> Vec<PathBuf> {
        let wholes = sources.iter().filter(|(_, chosen)| chosen.is_none());
        let places = wholes.filter_map(|(id, _)| self.place_of(id));
        places.map(|place| place.path.clone()).collect()
    }

    /// Another folder may have got the id of one that is no source any more, or it lies elsewhere on this device.
    fn moved_to(&self, id: &str, place: &Path) -> Option<PathBuf> {
        let record = self.details.sources.iter().find(|source| source.id == id);
        let moved = record.is_some_and(|source| source.path != escape(place));
        moved.then(|| place.to_owned())
    }

    /// What was left out of the backup. Older backups do not say.
    fn excluded_then(&self, id: &str) -> Result<Option<Excluded>, Error> {
        let record = self.details.sources.iter().find(|source| source.id == id);
        let lines = record.and_then(|source| source.excludes.as_ref());
        lines.map(|lines| excluded_by(lines)).transpose()
    }

    fn all_unread_named(&self, id: &str) -> bool {
        let record = self.details.sources.iter().find(|source| source.id == id);
        record.is_none_or(|source| source.unread_count <= source.unread.len() as u64)
    }

    /// Our own folders, in which a restore touches nothing.
    fn protected(&self) -> Vec<PathBuf> {
        let own = [self.data_dir, self.destination].into_iter();
        let kept = self.places.iter().map(|place| place.path.join(OWN_FOLDER));
        own.map(resolved).chain(kept).collect()
    }

    fn check_folder(&self, folder: &Path) -> Result<(), Error> {
        let plain = |part| !matches!(part, Component::ParentDir | Component::CurDir);
        if !folder.is_absolute() || !folder.components().all(plain) {
            return Err(Error::BadTarget("its path is not absolute".into()));
        }
        if folder.exists() && !folder.is_dir() {
            return Err(Error::BadTarget("it is no folder".into()));
        }
        let whole = resolved(folder);
        if self.protected().iter().any(|own| whole.starts_with(own)) {
            let why = "it lies in the data folder or in the destination";
            return Err(Error::BadTarget(why.into()));
        }
        Ok(())
    }
}

impl Goals {
    /// Makes the folders that are missing, noted first, and follows the links in the paths of the targets once and for all.
    pub(super) fn prepare(&mut self, areas: &mut Areas, data_dir: &Path) -> Result<(), Error> {
        let making = |source| Error::Io {
            doing: "making the folder to restore into",
            source,
        };
        if !self.missing.is_empty() {
            areas.made = self.missing.iter().map(|folder| escape(folder)).collect();
            areas.note(data_dir).map_err(making)?;
            for folder in &self.missing {
                match fs::create_dir(folder) {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                    made => made.map_err(making)?,
                }
            }
        }
        for target in &mut self.targets {
            target.base = fs::canonicalize(&target.base).map_err(making)?;
        }
        Ok(())
    }
}

/// The path without links, as far as it is there.
pub(super) fn resolved(path: &Path) -> PathBuf {
    for there in path.ancestors() {
        if let Ok(whole) = fs::canonicalize(there) {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() {
                whole
            } else {
                whole.join(rest)
            };
        }
    }
    path.to_owned()
}

/// Sources that are one folder by now, as by a link, would each take away what the other brings.
fn are_apart(wholes: &[PathBuf]) -> Result<(), Error> {
    let mut known = HashSet::new();
    if wholes.iter().all(|whole| known.insert(resolved(whole))) {
        return Ok(());
    }
    let why = "two of the sources are the same folder by now. Restore one of them alone";
    Err(Error::BadTarget(why.into()))
}

/// A path in the backup as one in its source: empty for the source itself.
fn below(id: &str, path: &Path) -> PathBuf {
    path.strip_prefix(id).unwrap_or(path).to_owned()
}

/// Of a source that was away, or that was empty where a disk may not have been mounted, the backup holds its name and a word on
/// that alone: nobody is to find his folder emptied by a restore of it.
fn was_there(source: &SourceRecord) -> bool {
    let is_named = source.unread.iter().any(|file| file.path == source.id);
    let holds_nothing = source.files == 0 && source.databases == 0 && source.folders <= 1;
    !(is_named && holds_nothing)
}
