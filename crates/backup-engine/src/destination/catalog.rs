//! The list of backups, kept in memory and brought up to date from the folder of snapshots, whose names tell what is
//! new: listing a thousand backups reads a thousand names and no file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::{BackupRecord, Session, session};
use crate::{BackupId, Error};

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// Every snapshot that was read; `None` for one that is no complete backup of ours.
    known: HashMap<SnapshotId, Option<BackupRecord>>,
    list: Arc<Vec<BackupRecord>>,
    /// Removed since the start, and so can be put back.
    removed: BTreeMap<BackupId, SnapshotFile>,
    stored_bytes: Option<u64>,
}

impl Catalog {
    /// The list as the folder of snapshots is now. A record that cannot be read is left out and logged: one damaged
    /// backup does not hide the others.
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
        if !unread.is_empty() {
            let session = open()?;
            for id in unread {
                match session.snapshot(&id) {
                    Ok(snapshot) => {
                        self.known.insert(id, BackupRecord::of(&snapshot));
                    }
                    // Not noted as known: a disk that stumbled once is asked again the next time.
                    Err(error) => {
                        tracing::warn!(snapshot = %id, %error, "the record of a backup cannot be read")
                    }
                }
            }
        }
        let present: std::collections::HashSet<SnapshotId> = ids.into_iter().collect();
        self.known.retain(|id, _| present.contains(id));
        let order = |record: &&BackupRecord| (record.created, record.id.clone());
        let by_time: BTreeMap<_, _> = self
            .known
            .values()
            .flatten()
            .map(|record| (order(&record), record))
            .collect();
        self.list = Arc::new(by_time.into_values().rev().cloned().collect());
        self.stored_bytes = None;
        Ok(self.list.clone())
    }

    /// The snapshots that are this backup: one, or two where a commit was repeated.
    pub(crate) fn snapshots_of(&self, id: &BackupId) -> Vec<SnapshotId> {
        let is_it =
            |record: &Option<BackupRecord>| record.as_ref().is_some_and(|record| record.id == *id);
        self.known
            .iter()
            .filter(|(_, record)| is_it(record))
            .map(|(snapshot, _)| *snapshot)
            .collect()
    }

    pub(crate) fn note_removed(&mut self, id: BackupId, snapshot: SnapshotFile) {
        self.removed.insert(id, snapshot);
    }

    pub(crate) fn removed(&self, id: &BackupId) -> Option<SnapshotFile> {
        self.removed.get(id).cloned()
    }

    pub(crate) fn forget_removed(&mut self, id: &BackupId) {
        self.removed.remove(id);
    }

    /// Bytes of all files of the repository; measured again when the list has changed.
    pub(super) fn stored_bytes(&mut self, databases: &Path) -> Option<u64> {
        if self.stored_bytes.is_none() {
            self.stored_bytes = folder_bytes(databases).ok();
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
