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
        if let Some(io) = io_behind(error) {
            let error = io
                .raw_os_error()
                .map_or_else(|| io.kind().into(), io::Error::from_raw_os_error);
            self.lock().get_or_insert(Fault { error, writing });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it says that what was read is not what was written. An I/O error does not, as of a share that is away for a moment,
/// but where the disk itself says that it cannot give back what it has, or there is too little of it.
pub(super) fn tells_of_damage(error: &RusticError) -> bool {
    io_behind(error).is_none_or(|io| {
        let is_lost = io.raw_os_error().is_some_and(|code| LOST.contains(&code));
        is_lost || io.kind() == io::ErrorKind::UnexpectedEof
    })
}

/// The same of a file that must be there.
pub(super) fn tells_of_loss(error: &RusticError) -> bool {
    let is_gone = |io: &io::Error| io.kind() == io::ErrorKind::NotFound;
    tells_of_damage(error) || io_behind(error).is_some_and(is_gone)
}

/// Bad sectors, and sums of the file system that do not fit.
#[cfg(target_os = "linux")]
const LOST: [i32; 3] = {
    use rustix::io::Errno;
    [
        Errno::IO.raw_os_error(),
        Errno::BADMSG.raw_os_error(),
        Errno::UCLEAN.raw_os_error(),
    ]
};
#[cfg(all(unix, not(target_os = "linux")))]
const LOST: [i32; 1] = [rustix::io::Errno::IO.raw_os_error()];
/// `ERROR_CRC`, `ERROR_SECTOR_NOT_FOUND`, `ERROR_FILE_CORRUPT`, `ERROR_DISK_CORRUPT`.
#[cfg(windows)]
const LOST: [i32; 4] = [23, 27, 1392, 1393];

fn io_behind(error: &RusticError) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}
