//! Paths and ids in requests, checked for their form before anything is done with them. Whether they exist is the engine's
//! to say.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use backup_engine::SourceId;

use crate::error::ApiError;

/// A path in a backup: names, separated by `/`. An item of the library is asked for by its id, which may be any text.
pub(crate) fn path(text: &str) -> Result<(), ApiError> {
    let is_name = |name: &str| !matches!(name, "" | "." | "..");
    let item = text.strip_prefix("library/");
    let is_item = item.is_some_and(|id| !id.is_empty());
    if is_item || (text.split('/').all(is_name) && !text.contains('\0')) {
        return Ok(());
    }
    let message = "This is no path in a backup: it is made of names with / between them.";
    Err(refused(
        "bad-path",
        message,
        "Use a path that a list of entries gave.",
    ))
}

/// The same, or nothing for the root.
pub(crate) fn path_or_root(text: &str) -> Result<(), ApiError> {
    if text.is_empty() { Ok(()) } else { path(text) }
}

/// A folder on this machine.
pub(crate) fn folder(text: &str) -> Result<PathBuf, ApiError> {
    if Path::new(text).is_absolute() && !text.contains('\0') {
        return Ok(PathBuf::from(text));
    }
    let message =
        "This is no folder of this machine: its path is not absolute. Nothing was changed.";
    Err(refused(
        "bad-folder",
        message,
        "Give the whole path of the folder.",
    ))
}

pub(crate) fn source(text: &str) -> Result<SourceId, ApiError> {
    SourceId::parse(text).ok_or_else(|| {
        let message = "There is no source with this id.";
        let fix = "Ask for the list of sources and use an id from it.";
        ApiError::new(StatusCode::NOT_FOUND, "unknown-source", message, fix)
    })
}

pub(crate) fn no_paths() -> ApiError {
    let message = "This names nothing to restore. Nothing was changed.";
    refused("bad-path", message, "Name at least one path.")
}

fn refused(code: &str, message: &str, fix: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, message, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_of_names() {
        for good in [
            "library",
            "library.db",
            "notes/a b/ü",
            "notes/\\xff",
            "notes/...",
            "notes/-",
            "library/../../etc/passwd",
            "library/a\0b/",
        ] {
            assert!(path(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "/etc", "notes/", "notes//a", "..", "notes/..", "./notes", "a/\0", "library/",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
        assert!(path_or_root("").is_ok() && path_or_root("..").is_err());
    }

    #[test]
    fn a_folder_is_absolute() {
        assert_eq!(folder("/tmp/x").unwrap(), PathBuf::from("/tmp/x"));
        for bad in ["", ".", "x", "../x", "~/x", "/tmp/\0"] {
            assert!(folder(bad).is_err(), "{bad}");
        }
    }
}
