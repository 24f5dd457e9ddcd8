//! What the last backup saw of each database, so that the next one can tell without reading it that it has not changed. Of no
//! worth but speed: where it is missing, everything is read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustic_core::repofile::{Node, SnapshotId};
use serde::{Deserialize, Serialize};

use super::library::StoredLibrary;
use crate::BackupId;
use crate::database::ChangeToken;
use crate::destination::Destination;
use crate::durable::write_private;

/// A database as it is in the last backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SeenDatabase {
    pub token: ChangeToken,
    /// As it was stored: the archiver takes over what looks the same.
    pub node: Node,
}

/// `seen.json` in the data folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    backup: String,
    /// The mark of what was lost before that backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<Vec<u8>>,
    /// By their paths in the backup.
    databases: BTreeMap<String, SeenDatabase>,
}

pub(crate) struct SeenStore {
    file: PathBuf,
    /// A change of the library is told by its open connections, so this is of no use to another process.
    library: Mutex<Option<(BackupId, StoredLibrary)>>,
}

/// What is known when a backup begins.
#[derive(Default)]
pub(super) struct Seen {
    /// Nothing was lost since the last backup. Else an earlier one may lack folders, and the archiver does not look for a folder
    /// that it finds unchanged in the backup that it builds on.
    pub nothing_lost: bool,
    pub loss: Option<Vec<u8>>,
    /// The last backup, where it is in this destination.
    backup: Option<BackupId>,
    pub parent: Option<SnapshotId>,
    pub library: Option<StoredLibrary>,
    pub databases: BTreeMap<String, SeenDatabase>,
}

impl Seen {
    /// Whether an earlier backup lacks nothing. Where something was lost at some time, that is known of the last backup alone:
    /// one before it may be from before the loss, as when the last one was made without the folders.
    pub(super) fn may_build_on(&self, backup: &BackupId) -> bool {
        self.nothing_lost && (self.loss.is_none() || self.backup.as_ref() == Some(backup))
    }
}

impl SeenStore {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join("seen.json"),
            library: Mutex::default(),
        }
    }

    /// Counts only as long as its backup is in this destination.
    pub(super) fn load(&self, destination: &Destination) -> Seen {
        let (loss, known) = match destination.loss_mark() {
            Ok(loss) => (loss, true),
            Err(error) => {
                tracing::warn!(%error, "this backup is built on no earlier one");
                (None, false)
            }
        };
        let nothing = Seen {
            nothing_lost: known && loss.is_none(),
            loss: loss.clone(),
            ..Seen::default()
        };
        let Some(kept) = self.read() else {
            return nothing;
        };
        let nothing_lost = known && kept.loss == loss;
        let Kept {
            backup, databases, ..
        } = kept;
        let id = BackupId::parse(&backup);
        let parent = id.and_then(|id| {
            let snapshots = destination.catalog().snapshots_of(&id);
            snapshots.first().map(|snapshot| (id, *snapshot))
        });
        let Some((id, parent)) = parent else {
            return nothing;
        };
        let library = self.library().clone().filter(|(backup, _)| *backup == id);
        Seen {
            nothing_lost,
            loss,
            backup: Some(id),
            parent: nothing_lost.then_some(parent),
            library: library.map(|(_, library)| library),
            databases,
        }
    }

    pub(super) fn keep(
        &self,
        backup: &BackupId,
        loss: Option<Vec<u8>>,
        library: StoredLibrary,
        databases: BTreeMap<String, SeenDatabase>,
    ) {
        let kept = Kept {
            backup: backup.to_string(),
            loss,
            databases,
        };
        *self.library() = Some((backup.clone(), library));
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::other)
            .and_then(|text| write_private(&self.file, &text));
        if let Err(error) = written {
            tracing::warn!(%error, "the next backup reads every database");
        }
    }

    fn read(&self) -> Option<Kept> {
        let text = fs::read(&self.file).ok()?;
        serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!(%error, "every database is read"))
            .ok()
    }

    fn library(&self) -> MutexGuard<'_, Option<(BackupId, StoredLibrary)>> {
        self.library.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SeenStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SeenStore").finish_non_exhaustive()
    }
}
