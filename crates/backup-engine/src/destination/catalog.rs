//! The list of backups, kept in memory and in `catalog.db`, and brought up to date from the folder of snapshots, whose
//! names tell what is new and what is gone: listing ten thousand backups reads ten thousand names and no snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::catalog_file::CatalogFile;
use super::keyless::{fingerprint, snapshot_ids};
use super::{BackupRecord, COMMITTED, PENDING, Session};
use crate::delete::Removed;
use crate::{BackupId, Error};

/// What a snapshot is.
#[derive(Debug)]
enum Known {
    Backup(Box<BackupRecord>),
    /// Left by a backup that was broken off.
    Pending,
    /// The record of a backup that this version does not understand: of a later one.
    Unknown,
    /// Of somebody else.
    Foreign,
}

impl Known {
    fn of(snapshot: &SnapshotFile) -> Self {
        match BackupRecord::of(snapshot) {
            Some(record) => Self::Backup(Box::new(record)),
            None if snapshot.label == PENDING => Self::Pending,
            None if snapshot.label == COMMITTED => Self::Unknown,
            None => Self::Foreign,
        }
    }

    fn backup(&self) -> Option<&BackupRecord> {
        match self {
            Self::Backup(record) => Some(record),
            Self::Pending | Self::Unknown | Self::Foreign => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Catalog {
    file: CatalogFile,
    /// Which repository all of this is of; `None` before the first look.
    repository: Option<String>,
    /// Which key is known to open it.
    opened_with: Option<String>,
    /// Every snapshot that was read.
    known: HashMap<SnapshotId, Known>,
    /// The texts of those that are not in the file yet.
    unsaved: HashMap<SnapshotId, String>,
    /// Records that could not be read at the last look.
    unreadable: Vec<SnapshotId>,
    list: Arc<Vec<BackupRecord>>,
    /// More or less is known than is listed and saved.
    changed: bool,
    /// The list is what the repository held at some look, and not a part of it.
    whole: bool,
    /// Removed since the start, and so can be put back.
    removed: BTreeMap<BackupId, Removed>,
    stored_bytes: Option<u64>,
    /// How often the list has changed.
    changes: u64,
}

impl Catalog {
    pub(super) fn new(data_dir: &Path, destination: &Path) -> Self {
        Self {
            file: CatalogFile::new(data_dir, destination),
            repository: None,
            opened_with: None,
            known: HashMap::new(),
            unsaved: HashMap::new(),
            unreadable: Vec::new(),
            list: Arc::default(),
            changed: false,
            whole: false,
            removed: BTreeMap::new(),
            stored_bytes: None,
            changes: 0,
        }
    }

    /// The list as the folder of snapshots is now. A record that cannot be read is left out and counted: one damaged backup
    /// does not hide the others. Errors: where none can be read, which is not the same as there being none.
    pub(super) fn refresh(
        &mut self,
        databases: &Path,
        open: impl FnOnce() -> Result<Session, Error>,
    ) -> Result<Arc<Vec<BackupRecord>>, Error> {
        let present = snapshot_ids(databases)?;
        self.recognize(databases);
        let known = self.known.len();
        self.known.retain(|id, _| present.contains(id));
        self.changed |= self.known.len() < known;
        let unread = present.iter().filter(|id| !self.known.contains_key(id));
        let unread: Vec<SnapshotId> = unread.copied().collect();
        self.unreadable.clear();
        if !unread.is_empty() {
            self.read(&open()?, unread)?;
        }
        if self.changed {
            self.settle();
        }
        self.whole = !self.known.is_empty() || self.unreadable.is_empty();
        if self.whole {
            Ok(self.list.clone())
        } else {
            Err(Error::DamagedRecords(self.unreadable.len()))
        }
    }

    /// The list of the last look, of this start or an earlier one; `None` where there is none that is whole.
    pub(super) fn last_list(&mut self) -> Option<Arc<Vec<BackupRecord>>> {
        if self.repository.is_none()
            && let Some(repository) = self.file.last_here()
        {
            self.recall(repository);
        }
        self.whole.then(|| self.list.clone())
    }

    /// Another disk may be in the place of the last one.
    fn recognize(&mut self, databases: &Path) {
        let repository = fingerprint(databases)
            .inspect_err(|error| tracing::debug!(%error, "the repository is not recognized"));
        if let Ok(repository) = repository
            && self.repository.as_ref() != Some(&repository)
        {
            self.file.note_place(&repository);
            self.recall(repository);
        }
    }

    /// Takes what the file knows of this repository for the start; the next look mends it.
    fn recall(&mut self, repository: String) {
        let noted = self.file.load(&repository);
        let snapshots = noted.snapshots.iter();
        self.known = snapshots
            .map(|(id, snapshot)| (*id, Known::of(snapshot)))
            .collect();
        self.list = Arc::new(self.by_time());
        self.whole = noted.complete;
        self.changed = !noted.complete;
        self.changes += 1;
        self.stored_bytes = noted.stored_bytes;
        self.opened_with = noted.opened_with;
        self.unsaved.clear();
        // What was removed from another one cannot be put back into this.
        self.removed.clear();
        self.repository = Some(repository);
    }

    fn read(&mut self, session: &Session, unread: Vec<SnapshotId>) -> Result<(), Error> {
        for id in unread {
            match session.snapshot(&id) {
                Ok(snapshot) => self.learn(id, &snapshot),
                Err(error @ Error::Unreachable(_)) => return Err(error),
                // Not noted as known: a disk that stumbled once is asked again the next time.
                Err(error) => {
                    tracing::warn!(snapshot = %id, %error, "the record of a backup cannot be read");
                    self.unreadable.push(id);
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, id: SnapshotId, snapshot: &SnapshotFile) {
        self.known.insert(id, Known::of(snapshot));
        self.changed = true;
        match serde_json::to_string(snapshot) {
            Ok(text) => drop(self.unsaved.insert(id, text)),
            Err(error) => tracing::warn!(snapshot = %id, %error, "not for the catalog"),
        }
    }

    /// Lists and saves what is known now.
    fn settle(&mut self) {
        self.list = Arc::new(self.by_time());
        self.changes += 1;
        self.stored_bytes = None;
        self.changed = false;
        let Some(repository) = &self.repository else {
            return;
        };
        self.unsaved.retain(|id, _| self.known.contains_key(id));
        let held = self.known.keys().copied().collect();
        // Where none could be read, the file must not say that there are none.
        let count = self
            .known
            .len()
            .max(usize::from(!self.unreadable.is_empty()));
        if self.file.save(repository, &held, count, &self.unsaved) {
            self.unsaved.clear();
        }
    }

    /// Has a snapshot read again at the next look, and listed until then.
    pub(super) fn doubt(&mut self, id: &SnapshotId) {
        self.changed |= self.known.remove(id).is_some();
    }

    /// Newest first, each backup once.
    fn by_time(&self) -> Vec<BackupRecord> {
        let records = self.known.values().filter_map(Known::backup);
        let by_time: BTreeMap<_, _> = records
            .map(|record| ((record.created, &record.id), record))
            .collect();
        by_time.into_values().rev().cloned().collect()
    }

    /// The records that could not be read at the last look.
    pub(super) fn unreadable(&self) -> &[SnapshotId] {
        &self.unreadable
    }

    /// The snapshots that are this backup: one, or two where a commit was repeated.
    pub(crate) fn snapshots_of(&self, id: &BackupId) -> Vec<SnapshotId> {
        self.those(|known| known.backup().is_some_and(|record| record.id == *id))
    }

    /// What backups that were broken off left behind.
    pub(super) fn pending(&self) -> Vec<SnapshotId> {
        self.those(|known| matches!(known, Known::Pending))
    }

    /// The snapshots in `files/` that backups refer to. `None`: it may be any, as there is a record that cannot be read or is
    /// not understood.
    pub(crate) fn files_snapshots(&self) -> Option<HashSet<SnapshotId>> {
        let is_unknown = |known| matches!(known, &Known::Unknown);
        if !self.unreadable.is_empty() || self.known.values().any(is_unknown) {
            return None;
        }
        let records = self.known.values().filter_map(Known::backup);
        Some(records.filter_map(|record| record.files).collect())
    }

    /// The newest backup of this device that has a snapshot in `files/`, and that.
    pub(crate) fn newest_files(&self, device_name: &str) -> Option<(BackupId, SnapshotId)> {
        let ours = self.list.iter();
        let ours = ours.filter(|record| record.device_name == device_name);
        let mut with_files = ours.filter_map(|record| Some((record.id.clone(), record.files?)));
        with_files.next()
    }

    /// How many files the last backup of this device had of this source in which it was not empty.
    pub(crate) fn last_files(&self, device_name: &str, source: &str) -> u64 {
        let ours = self.list.iter();
        let ours = ours.filter(|record| record.device_name == device_name);
        let of_source = |record: &BackupRecord| {
            let mut sources = record.sources.iter();
            let record = sources.find(|record| record.id == source)?;
            Some(record.files + record.databases)
        };
        ours.filter_map(of_source)
            .find(|files| *files > 0)
            .unwrap_or(0)
    }

    fn those(&self, fit: impl Fn(&Known) -> bool) -> Vec<SnapshotId> {
        let those = self.known.iter().filter(|(_, known)| fit(known));
        those.map(|(snapshot, _)| *snapshot).collect()
    }

    pub(crate) fn note_removed(&mut self, id: BackupId, removed: Removed) {
        self.removed.insert(id, removed);
    }

    pub(crate) fn removed(&self, id: &BackupId) -> Option<Removed> {
        self.removed.get(id).cloned()
    }

    pub(crate) fn forget_removed(&mut self, id: &BackupId) {
        self.removed.remove(id);
    }

    pub(super) fn opened_with(&self) -> Option<&str> {
        self.opened_with.as_deref()
    }

    pub(super) fn note_opened_with(&mut self, key: Option<String>) {
        if let (Some(repository), Some(key)) = (&self.repository, &key) {
            self.file.save_opened_with(repository, key);
        }
        self.opened_with = key;
    }

    /// What the repository takes, where it was measured since the list changed, and else how often the list has changed.
    pub(super) fn stored_bytes(&self) -> Result<u64, u64> {
        self.stored_bytes.ok_or(self.changes)
    }

    /// Notes what was measured, if the list is still the one it was measured for.
    pub(super) fn note_stored_bytes(&mut self, bytes: u64, changes: u64) {
        if self.changes == changes {
            self.stored_bytes = Some(bytes);
            if let Some(repository) = &self.repository {
                self.file.save_stored_bytes(repository, bytes);
            }
        }
    }
}
