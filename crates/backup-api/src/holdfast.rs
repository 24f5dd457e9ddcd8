//! What the extensions under `/holdfast/` speak: jobs, the overview, the preview of a restore.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Backup;

/// What a service can do beyond the Backup API. A service that answers 404 here has none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Capabilities {
    /// `holdfast`.
    pub service: String,
    /// Semantic version of the service.
    pub version: String,
    /// The names of what it offers: `overview`, `jobs`, `details`, `preview`, `undo`, `undelete`, `import`.
    pub features: Vec<String>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    Creation,
    Restoration,
    Undo,
}

/// Where a job stands. It reaches exactly one of the last three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    Queued,
    Running,
    Canceling,
    Completed,
    Failed,
    Canceled,
}

impl JobState {
    /// Whether nothing more will follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// What a job is doing at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Opening the destination, reading what is there.
    Preparing,
    /// Reading the library and storing what is new of it.
    Storing,
    /// Reading the backup and writing it beside the library.
    Staging,
    /// Proving that what was written is what was meant.
    Verifying,
    /// The last, short step, that can no longer be cancelled.
    Committing,
    /// Over.
    Done,
}

/// How far a job is. Bytes and percentage never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Progress {
    pub bytes_done: u64,
    /// 0 as long as it is not known.
    pub bytes_total: u64,
    /// 0 to 100; 100 only when the work is durable.
    // For the bindings a number and never null: it is always finite.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub percentage: f64,
    /// Over the last seconds; absent while too little is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
}

/// A job as it is at one moment: all that a window needs to show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Job {
    /// Unique among all jobs of a service.
    pub id: String,
    pub kind: JobKind,
    /// The id of the backup that is created or restored.
    pub backup: String,
    pub state: JobState,
    pub phase: Phase,
    pub progress: Progress,
    /// Whether a cancel would still have an effect.
    pub cancelable: bool,
    pub started: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// An error for a person: a stable code, what happened and what it means for the data, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Problem {
    pub code: String,
    pub message: String,
    pub fix: String,
}

/// How things are: enough for one sentence, the tray and the foot of the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Overview {
    pub version: String,
    pub device_name: String,
    pub library: LibraryState,
    pub destination: DestinationState,
    pub key: KeyProtection,
    /// Number of backups; absent while the destination cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup: Option<BackupDetails>,
    /// What *Undo restore* would bring back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoState>,
    /// The job that runs, or the last one that ran since the service started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// The library as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LibraryState {
    pub assets: u64,
    pub bytes: u64,
    /// The newest `updated` of its assets, as the client wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
}

/// Where backups go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DestinationState {
    /// The folder, for a person.
    pub place: String,
    /// Why it cannot be used at the moment; absent when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// What all backups take together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
}

/// How the key of the destination is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum KeyProtection {
    /// In the keychain of the operating system.
    Keychain,
    /// Encrypted with a passphrase.
    Passphrase,
    /// In a file that only the user may read: *The key is not protected: set a passphrase*.
    Unprotected,
    /// Not available: nothing can be backed up or restored until it is.
    Missing,
    /// There is none yet; the first backup makes it.
    NotYet,
}

/// A passphrase on its way to the service, which protects or opens the key with it. It does not show in debug output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passphrase {
    pub passphrase: String,
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Passphrase(…)")
    }
}

/// A backup with what only Holdfast knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BackupDetails {
    pub backup: Backup,
    /// Number of assets in it.
    pub assets: u64,
    /// What it added to the destination.
    pub stored_bytes: u64,
    /// From start to commit.
    // For the bindings a number and never null: it is always finite.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub seconds: f64,
}

/// What *Undo restore* would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct UndoState {
    /// The backup that was restored.
    pub backup: String,
    pub restored: DateTime<Utc>,
    /// What would come back.
    pub assets: u64,
    pub bytes: u64,
}

/// What a restore would do, before it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Preview {
    pub details: BackupDetails,
    pub library: LibraryState,
    /// Assets of the library that were created or changed after the backup, and that the restore takes away or back.
    pub newer: u64,
    /// The names of the newest of them, at most five.
    pub newer_names: Vec<String>,
    /// Space the restore needs beside the library while it runs.
    pub needed_bytes: u64,
    pub free_bytes: u64,
    /// Why it cannot start; absent when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The answer of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Imported {
    /// Assets that were added or replaced.
    pub assets: u64,
}

/// `service.json` in the data folder, mode 0600: how programs of the same user reach the running service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFile {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    /// Sent as `Authorization: Bearer …`; new at each start.
    pub token: String,
    pub pid: u32,
}
