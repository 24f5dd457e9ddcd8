//! How the reading of each database ended, told by its reader: the repository library takes an error for a file to leave out,
//! and says nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::LIBRARY_FILE;
use crate::sources::Unread;

/// Shared by all readers of a backup.
#[derive(Clone, Default)]
pub(super) struct Ends(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    sums: Sums,
    failed: Vec<PathBuf>,
    library: Option<io::Error>,
}

/// What is in the backup, by source; the library under the name of its file.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums(BTreeMap<String, Sum>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub databases: u64,
    pub bytes: u64,
}

impl Sums {
    pub(super) fn of(&self, source: &str) -> Sum {
        self.0.get(source).copied().unwrap_or_default()
    }

    pub(super) fn entries(&self) -> u64 {
        self.0.values().map(|sum| sum.databases).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(|sum| sum.bytes).sum()
    }
}

impl Ends {
    pub(super) fn stored(&self, path: &Path, bytes: u64) {
        let mut told = self.lock();
        let sum = told.sums.0.entry(first_name(path)).or_default();
        sum.databases += 1;
        sum.bytes += bytes;
    }

    /// A database that is left out is named; without the library there is no backup.
    pub(super) fn failed(&self, path: &Path, error: io::Error, unread: Option<&Unread>) {
        let mut told = self.lock();
        told.failed.push(path.to_owned());
        match unread {
            Some(unread) => unread.tell(path, error.to_string()),
            None => {
                told.library.get_or_insert(error);
            }
        }
    }

    /// Errors: why the library is not in the backup.
    pub(super) fn sums(&self) -> io::Result<Sums> {
        let mut told = self.lock();
        match told.library.take() {
            Some(error) => Err(error),
            None if told.sums.of(LIBRARY_FILE).databases == 0 => {
                Err(io::Error::other("it was not read to its end"))
            }
            None => Ok(told.sums.clone()),
        }
    }

    pub(super) fn left_out(&self) -> Vec<PathBuf> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first_name(path: &Path) -> String {
    let first = path.iter().next().unwrap_or_default();
    first.to_string_lossy().into_owned()
}
