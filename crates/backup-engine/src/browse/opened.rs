//! Backups that are open for reading, kept between one call and the next: their index in memory, and the folders that
//! were listed.
//!
//! A record's snapshot never changes, and neither does what its ids name. What can grow old is the index, which tells in
//! which pack a chunk lies: a job may move it. So what is not found by a kept index is looked for once more by a new one.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::EntryKind;
use super::folders::{Folder, FolderCache, Found, Trees, merged};
use super::scratch::Scratches;
use crate::destination::{BackupRecord, Content, Details, Part};
use crate::engine::{guarded, look};
use crate::{BackupId, Engine, Error, Watch};

/// As many as a comparison needs.
const KEPT: usize = 2;

/// What is kept between calls.
#[derive(Debug)]
pub(crate) struct Shelf {
    backups: Mutex<Vec<Arc<Opened>>>,
    pub(super) libraries: Scratches,
}

impl Shelf {
    /// Removes what an earlier process left.
    pub(crate) fn new(data_dir: &Path) -> Result<Self, Error> {
        Ok(Self {
            backups: Mutex::default(),
            libraries: Scratches::new(data_dir)?,
        })
    }

    /// Frees the indexes. A job that writes changes what they say, and needs the memory itself.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Opened>>> {
        self.backups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, opened: Arc<Opened>) {
        let mut backups = self.lock();
        backups.retain(|kept| kept.snapshot != opened.snapshot);
        backups.truncate(KEPT - 1);
        backups.insert(0, opened);
    }
}

/// A backup, open for reading.
pub(crate) struct Opened {
    pub(super) id: BackupId,
    snapshot: SnapshotId,
    pub(crate) details: Details,
    pub(crate) roots: Trees,
    databases: Arc<Content>,
    files: Option<Arc<Content>>,
    folders: FolderCache,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Opened").field(&self.id).finish()
    }
}

impl Opened {
    pub(crate) fn content(&self, part: Part) -> Result<&Content, Error> {
        match part {
            Part::Databases => Ok(&self.databases),
            Part::Files => self.files.as_deref().ok_or_else(|| Error::Damaged {
                backup: None,
                detail: "the repository of its files is missing".into(),
            }),
        }
    }

    /// What is in a folder, with all that the repositories know of it.
    pub(crate) fn folder(&self, trees: Trees) -> Result<Vec<Found>, Error> {
        merged(trees, |part, tree| self.content(part)?.folder(tree))
    }

    /// What is in a folder, as far as a listing needs it.
    pub(super) fn listed(&self, trees: Trees) -> Result<Folder, Error> {
        self.folders.get(trees, || self.folder(trees))
    }

    pub(super) fn has_source(&self, id: &str) -> bool {
        self.details.sources.iter().any(|source| source.id == id)
    }

    /// What lies at this path in a source, whole. Errors: `UnknownPath`.
    pub(super) fn find(&self, path: &str) -> Result<Found, Error> {
        let unknown = || Error::UnknownPath(path.to_owned());
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let trees = match self.trees_of(folder) {
            // Nothing lies in a file.
            Err(Error::NotAFolder(_)) => None,
            trees => trees?,
        };
        let trees = trees.ok_or_else(unknown)?;
        let found = self.folder(trees)?.into_iter();
        let mut found = found.filter(|found| found.name() == name);
        found.next().ok_or_else(unknown)
    }

