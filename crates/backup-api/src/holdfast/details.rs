//! A backup with what is in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::SourceKind;
use crate::Backup;

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
    /// What is in it beside the library.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRecord>,
    /// Files and folders of all sources together that could not be read whole when it was made.
    #[serde(default)]
    pub unread_count: u64,
    /// When it was last proven that it can be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<DateTime<Utc>>,
}

/// A folder as it is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SourceRecord {
    /// The name of its folder in the backup.
    pub id: String,
    pub kind: SourceKind,
    /// Where it was, for a person; what is not UTF-8 is escaped.
    pub path: String,
    pub files: u64,
    pub folders: u64,
    /// Size of what it restores to, databases included.
    pub bytes: u64,
    pub databases: u64,
    /// What could not be read, or only with a reservation; not all of it where there is much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadFile>,
    #[serde(default)]
    pub unread_count: u64,
}

/// A file that is not in a backup as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct UnreadFile {
    /// From the root of the backup: it starts with the id of its source. What is not UTF-8 is escaped.
    pub path: String,
    /// For a person.
    pub why: String,
}
