//! What a job has written into a repository, so that one that comes to nothing leaves nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustic_core::{ErrorKind, FileType, Id, RusticError, RusticResult};

use super::backend::{folder_of, lock, read_names};
use super::lease::Claim;
use crate::durable::{remove_if_there, sync_folder};

/// How the storage library names a file until it is whole.
const HALF_WRITTEN: &str = "-tmp-";

/// What a job has written, or was about to write when it failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<WrittenFiles>>);

#[derive(Debug, Default)]
struct WrittenFiles {
    files: Vec<(FileType, Id)>,
    /// Nothing more is taken: what comes late would be left behind.
    closed: bool,
}

impl Written {
    pub(super) fn note(&self, tpe: FileType, id: &Id) -> RusticResult<()> {
        let mut written = lock(&self.0);
        if written.closed {
            return Err(RusticError::new(ErrorKind::Other, "The job has ended."));
        }
        written.files.push((tpe, *id));
        Ok(())
    }

    /// What was written so far stays, whatever becomes of the job.
    pub(crate) fn keep(&self) {
        lock(&self.0).files.clear();
    }

    /// Removes the record that was written last, for good, also where another device has taken over: nobody else wrote it.
    pub(crate) fn remove_last_record(&self, root: &Path) -> io::Result<()> {
        let mut written = lock(&self.0);
        let is_record = |(tpe, _): &(FileType, Id)| *tpe == FileType::Snapshot;
        let Some(at) = written.files.iter().rposition(is_record) else {
            return Ok(());
        };
        let (tpe, id) = written.files[at];
        let folder = folder_of(root, tpe, &id);
        remove_if_there(&folder.join(id.to_hex().as_str()))?;
        sync_folder(&folder)?;
        written.files.remove(at);
        Ok(())
    }

    /// Removes all of it, records first and for good: a record of what is gone would be worse than leftovers. Stops at the
    /// first file that cannot be removed; what stays is harmless and is put to use or removed by later jobs.
    pub(crate) fn remove(&self, root: &Path, claim: Option<&Claim>) -> io::Result<()> {
        let mut written = lock(&self.0);
        written.closed = true;
        for kind in [FileType::Snapshot, FileType::Index, FileType::Pack] {
            let mut folders = BTreeSet::new();
            for (_, id) in written.files.iter().filter(|(tpe, _)| *tpe == kind) {
                let folder = folder_of(root, kind, id);
                // Before each: a device may sleep in between, and another put to use what is left.
                if claim.is_some_and(Claim::is_lost) {
                    return Err(io::Error::other("another device has taken over"));
                }
                remove_if_there(&folder.join(id.to_hex().as_str()))?;
                folders.insert(folder);
            }
            if kind != FileType::Pack {
                folders.iter().try_for_each(|folder| sync_folder(folder))?;
            }
        }
        written.files.clear();
        Ok(())
    }
}

/// Removes files that were being written when a process was killed, which the repository library does not see.
pub(super) fn remove_half_written(root: &Path) -> io::Result<()> {
    let mut folders: Vec<PathBuf> = ["index", "snapshots", "keys"]
        .map(|name| root.join(name))
        .into();
    folders.extend(read_names(&root.join("data"))?);
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for path in read_names(folder)? {
            if path.to_string_lossy().ends_with(HALF_WRITTEN) {
                remove_if_there(&path)?;
            }
        }
    }
    Ok(())
}
