//! What the extensions under `/holdfast/` speak: here what a service can do, what goes wrong, and how it is reached; in the
//! files beside it jobs, the overview, backups and what is in them.

mod browse;
mod details;
mod jobs;
mod overview;
mod restore;
mod sources;
mod verify;

use serde::{Deserialize, Serialize};

pub use browse::{Change, Difference, Differences, Entries, Entry, EntryKind};
pub use details::{BackupDetails, SourceRecord, UnreadFile};
pub use jobs::{Job, JobKind, JobState, Phase, Progress};
pub use overview::{DestinationState, KeyProtection, LibraryState, Overview};
pub use restore::{PartPreview, Preview, Restore, UndoState, What};
pub use sources::{NewSource, Source, SourceChange, SourceKind, Sources};
pub use verify::{DamagedBackup, Depth, Verify, VerifyReport};

/// What a service can do beyond the Backup API. A service that answers 404 here has none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Capabilities {
    /// `holdfast`.
    pub service: String,
    /// Semantic version of the service.
    pub version: String,
    /// The names of what it offers: `overview`, `jobs`, `details`, `preview`, `undo`, `undelete`, `import`,
    /// `passphrase`, `sources`, `browse`, `compare`, `verify`, `restore-parts`.
    pub features: Vec<String>,
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
