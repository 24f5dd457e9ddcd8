//! What a restore replaced, kept so that it can be brought back until the next restore.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::durable::write_private;
use crate::{BackupId, Error};

/// What *Undo restore* would bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    /// The backup that was restored.
    pub backup: BackupId,
    pub restored: DateTime<Utc>,
    /// In the library that would come back.
    pub assets: u64,
    pub bytes: u64,
}

/// `undo/undo.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoNote {
    pub backup: String,
    pub restored: DateTime<Utc>,
    /// The folder under `undo/` that holds what was replaced.
    pub folder: String,
    pub assets: u64,
    pub bytes: u64,
    /// It was brought back; the folder now holds what the undo replaced.
    pub undone: bool,
}

impl UndoNote {
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>, Error> {
        match fs::read(note(data_dir)) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| Error::Damaged {
                    backup: None,
                    detail: format!("undo.json: {error}"),
                }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Io {
                doing: "reading what can be undone",
                source: error,
            }),
        }
    }

    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        write_private(&note(data_dir), &serde_json::to_vec(self)?)
    }

    pub(crate) fn record(&self) -> Option<UndoRecord> {
        let backup = BackupId::parse(&self.backup).filter(|_| !self.undone)?;
        Some(UndoRecord {
            backup,
            restored: self.restored,
            assets: self.assets,
            bytes: self.bytes,
        })
    }
}

/// Removes what older restores kept, all but the one that can be undone. Best effort: it only costs space.
pub(crate) fn remove_older(data_dir: &Path) {
    let removed = UndoNote::read(data_dir)
        .map_err(|error| error.to_string())
        .and_then(|kept| {
            let Some(kept) = kept else { return Ok(()) };
            remove_all_but(&data_dir.join("undo"), &kept.folder).map_err(|error| error.to_string())
        });
    if let Err(error) = removed {
        tracing::warn!(%error, "what an older restore replaced stays for now");
    }
}

fn remove_all_but(folder: &Path, kept: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != kept {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn note(data_dir: &Path) -> PathBuf {
    data_dir.join("undo").join("undo.json")
}
