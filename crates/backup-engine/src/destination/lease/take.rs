//! Taking a lease: at once where it is free or a leftover of this device, else when its holder has not renewed it for so
//! long, by this process's own monotonic clock, that it must be gone or asleep.

use std::fs::{File, remove_file};
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use super::record::{self, Holder, Record, Sighting};
use super::{Claimant, Lease, Stake, session, unreachable};
use crate::durable::remove_if_there;
use crate::failpoint::failpoint;
use crate::{Error, Watch};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How often a holder renews.
    pub renew: Duration,
    /// After how long without a renewal a lease may be taken over. Several renewals, so that one that is late costs nothing.
    pub stale: Duration,
    /// How often one who waits looks, and how soon a cancelled job stops waiting.
    pub look: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(5),
            stale: Duration::from_secs(20),
            look: Duration::from_millis(200),
        }
    }
}

impl Lease {
    /// Takes the lease of the destination in `root`, whose lock this process holds.
    ///
    /// Waits for at most `timing.stale`, and only while it cannot tell whether the holder is alive. Errors: `InUse` as soon
    /// as the holder is seen to be, when another came first, or when the job was cancelled.
    pub(crate) fn take(
        root: &Path,
        claimant: &Claimant,
        lock: File,
        timing: Timing,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let seen = wait(root, claimant, timing, watch)?;
        let stake = claim(root, seen.as_ref(), claimant)?;
        Self::hold(
            stake.ok_or(Error::InUse("destination"))?,
            lock,
            timing.renew,
        )
    }
}

/// Waits until the lease may be taken. Returns what was seen of it then.
fn wait(
    root: &Path,
    claimant: &Claimant,
    timing: Timing,
    watch: &Watch,
) -> Result<Option<Sighting>, Error> {
    let mut first: Option<(Sighting, Instant)> = None;
    loop {
        // Before the look, as the first time is after one: what lies between two looks is never counted as longer than it was.
        let now = Instant::now();
        let Some(seen) = record::in_force(root).map_err(|error| unreachable(&error.to_string()))?
        else {
            return Ok(None);
        };
        if seen.is_free() || seen.is_leftover_of(claimant) {
            return Ok(Some(seen));
        }
        let (before, since) = first.get_or_insert_with(|| (seen.clone(), Instant::now()));
        if *before != seen || watch.is_canceled() {
            return Err(Error::InUse("destination"));
        }
        if now.saturating_duration_since(*since) >= timing.stale {
            tracing::warn!(device = seen.device(), "taking a stale lease over");
            return Ok(Some(seen));
        }
        thread::sleep(timing.look);
    }
}

/// Takes over from the lease that was `seen`. `None`: another was faster, or the holder has woken up.
pub(super) fn claim(
    root: &Path,
    seen: Option<&Sighting>,
    claimant: &Claimant,
) -> Result<Option<Stake>, Error> {
    let number = seen.map_or(1, |seen| seen.number + 1);
    if number > record::HIGHEST {
        let detail = "the number of the lease".into();
        let backup = None;
        return Err(Error::Damaged { backup, detail });
    }
    let holder = Holder::new(claimant);
    let path = record::path(root, number);
    failpoint("lease-take").map_err(session::explain_write)?;
    let mut file = match File::create_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        created => created.map_err(session::explain_write)?,
    };
    if let Err(error) = Record::Held(holder.clone()).write(&mut file) {
        drop(file);
        // Left empty it would make others wait, and every further try on a full disk would add one.
        remove_if_there(&path).map_err(session::explain_write)?;
        return Err(session::explain_write(error));
    }
    if !is_alone(root, seen, number).map_err(|error| unreachable(&error.to_string()))? {
        Record::Free
            .write(&mut file)
            .map_err(session::explain_write)?;
        return Ok(None);
    }
    remove_lower(root, number);
    Ok(Some(Stake {
        root: root.to_owned(),
        number,
        holder: Mutex::new(holder),
        lost: AtomicBool::new(false),
    }))
}

/// Whether nothing has happened since the lease was judged: its holder has not renewed it, and nobody has had this number
/// before and given it back. Whoever had would have removed the lease before it first.
fn is_alone(root: &Path, seen: Option<&Sighting>, number: u64) -> io::Result<bool> {
    let unchanged = match seen {
        Some(seen) => record::look(root, seen.number)?.as_ref() == Some(seen),
        None => true,
    };
    Ok(unchanged && record::highest(root)? == Some(number))
}

/// In ascending order: as long as one is there, the ones above it were never removed. Best effort: the highest counts.
fn remove_lower(root: &Path, number: u64) {
    let lower = record::numbers(root).unwrap_or_default();
    for lower in lower.into_iter().filter(|lower| *lower < number) {
        if let Err(error) = remove_file(record::path(root, lower)) {
            tracing::debug!(%error, lower, "a lease that is not in force any more stays");
            return;
        }
    }
}
