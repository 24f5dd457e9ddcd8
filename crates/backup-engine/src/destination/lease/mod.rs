//! The lease: which session of which device writes into a destination. It keeps devices apart that share a folder on which
//! the operating system's locks do not reach from one to the other.
//!
//! A lease is a file with a number in its name, and the highest number is the one in force. Taking over means creating the
//! next number, which the file system grants to one. No clock is trusted: see [`take`] for when a lease may be taken over,
//! and `docs/decisions/0008-a-lease-beside-the-lock.md` for why it is like this.

mod machine;
mod record;
mod take;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{session, unreachable};
use crate::Error;
use crate::failpoint::failpoint;

pub(crate) use machine::Claimant;
use record::{Holder, Record};
pub(crate) use take::Timing;

/// The destination, taken by one writer, in this process and for all devices. Given back when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Lease(Arc<Held>);

struct Held {
    stake: Arc<Stake>,
    /// Dropping it ends the renewals at once.
    stop: Option<Sender<()>>,
    renewals: Option<JoinHandle<()>>,
    /// Keeps the processes of this machine apart, and is given back after the lease.
    _lock: File,
}

/// Tells whether a lease is held still, and does not hold it.
#[derive(Clone)]
pub(crate) struct Claim(Arc<Stake>);

/// One number of the lease, and what this session has written into it.
struct Stake {
    root: PathBuf,
    number: u64,
    holder: Mutex<Holder>,
    /// Somebody else took over. It is never ours again.
    lost: AtomicBool,
}

impl Lease {
    fn hold(stake: Stake, lock: File, renew: Duration) -> Result<Self, Error> {
        let stake = Arc::new(stake);
        let (stop, stopped) = mpsc::channel();
        let renewed = stake.clone();
        let renewals = thread::Builder::new()
            .name("lease".into())
            .spawn(move || keep_renewing(&renewed, renew, &stopped));
        let held = Held {
            stake,
            stop: Some(stop),
            renewals: Some(renewals.map_err(Error::io("starting to renew the lease"))?),
            _lock: lock,
        };
        Ok(Self(Arc::new(held)))
    }

    /// Renews the lease and makes sure that nobody has taken over. To be called before whatever another writer must never
    /// see from this one: a record, a removal. Errors: `LeaseLost`; another when the destination cannot be written to.
    pub(crate) fn still_ours(&self) -> Result<(), Error> {
        self.0.stake.renew()
    }

    pub(crate) fn claim(&self) -> Claim {
        Claim(self.0.stake.clone())
    }
}

impl Claim {
    /// As [`Lease::still_ours`].
    pub(crate) fn still_ours(&self) -> Result<(), Error> {
        self.0.renew()
    }

    /// Whether somebody else may have put to use by now what this session wrote. Writes nothing, so that a full disk can
    /// still be tidied.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.is_lost()
    }
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Claim").field(&self.0.number).finish()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewals) = self.renewals.take()
            && renewals.join().is_err()
        {
            tracing::warn!("the renewals of the lease broke down");
        }
        if let Err(error) = self.stake.release() {
            tracing::warn!(%error, "the lease was not given back: other devices wait until it is stale");
        }
    }
}

fn keep_renewing(stake: &Stake, every: Duration, stopped: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
        match stake.renew() {
            Ok(()) => (),
            Err(Error::LeaseLost) => {
                tracing::warn!(number = stake.number, "another device took over");
                return;
            }
            // A share that is away for a moment ends no backup of hours: what counts is the look before the commit.
            Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
        }
    }
}

impl Stake {
    /// Writes the next count, then looks whether a higher number is there. In this order: one who takes over creates the
    /// higher number first and looks for a new count afterwards, so at least one of the two sees the other.
    fn renew(&self) -> Result<(), Error> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(Error::LeaseLost);
        }
        failpoint("lease-renew").map_err(session::explain_write)?;
        let mut holder = self.holder();
        let next = Holder {
            count: holder.count + 1,
            ..holder.clone()
        };
        if !self.replace(&holder, &Record::Held(next.clone()))? {
            return Err(self.lose());
        }
        *holder = next;
        if !self.is_highest()? {
            return Err(self.lose());
        }
        Ok(())
    }

    fn is_lost(&self) -> bool {
        let holder = self.holder().clone();
        let ours = || {
            let seen = record::look(&self.root, self.number)?;
            let ours = seen.is_some_and(|seen| seen.is_by(&holder));
            Ok::<bool, io::Error>(ours && record::highest(&self.root)? == Some(self.number))
        };
        self.lost.load(Ordering::SeqCst) || !ours().unwrap_or(false)
    }

    /// Leaves the number where it is, so that it is never given twice, and says in it that it is free.
    fn release(&self) -> Result<(), Error> {
        failpoint("lease-release").map_err(session::explain_write)?;
        let holder = self.holder();
        self.replace(&holder, &Record::Free).map(drop)
    }

    /// Writes into the file that holds this holder's record, through the handle by which it was read: where somebody puts
    /// another file in its place in between, that one is not touched. False: it is not ours any more.
    fn replace(&self, holder: &Holder, record: &Record) -> Result<bool, Error> {
        let path = record::path(&self.root, self.number);
        let opened = match fs::symlink_metadata(&path) {
            Ok(data) if !data.is_file() => return Ok(false),
            Ok(_) => File::options().read(true).write(true).open(&path),
            Err(error) => Err(error),
        };
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.destination_is_there().map(|()| false);
            }
            opened => opened.map_err(session::explain_write)?,
        };
        let found = Record::read(&file).map_err(session::explain_write)?;
        if !found.is_some_and(|found| found.is_by(holder)) {
            return Ok(false);
        }
        record.write(&mut file).map_err(session::explain_write)?;
        Ok(true)
    }

    fn is_highest(&self) -> Result<bool, Error> {
        let highest = record::highest(&self.root).map_err(|error| unreachable(&error.to_string()));
        Ok(highest? == Some(self.number))
    }

    /// A disk that was pulled out is no lease that somebody removed.
    fn destination_is_there(&self) -> Result<(), Error> {
        if self.root.join("holdfast.json").exists() {
            return Ok(());
        }
        Err(unreachable("it was there and is not"))
    }

    fn lose(&self) -> Error {
        self.lost.store(true, Ordering::SeqCst);
        Error::LeaseLost
    }

    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
