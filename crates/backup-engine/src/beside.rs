//! Work that cannot be broken off, in a thread that a cancelled job does not wait for.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::Watch;

/// How soon a cancelled job stops waiting.
const LOOK: Duration = Duration::from_millis(10);

/// Runs `work` and waits for what comes of it, unless the job is cancelled: it then goes on by itself, and what comes of it is
/// dropped. Errors: the job was cancelled, or the thread could not be started or broke down.
pub(crate) fn beside<T: Send + 'static>(
    name: &'static str,
    watch: &Watch,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, done) = sync_channel(1);
    let work = move || {
        if sender.send(work()).is_err() {
            tracing::debug!(name, "work was done for a job that is over");
        }
    };
    thread::Builder::new().name(name.into()).spawn(work)?;
    loop {
        match done.recv_timeout(LOOK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) if watch.is_canceled() => {
                return Err(io::Error::other("cancelled"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("a thread broke down"));
            }
        }
    }
}
