//! One job's open destination, and what its failures mean.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{Open, OpenStatus, Repository, RusticError, RusticResult};

use super::PENDING;
use super::backend::FirstFault;
use crate::{Error, Watch};

/// `S` says how much of the repository's index is loaded.
pub(crate) struct Session<S = OpenStatus> {
    pub(crate) repository: Repository<S>,
    fault: FirstFault,
    root: PathBuf,
    watch: Watch,
    /// Held as long as the session writes.
    _lock: Option<File>,
}

impl Session {
    pub(super) fn new(
        repository: Repository<OpenStatus>,
        fault: FirstFault,
        root: &Path,
        watch: &Watch,
    ) -> Self {
        Self {
            repository,
            fault,
            root: root.to_owned(),
            watch: watch.clone(),
            _lock: None,
        }
    }

    pub(super) fn locked(self, lock: File) -> Self {
        Self {
            _lock: Some(lock),
            ..self
        }
    }
}

impl<S: Open> Session<S> {
    /// The same session with more of the index loaded.
    pub(crate) fn load<T>(
        self,
        load: impl FnOnce(Repository<S>) -> RusticResult<Repository<T>>,
    ) -> Result<Session<T>, Error> {
        let explain = self.explain();
        let Self {
            repository,
            fault,
            root,
            watch,
            _lock,
        } = self;
        Ok(Session {
            repository: load(repository).map_err(explain)?,
            fault,
            root,
            watch,
            _lock,
        })
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What a failure of the repository library means, from the first I/O error behind it.
    pub(crate) fn explain(&self) -> impl Fn(Box<RusticError>) -> Error + use<S> {
        let (fault, root) = (self.fault.clone(), self.root.clone());
        move |error| explain(&error, &fault, &root)
    }

    pub(crate) fn snapshot(&self, id: &SnapshotId) -> Result<SnapshotFile, Error> {
        self.repository
            .get_file::<SnapshotFile>(id)
            .map_err(self.explain())
    }

    pub(crate) fn save(&self, snapshot: SnapshotFile) -> Result<(), Error> {
        self.repository
            .save_snapshots(vec![snapshot])
            .map_err(self.explain())
    }

    pub(crate) fn remove(&self, ids: &[SnapshotId]) -> Result<(), Error> {
        self.repository
            .delete_snapshots(ids)
            .map_err(self.explain())
    }

    /// Removes what an interrupted backup left behind. Best effort: a leftover is no backup and harms nobody.
    pub(crate) fn remove_leftovers(&self) {
        let removed = self
            .repository
            .get_matching_snapshots(|snapshot| snapshot.label == PENDING)
            .and_then(|found| {
                let ids: Vec<SnapshotId> = found.iter().map(|snapshot| snapshot.id).collect();
                if ids.is_empty() {
                    Ok(())
                } else {
                    self.repository.delete_snapshots(&ids)
                }
            });
        if let Err(error) = removed {
            tracing::warn!(error = %error.display_log(), "leftovers of an interrupted backup stay for now");
        }
    }
}

pub(super) fn explain(error: &RusticError, fault: &FirstFault, root: &Path) -> Error {
    if !root.join("holdfast.json").exists() && !root.join("databases.new").exists() {
        return Error::Unreachable(error.display_log());
    }
    match fault.take() {
        Some(io) => match io.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Error::DestinationFull(io),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Error::DestinationReadOnly(io)
            }
            _ => Error::Repository(error.display_log()),
        },
        None => Error::Repository(error.display_log()),
    }
}

pub(super) fn explain_write(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DestinationFull(error),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::DestinationReadOnly(error)
        }
        _ => Error::Unreachable(error.to_string()),
    }
}

pub(super) fn explain_read(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Damaged {
            backup: None,
            detail: format!("the folder of snapshots: {error}"),
        },
        _ => Error::Unreachable(error.to_string()),
    }
}
