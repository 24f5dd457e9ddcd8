//! What the folder of a repository tells without its key: which one it is, which snapshots it has, and what it takes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rustic_core::repofile::SnapshotId;
use sha2::{Digest, Sha256};

use super::session;
use crate::Error;
use crate::hex::hex;

/// No configuration of a repository is longer.
const CONFIG_BYTES: u64 = 64 * 1024;

/// Which snapshots it has.
pub(super) fn snapshot_ids(databases: &Path) -> Result<HashSet<SnapshotId>, Error> {
    let entries = fs::read_dir(databases.join("snapshots")).map_err(session::explain_read)?;
    let mut ids = HashSet::new();
    for entry in entries {
        let name = entry.map_err(session::explain_read)?.file_name();
        let id: Option<SnapshotId> = name
            .to_str()
            .filter(|name| name.len() == 64)
            .and_then(|name| name.parse().ok());
        ids.extend(id);
    }
    Ok(ids)
}

/// Names a repository wherever it lies, without its key: the hash of the encrypted file that no two repositories share.
pub(super) fn fingerprint(databases: &Path) -> io::Result<String> {
    let mut config = Vec::new();
    let file = File::open(databases.join("config"))?;
    file.take(CONFIG_BYTES).read_to_end(&mut config)?;
    Ok(hex(&Sha256::digest(config)))
}

/// Bytes of all files in a folder and those under it.
pub(super) fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}
