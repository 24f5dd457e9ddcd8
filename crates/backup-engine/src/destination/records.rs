//! What is written down with a backup: the description of its snapshot, which is the commit record.

use std::path::Path;

use chrono::{DateTime, Utc};
use rustic_core::repofile::{SnapshotFile, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::names::escape;
use crate::{BackupId, Error};

/// Label of a snapshot that is a backup.
pub(crate) const COMMITTED: &str = "holdfast";
/// Label of a snapshot that is not one yet, or never became one.
pub(crate) const PENDING: &str = "holdfast-pending";
/// Label of the snapshot in `files/` that belongs to a backup.
pub(crate) const FILES: &str = "holdfast-files";
/// The newest version of [`Details`] this version restores.
const FORMAT: u64 = 2;

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
    /// The snapshot in `files/`, in hex. Absent where nothing lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// What else is in the backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRecord>,
    /// When the backup was last restored to prove that it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<DateTime<Utc>>,
}

/// `description` of a snapshot in `files/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilesDetails {
    pub backup: String,
}

/// The library in the backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LibraryDetails {
    pub assets: u64,
    pub bytes: u64,
    /// Of the whole file, in hex: in backups of versions that did not compare every chunk with its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub schema: i64,
}

/// A folder as it is in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The name of its folder in the backup.
    pub id: String,
    /// `folder` or `pieces`.
    pub kind: String,
    /// Where it was, for a person; what is not UTF-8 is escaped.
    pub path: String,
    /// What was left out of it. Absent in backups of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<Vec<String>>,
    pub files: u64,
    pub folders: u64,
    /// Size of what it restores to, databases included.
    pub bytes: u64,
    pub databases: u64,
    /// What could not be read, or only with a reservation: at most [`SourceRecord::UNREAD_NAMED`] by name, what is missing
    /// first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadFile>,
    #[serde(default)]
    pub unread_count: u64,
}

impl SourceRecord {
    /// A record is read whenever backups are listed, so it names no more than so many.
    pub const UNREAD_NAMED: usize = 200;
}

/// A file that is not in a backup as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadFile {
    /// From the id of its source on; what is not UTF-8 is escaped.
    pub path: String,
    /// For a person.
    pub why: String,
    /// False: it is in the backup, and what lies in it too, and there is only more to say of it. Earlier versions did not
    /// write down which of the two it is.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub missing: bool,
}

fn yes() -> bool {
    true
}

fn is_yes(missing: &bool) -> bool {
    *missing
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
    /// What is in it beside the library.
    pub sources: Vec<SourceRecord>,
    /// When it was last restored to prove that it can be.
    pub proven: Option<DateTime<Utc>>,
    pub(crate) files: Option<SnapshotId>,
}

impl Details {
    pub(crate) const FORMAT: u64 = FORMAT;

    /// The snapshot's description.
    pub(crate) fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Repository(error.to_string()))
    }

    /// Errors: `NewerLayout` where this version does not know how to read the backup.
    pub(crate) fn check_format(&self) -> Result<(), Error> {
        if self.format > FORMAT {
            return Err(Error::NewerLayout {
                found: self.format,
                known: FORMAT,
            });
        }
        Ok(())
    }

    /// Whether it says that the file at this path was not stored as it should be. Not all that were may be named.
    pub(crate) fn is_known_unsound(&self, path: &Path) -> bool {
        let id = path.components().next();
        let id = id.and_then(|id| id.as_os_str().to_str());
        let mut sources = self.sources.iter();
        let source = sources.find(|source| Some(source.id.as_str()) == id);
        let named = escape(path);
        source.is_some_and(|source| {
            source.unread_count > source.unread.len() as u64
                || source.unread.iter().any(|file| file.path == named)
        })
    }

    /// Whether it is not known what was at this path, from the id of its source on and escaped: it lies in something that
    /// is named as missing. What is missing and not named, as it is too much, is told like what was removed: a comparison
    /// that says nothing of a whole source would hide what is lost.
    pub(crate) fn does_not_know(&self, path: &str) -> bool {
        let id = path.split('/').next().unwrap_or(path);
        let mut sources = self.sources.iter();
        let source = sources.find(|source| source.id == id);
        let covers = |unread: &str| {
            let rest = path.strip_prefix(unread);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let unread = source.into_iter().flat_map(|source| &source.unread);
        let mut missing = unread.filter(|file| file.missing);
        missing.any(|file| covers(&file.path))
    }

    /// Reads the commit record out of a snapshot; `None` for a snapshot that is no backup of ours.
    pub(crate) fn of(snapshot: &SnapshotFile) -> Option<Self> {
        if snapshot.label != COMMITTED {
            return None;
        }
        serde_json::from_str(snapshot.description.as_deref()?).ok()
    }
}

