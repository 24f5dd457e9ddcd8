//! The passphrase, from a file that only the user may read.

use std::fs;
use std::path::Path;

use backup_engine::Secret;

use crate::fail::{FAILED, Failure, USAGE};

/// Reads it. Errors: a file that others may read, or that is empty.
pub fn read(path: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let refused = |why: &str, fix: &str| {
        let message = format!("The passphrase file {} {why}.", path.display());
        Failure::new(USAGE, "passphrase-file", &message, fix)
    };
    let metadata = fs::metadata(path).map_err(|error| {
        refused(
            &format!("cannot be read ({error})"),
            "Give the path of a file that exists.",
        )
    })?;
    if is_open_to_others(&metadata) {
        return Err(refused(
            "can be read by others",
            "Set its mode with: chmod 600 FILE",
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(
            FAILED,
            "passphrase-file",
            &format!("The passphrase file: {error}."),
            "",
        )
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(refused(
            "is empty",
            "Write the passphrase into its first line.",
        ));
    }
    Ok(Some(Secret::new(text.to_owned())))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

/// Elsewhere a folder of the user's is private by itself.
#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}
