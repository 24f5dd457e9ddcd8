//! How things are, as one object.

use serde::{Deserialize, Serialize};

use super::{BackupDetails, Job, Problem, UndoState};

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
