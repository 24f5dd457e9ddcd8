//! One job's way to be cancelled and to tell how far it is.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::Error;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Preparing,
    Storing,
    Staging,
    Verifying,
    /// For a program to quit that has open what is to be replaced.
    Waiting,
    Committing,
}

/// How far a job is, in bytes of the whole job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub phase: Phase,
    pub done: u64,
    /// 0 as long as it is not known.
    pub total: u64,
}

/// How a job ended that did not fail. Cancelling is an outcome, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    Completed(T),
    Canceled,
}

const RUNNING: u8 = 0;
const CANCELED: u8 = 1;
const COMMITTING: u8 = 2;

/// Asks a job to stop. The job and the one who asks race for one switch: once the commit has begun, cancelling is refused.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicU8>);

impl CancelFlag {
    /// Asks the job to stop. False: too late, its commit has begun.
    pub fn cancel(&self) -> bool {
        let before = self
            .0
            .compare_exchange(RUNNING, CANCELED, Ordering::SeqCst, Ordering::SeqCst);
        before != Err(COMMITTING)
    }

    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::SeqCst) == CANCELED
    }

    /// From here on cancelling is refused. False: it was cancelled before.
    fn begin_commit(&self) -> bool {
        let before =
            self.0
                .compare_exchange(RUNNING, COMMITTING, Ordering::SeqCst, Ordering::SeqCst);
        before != Err(CANCELED)
    }
}

/// Carried by a job through every reader and writer: the flag that stops it, and its progress.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    cancel: CancelFlag,
    phase: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    report: Box<dyn Fn(Step) + Send + Sync>,
}

impl Watch {
    /// `report` is called from the job's threads, often, and must return quickly.
    pub fn new(cancel: CancelFlag, report: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            cancel,
            phase: AtomicU8::new(0),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            report: Box::new(report),
        }))
    }

    /// For work that nobody watches and nobody cancels.
    pub fn unwatched() -> Self {
        Self::new(CancelFlag::default(), |_| {})
    }

    pub fn is_canceled(&self) -> bool {
        self.0.cancel.is_canceled()
    }

    /// Errors: `Canceled`, where it is.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.is_canceled() {
            true => Err(Error::Canceled),
            false => Ok(()),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
        self.tell();
    }

    pub(crate) fn expect(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
        self.tell();
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// The last moment at which the job can be cancelled. False: it was.
    pub(crate) fn begin_commit(&self) -> bool {
        let begun = self.0.cancel.begin_commit();
        if begun {
            self.enter(Phase::Committing);
        }
        begun
    }

    fn tell(&self) {
        let phases = [
            Phase::Preparing,
            Phase::Storing,
            Phase::Staging,
            Phase::Verifying,
            Phase::Waiting,
            Phase::Committing,
        ];
        let phase = phases[usize::from(self.0.phase.load(Ordering::Relaxed)) % phases.len()];
        let (done, total) = (
            self.0.done.load(Ordering::Relaxed),
            self.0.total.load(Ordering::Relaxed),
        );
        (self.0.report)(Step {
            phase,
            done: if total > 0 { done.min(total) } else { done },
            total,
        });
    }
}

/// Passes on what is written, until the job is cancelled.
pub(crate) struct Watched<'a, W> {
    pub into: W,
    pub watch: &'a Watch,
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        self.into.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Watch")
            .field("canceled", &self.is_canceled())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_after_the_commit_began_is_refused() {
        let flag = CancelFlag::default();
        let watch = Watch::new(flag.clone(), |_| {});
        assert!(watch.begin_commit());
        assert!(!flag.cancel());
        assert!(!watch.is_canceled());
    }

    #[test]
    fn a_commit_after_a_cancel_does_not_begin() {
        let flag = CancelFlag::default();
        let watch = Watch::new(flag.clone(), |_| {});
        assert!(flag.cancel());
        assert!(flag.cancel(), "asking twice is asking once");
        assert!(!watch.begin_commit());
    }
}
