//! What a restore is to do, what it would do, and what undoing it would bring back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{BackupDetails, Difference, LibraryState, Problem};

/// What to restore, and where to. A field that nobody knows is refused: a misspelt `folder` would replace what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(deny_unknown_fields)]
pub struct Restore {
    pub what: What,
    /// Restore into this folder, which is absolute, and replace nothing. Absent: everything goes back to its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// What of a backup is restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Everything,
    Library,
    /// One source, by its id.
    Source(String),
    /// These paths of the backup, as [`super::Entry::path`] has them.
    Paths(Vec<String>),
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
    /// The ids of the sources that would come back, and `library` where it would. Empty: the library.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
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
    /// What changes, part by part. Absent where the service does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartPreview>,
    /// The program that has what is to be replaced open; the restore waits until it has quit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use_by: Option<String>,
    /// Why it cannot start; absent when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What a restore would do to one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PartPreview {
    /// The id of a source, or `library`.
    pub source: String,
    /// Where it goes, if that is not the folder that was backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// Files that the restore adds, changes and removes. All 0 for a library that is replaced in its place: its items are not
    /// compared.
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    /// What has to be read from the destination.
    pub fetched_bytes: u64,
    /// Some of them, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Difference>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Restore, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_to_restore_is_said_in_one_word_or_by_name() {
        for (text, what) in [
            ("\"everything\"", What::Everything),
            ("\"library\"", What::Library),
            ("{\"source\":\"notes\"}", What::Source("notes".into())),
            (
                "{\"paths\":[\"notes/a\",\"library.db\"]}",
                What::Paths(vec!["notes/a".into(), "library.db".into()]),
            ),
        ] {
            let request = read(&format!("{{\"what\":{text}}}")).unwrap();
            assert_eq!((request.what, request.folder), (what, None), "{text}");
        }
    }

    #[test]
    fn a_request_that_is_misspelt_is_refused_and_not_half_understood() {
        for text in [
            "{\"what\":\"everything\",\"foldre\":\"/tmp/x\"}",
            "{\"what\":\"all\"}",
            "{\"what\":{\"source\":\"a\",\"paths\":[]}}",
            "{\"folder\":\"/tmp/x\"}",
            "{}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
