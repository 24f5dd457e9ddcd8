//! The list of backups, kept in memory and brought up to date from the folder of snapshots, whose names tell what is
//! new: listing a thousand backups reads a thousand names and no file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::{BackupRecord, PENDING, Session, session};
use crate::delete::Removed;
use crate::{BackupId, Error};

/// What a snapshot is.
#[derive(Debug)]
enum Known {
    Backup(Box<BackupRecord>),
    /// Left by a backup that was broken off.
    Pending,
    /// Of somebody else.
    Foreign,
}

impl Known {
    fn of(snapshot: &SnapshotFile) -> Self {
        match BackupRecord::of(snapshot) {
            Some(record) => Self::Backup(Box::new(record)),
            None if snapshot.label == PENDING => Self::Pending,
            None => Self::Foreign,
        }
    }

    fn backup(&self) -> Option<&BackupRecord> {
        match self {
            Self::Backup(record) => Some(record),
            Self::Pending | Self::Foreign => None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// Every snapshot that was read.
    known: HashMap<SnapshotId, Known>,
    /// Records that could not be read at the last look.
    unreadable: usize,
    list: Arc<Vec<BackupRecord>>,
    /// Removed since the start, and so can be put back.
    removed: BTreeMap<BackupId, Removed>,
    stored_bytes: Option<u64>,
}

impl Catalog {
    /// The list as the folder of snapshots is now. A record that cannot be read is left out and counted: one damaged backup
    /// does not hide the others. Errors: where none can be read, which is not the same as there being none.
    pub(super) fn refresh(
        &mut self,
        databases: &Path,
        open: impl FnOnce() -> Result<Session, Error>,
    ) -> Result<Arc<Vec<BackupRecord>>, Error> {
        let ids = snapshot_ids(databases)?;
        let unread: Vec<SnapshotId> = ids
            .iter()
            .filter(|id| !self.known.contains_key(id))
            .copied()
            .collect();
        if unread.is_empty() && ids.len() == self.known.len() {
            return Ok(self.list.clone());
        }
        self.unreadable = 0;
        if !unread.is_empty() {
            self.read(&open()?, unread)?;
        }
        let present: HashSet<SnapshotId> = ids.into_iter().collect();
        self.known.retain(|id, _| present.contains(id));
        self.stored_bytes = None;
        self.list = Arc::new(self.by_time());
        if self.known.is_empty() && self.unreadable > 0 {
            return Err(Error::DamagedRecords(self.unreadable));
        }
        Ok(self.list.clone())
    }

    fn read(&mut self, session: &Session, unread: Vec<SnapshotId>) -> Result<(), Error> {
        for id in unread {
            match session.snapshot(&id) {
                Ok(snapshot) => {
                    self.known.insert(id, Known::of(&snapshot));
                }
                Err(error @ Error::Unreachable(_)) => return Err(error),
                // Not noted as known: a disk that stumbled once is asked again the next time.
                Err(error) => {
                    tracing::warn!(snapshot = %id, %error, "the record of a backup cannot be read");
                    self.unreadable += 1;
                }
            }
        }
        Ok(())
    }

    /// Newest first, each backup once.
    fn by_time(&self) -> Vec<BackupRecord> {
        let records = self.known.values().filter_map(Known::backup);
        let by_time: BTreeMap<_, _> = records
            .map(|record| ((record.created, &record.id), record))
            .collect();
        by_time.into_values().rev().cloned().collect()
    }

    /// How many records could not be read at the last look.
    pub(super) fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The snapshots that are this backup: one, or two where a commit was repeated.
    pub(crate) fn snapshots_of(&self, id: &BackupId) -> Vec<SnapshotId> {
        self.those(|known| known.backup().is_some_and(|record| record.id == *id))
    }

    /// What backups that were broken off left behind.
    pub(super) fn pending(&self) -> Vec<SnapshotId> {
        self.those(|known| matches!(known, Known::Pending))
    }

    /// The snapshots in `files/` that backups refer to.
    pub(super) fn files_snapshots(&self) -> HashSet<SnapshotId> {
        let records = self.known.values().filter_map(Known::backup);
        records.filter_map(|record| record.files).collect()
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

    /// Bytes of all files of the repositories; measured again when the list has changed.
    pub(super) fn stored_bytes(&mut self, parts: &[PathBuf]) -> Option<u64> {
        if self.stored_bytes.is_none() {
            let each: Result<Vec<u64>, _> = parts.iter().map(|part| folder_bytes(part)).collect();
            self.stored_bytes = each.ok().map(|each| each.iter().sum());
        }
        self.stored_bytes
    }
}

fn snapshot_ids(databases: &Path) -> Result<Vec<SnapshotId>, Error> {
    let entries = fs::read_dir(databases.join("snapshots")).map_err(session::explain_read)?;
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry.map_err(session::explain_read)?.file_name();
        let id: Option<SnapshotId> = name
            .to_str()
            .filter(|name| name.len() == 64)
            .and_then(|name| name.parse().ok());
        ids.extend(id);
    }
    Ok(ids)
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}
