//! Proving that backups can be restored: what is asked for and what was found.

use serde::{Deserialize, Serialize};

/// How much is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Every object that a backup needs is there, with the size it should have. No content is read.
    Quick,
    /// All content is read from the destination and compared with its hash.
    Full,
    /// The backup is restored into a scratch folder, compared, and every database in it checked.
    Rehearsal,
}

/// What to prove. A field that nobody knows is refused: a misspelt `backup` would prove them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The id of one backup. Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    pub depth: Depth,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VerifyReport {
    pub depth: Depth,
    /// How many backups were looked at.
    pub backups: u64,
    pub bytes_read: u64,
    /// Those that cannot be restored whole, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedBackup>,
    /// Records that cannot be read, so that nobody can say which backups they are of.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unreadable: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A backup that cannot be restored whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DamagedBackup {
    pub backup: String,
    /// The first thing that is wrong with it, for a person.
    pub reason: String,
}
