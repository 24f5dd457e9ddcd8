//! The cause of a failure of the storage, for the person.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustic_core::RusticError;

/// An I/O error of the storage, and what it kept the job from.
#[derive(Debug)]
pub(crate) struct Fault {
    pub error: io::Error,
    pub writing: bool,
}

/// The first I/O error that a job met, kept here because the repository library reports only some of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstFault(Arc<Mutex<Option<Fault>>>);

impl FirstFault {
    pub(crate) fn take(&self) -> Option<Fault> {
        self.lock().take()
    }

    pub(crate) fn is_noted(&self) -> bool {
        self.lock().is_some()
    }

    pub(super) fn note(&self, error: &RusticError, writing: bool) {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                let error = io
                    .raw_os_error()
                    .map_or_else(|| io.kind().into(), io::Error::from_raw_os_error);
                self.lock().get_or_insert(Fault { error, writing });
                return;
            }
            cause = error.source();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