    /// The folder at this path under the root. `None`: there is nothing. Errors: `NotAFolder`.
    pub(super) fn trees_of(&self, path: &str) -> Result<Option<Trees>, Error> {
        let mut trees = self.roots;
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let folder = self.listed(trees)?;
            let found = folder.binary_search_by(|listed| listed.name.as_str().cmp(name));
            match found.ok().map(|at| &folder[at]) {
                Some(listed) if listed.kind == EntryKind::Folder => trees = listed.trees,
                Some(_) if names.peek().is_none() => {
                    return Err(Error::NotAFolder(path.to_owned()));
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(trees))
    }
}

impl Engine {
    /// Works on opened backups. Where the work finds damage by an index that was kept, it is done once more with what is
    /// read anew. Errors: `Canceled` too.
    pub(super) fn with_opened<T>(
        &self,
        ids: &[&BackupId],
        watch: &Watch,
        mut work: impl FnMut(&[Arc<Opened>]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempt = |reuse: bool| -> Result<(T, bool), (Error, bool)> {
            let (mut opened, mut reused) = (Vec::new(), false);
            for id in ids {
                let (one, kept) = self.opened(id, reuse).map_err(|error| {
                    let error = error.naming(id);
                    (error, false)
                })?;
                opened.push(one);
                reused |= kept;
            }
            match look(watch, || work(&opened)) {
                Ok(done) => Ok((done, reused)),
                Err(error) => Err((error, reused)),
            }
        };
        let result = match attempt(true) {
            Err((Error::Damaged { .. } | Error::Repository(_), true)) => {
                self.shelf.forget();
                attempt(false)
            }
            result => result,
        };
        match (result, ids) {
            (Ok((done, _)), _) => Ok(done),
            (Err((error, _)), [id]) => Err(error.naming(id)),
            (Err((error, _)), _) => Err(error),
        }
    }

    /// Opens a backup, or takes what is kept. Returns whether anything of it was kept.
    fn opened(&self, id: &BackupId, reuse: bool) -> Result<(Arc<Opened>, bool), Error> {
        // The list is asked first: a destination that is absent or locked shows nothing, whatever is kept of it.
        let record = self.present_backup(id)?;
        let unknown = || Error::UnknownBackup(id.clone());
        let snapshots = self.destination.catalog().snapshots_of(id);
        let snapshot = *snapshots.first().ok_or_else(unknown)?;
        let kept = if reuse {
            self.shelf.lock().clone()
        } else {
            Vec::new()
        };
        if let Some(opened) = kept.iter().find(|kept| kept.snapshot == snapshot) {
            return Ok((opened.clone(), true));
        }
        let opening = Opening {
            engine: self,
            id,
            kept,
        };
        let (opened, reused) = guarded(|| opening.open(&record, snapshot))?;
        self.shelf.keep(opened.clone());
        Ok((opened, reused))
    }
}

struct Opening<'a> {
    engine: &'a Engine,
    id: &'a BackupId,
    /// Whose indexes may serve again.
    kept: Vec<Arc<Opened>>,
}

impl Opening<'_> {
    fn open(
        &self,
        record: &BackupRecord,
        snapshot: SnapshotId,
    ) -> Result<(Arc<Opened>, bool), Error> {
        let (committed, databases, mut reused) = self.part(Part::Databases, &snapshot)?;
        let unknown = || Error::UnknownBackup(self.id.clone());
        let details = Details::of(&committed).ok_or_else(unknown)?;
        details.check_format()?;
        let mut roots = Trees {
            databases: Some(committed.tree),
            files: None,
        };
        let mut files = None;
        if let Some(id) = &record.files {
            let (listed, content, kept) = self.part(Part::Files, id)?;
            roots.files = Some(listed.tree);
            files = Some(content);
            reused |= kept;
        }
        let opened = Opened {
            id: self.id.clone(),
            snapshot,
            details,
            roots,
            databases,
            files,
            folders: FolderCache::default(),
        };
        Ok((Arc::new(opened), reused))
    }

    /// Reads a snapshot, and opens its repository, unless an index that is kept knows its folders.
    fn part(
        &self,
        part: Part,
        id: &SnapshotId,
    ) -> Result<(SnapshotFile, Arc<Content>, bool), Error> {
        let session = self.engine.destination.read(part, &Watch::unwatched())?;
        let session = session.ok_or_else(|| Error::UnknownBackup(self.id.clone()))?;
        let snapshot = session.snapshot(id)?;
        let mut kept = self.kept.iter().filter_map(|kept| match part {
            Part::Databases => Some(&kept.databases),
            Part::Files => kept.files.as_ref(),
        });
        match kept.find(|content| content.has_folder(&snapshot.tree)) {
            Some(content) => Ok((snapshot, content.clone(), true)),
            None => Ok((snapshot, Arc::new(Content::open(session)?), false)),
        }
    }
}
