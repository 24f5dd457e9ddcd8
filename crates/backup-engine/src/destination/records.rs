//! What is written down with a backup: the description of its snapshot, which is the commit record.

use chrono::{DateTime, Utc};
use rustic_core::repofile::SnapshotFile;
use serde::{Deserialize, Serialize};

use crate::BackupId;

/// Label of a snapshot that is a backup.
pub(crate) const COMMITTED: &str = "holdfast";
/// Label of a snapshot that is not one yet, or never became one.
pub(crate) const PENDING: &str = "holdfast-pending";
/// The version of [`Details`] this version writes and the newest it restores.
const FORMAT: u64 = 1;

/// The snapshot's description, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Details {
    pub format: u64,
    pub backup: String,
    pub device_name: String,
    pub platform: String,
    /// When the library was read: what was stored later is not in the backup.
    pub taken: DateTime<Utc>,
    pub seconds: f64,
    pub library: LibraryDetails,
}

/// The library in the backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LibraryDetails {
    pub assets: u64,
    pub bytes: u64,
    /// Of the whole file, in hex.
    pub sha256: String,
    pub schema: i64,
}

/// A complete backup.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupRecord {
    pub id: BackupId,
    pub created: DateTime<Utc>,
    /// When the library was read: what was stored later is not in the backup.
    pub taken: DateTime<Utc>,
    /// Semantic version of the service that made it.
    pub version: String,
    pub device_name: String,
    /// `std::env::consts::OS` of the device.
    pub platform: String,
    /// Size of what it restores to.
    pub bytes: u64,
    pub assets: u64,
    /// What it added to the destination.
    pub stored_bytes: u64,
    /// From its start to its commit.
    pub seconds: f64,
}

impl Details {
    pub(crate) const FORMAT: u64 = FORMAT;

    /// Reads the commit record out of a snapshot; `None` for a snapshot that is no backup of ours.
    pub(crate) fn of(snapshot: &SnapshotFile) -> Option<Self> {
        if snapshot.label != COMMITTED {
            return None;
        }
        serde_json::from_str(snapshot.description.as_deref()?).ok()
    }
}

impl BackupRecord {
    pub(crate) fn of(snapshot: &SnapshotFile) -> Option<Self> {
        let details = Details::of(snapshot)?;
        let id = BackupId::parse(&details.backup)?;
        Some(Self {
            created: id.created(),
            taken: details.taken,
            version: id.version().to_owned(),
            id,
            device_name: details.device_name,
            platform: details.platform,
            bytes: details.library.bytes,
            assets: details.library.assets,
            stored_bytes: snapshot
                .summary
                .as_ref()
                .map_or(0, |summary| summary.data_added_packed),
            seconds: details.seconds,
        })
    }
}