impl FilesDetails {
    pub(crate) fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Repository(error.to_string()))
    }
}

impl BackupRecord {
    pub(crate) fn of(snapshot: &SnapshotFile) -> Option<Self> {
        let details = Details::of(snapshot)?;
        let id = BackupId::parse(&details.backup)?;
        let files = match details.files {
            Some(files) => Some(files.parse().ok()?),
            None => None,
        };
        // What a record says need not be true.
        let sources = details.sources.iter().map(|source| source.bytes);
        let bytes = sources.fold(details.library.bytes, u64::saturating_add);
        Some(Self {
            created: id.created(),
            taken: details.taken,
            version: id.version().to_owned(),
            id,
            device_name: details.device_name,
            platform: details.platform,
            bytes,
            assets: details.library.assets,
            stored_bytes: snapshot
                .summary
                .as_ref()
                .map_or(0, |summary| summary.data_added_packed),
            seconds: details.seconds,
            sources: details.sources,
            proven: details.proven,
            files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_nothing_can_have_do_not_keep_a_record_from_being_listed() {
        let source = |bytes| {
            serde_json::json!({"id": "docs", "kind": "folder", "path": "/docs", "files": 1, "folders": 1,
                "bytes": bytes, "databases": 0})
        };
        let details = serde_json::json!({
            "format": 2, "backup": BackupId::new("1.0.0", Utc::now()).to_string(), "device_name": "there",
            "platform": "linux", "taken": Utc::now(), "seconds": 1.0,
            "library": {"assets": 1, "bytes": u64::MAX, "schema": 1},
            "sources": [source(u64::MAX), source(1)],
        });
        let snapshot = SnapshotFile {
            label: COMMITTED.into(),
            description: Some(details.to_string()),
            ..SnapshotFile::default()
        };
        assert_eq!(BackupRecord::of(&snapshot).unwrap().bytes, u64::MAX);
    }

    /// As a record says it.
    fn knows(unread: &str, count: u64, path: &str) -> bool {
        let source = format!(
            r#"{{"id":"docs","kind":"folder","path":"/docs","files":1,"folders":1,"bytes":1,"databases":0,
                "unread":[{unread}],"unread_count":{count}}}"#
        );
        let details = Details {
            format: FORMAT,
            backup: String::new(),
            device_name: String::new(),
            platform: String::new(),
            taken: Utc::now(),
            seconds: 0.0,
            library: LibraryDetails {
                assets: 0,
                bytes: 0,
                sha256: None,
                schema: 1,
            },
            files: None,
            sources: vec![serde_json::from_str(&source).unwrap()],
            proven: None,
        };
        !details.does_not_know(path)
    }

    #[test]
    fn what_lies_in_something_missing_is_not_known_and_in_something_noted_it_is() {
        let missing = r#"{"path":"docs/a","why":"permission denied"}"#;
        let noted =
            r#"{"path":"docs/a","why":"extended attributes of it are missing","missing":false}"#;
        for path in ["docs/a", "docs/a/b"] {
            assert!(!knows(missing, 1, path), "{path}");
            assert!(knows(noted, 1, path), "{path}");
        }
        for path in ["docs", "docs/ab", "other/a"] {
            assert!(knows(missing, 1, path), "{path}");
        }
    }

    #[test]
    fn what_is_not_named_hides_nothing_of_the_rest() {
        let missing = r#"{"path":"docs/a","why":"permission denied"}"#;
        assert!(knows(missing, 300, "docs/b"));
        assert!(!knows(missing, 300, "docs/a"));
    }

    #[test]
    fn a_record_says_only_of_a_note_that_nothing_is_missing() {
        let text = |missing| {
            serde_json::to_string(&UnreadFile {
                path: "docs/a".into(),
                why: "in part".into(),
                missing,
            })
        };
        assert!(!text(true).unwrap().contains("missing"));
        assert!(text(false).unwrap().ends_with(r#""missing":false}"#));
    }
}
