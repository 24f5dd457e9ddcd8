//! The wrapper around the repository's storage: where a job is cancelled within one block of I/O, where a folder that
//! cannot be listed is an error and not an empty one, and where the cause of a failure is kept for the person.

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend,
};

use crate::Watch;
use crate::durable::sync_folder;

/// The first I/O error that a job met, kept here because the repository library reports only some of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstFault(Arc<Mutex<Option<io::Error>>>);

impl FirstFault {
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: &RusticError) {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                let copy = io
                    .raw_os_error()
                    .map_or_else(|| io.kind().into(), io::Error::from_raw_os_error);
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(copy);
                return;
            }
            cause = error.source();
        }
    }
}

/// A repository's storage as one job sees it.
#[derive(Debug)]
pub(crate) struct GuardedBackend {
    inner: Arc<dyn WriteBackend>,
    root: PathBuf,
    watch: Watch,
    fault: FirstFault,
}

impl GuardedBackend {
    pub(crate) fn new(
        inner: Arc<dyn WriteBackend>,
        root: &Path,
        watch: Watch,
        fault: FirstFault,
    ) -> Self {
        Self {
            inner,
            root: root.to_owned(),
            watch,
            fault,
        }
    }

    fn go_on(&self) -> RusticResult<()> {
        if self.watch.is_canceled() {
            return Err(RusticError::new(ErrorKind::Other, "The job was cancelled."));
        }
        Ok(())
    }

    fn noted<T>(&self, result: RusticResult<T>) -> RusticResult<T> {
        result.inspect_err(|error| self.fault.note(error))
    }

    /// The library's own listing answers "nothing" where it cannot read: ask the folder first.
    fn listable(&self, tpe: FileType) -> RusticResult<()> {
        if tpe == FileType::Config {
            return Ok(());
        }
        fs::read_dir(self.root.join(tpe.dirname()))
            .map(drop)
            .map_err(|error| {
                RusticError::with_source(
                    ErrorKind::Backend,
                    "A folder of the repository cannot be listed.",
                    error,
                )
            })
    }
}

impl ReadBackend for GuardedBackend {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn list(&self, tpe: FileType) -> RusticResult<Vec<Id>> {
        self.go_on()?;
        self.noted(self.listable(tpe).and_then(|()| self.inner.list(tpe)))
    }

    fn list_with_size(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.go_on()?;
        self.noted(
            self.listable(tpe)
                .and_then(|()| self.inner.list_with_size(tpe)),
        )
    }

    fn read_full(&self, tpe: FileType, id: &Id) -> RusticResult<Bytes> {
        self.go_on()?;
        self.noted(self.inner.read_full(tpe, id))
    }

    fn read_partial(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.go_on()?;
        self.noted(self.inner.read_partial(tpe, id, cacheable, offset, length))
    }

    fn needs_warm_up(&self) -> bool {
        self.inner.needs_warm_up()
    }

    fn warm_up(&self, tpe: FileType, id: &Id) -> RusticResult<()> {
        self.inner.warm_up(tpe, id)
    }

    fn warmup_path(&self, tpe: FileType, id: &Id) -> String {
        self.inner.warmup_path(tpe, id)
    }
}

impl WriteBackend for GuardedBackend {
    fn create(&self) -> RusticResult<()> {
        self.go_on()?;
        self.noted(self.inner.create())
    }

    fn write_bytes(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.go_on()?;
        self.noted(self.inner.write_bytes(tpe, id, cacheable, content))?;
        self.noted(sync_place(&self.root, tpe, id))
    }

    /// Not stopped by a cancel: what removes things is cleaning up.
    fn remove(&self, tpe: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.noted(self.inner.remove(tpe, id, cacheable))
    }
}

/// The storage library syncs a file but not the folder in which it gave it its name.
fn sync_place(root: &Path, tpe: FileType, id: &Id) -> RusticResult<()> {
    let folder = match tpe {
        FileType::Config => root.to_owned(),
        FileType::Pack => root.join(tpe.dirname()).join(&id.to_hex()[..2]),
        _ => root.join(tpe.dirname()),
    };
    sync_folder(&folder).map_err(|error| {
        RusticError::with_source(
            ErrorKind::InputOutput,
            "A folder of the repository cannot be synced.",
            error,
        )
    })
}
