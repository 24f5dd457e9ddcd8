//! Choosing how a database is read: as every program would read it, with its locks, or, where nobody has it open and that
//! would make files beside it, without them. With a write-ahead log its pages are streamed; else a read transaction would
//! hold up every commit, so they are copied in short ones, as the online backup API does it, but to the byte. What there is
//! no room for is streamed all the same, and fails on a change.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::check::{Proof, Soundness};
use super::connect::{self, Trouble, open_immutable, patiently};
use super::copy::{Copy, CopyFolder};
use super::pages::Pages;
use super::reader::{PageReader, Source};
use super::token::{COARSE_TICK, Stamp};
use super::{Begun, HEADER, Plain, beside, companions, filled, head, is_database, says_wal, size};
use crate::Watch;

/// Between two looks at a file that was changed just now: the clock is waited for, and meanwhile a cancel.
const STEP: Duration = Duration::from_millis(10);
/// How long another program may keep a database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A database that nobody has open, told by the state of its files.
#[derive(Debug)]
pub(super) struct Quiet {
    path: PathBuf,
    stamp: Stamp,
}

impl Quiet {
    /// Waits until another change is sure to show: moments, if the last one was not just now.
    pub(super) fn of(path: &Path, watch: &Watch) -> Result<Self, Trouble> {
        let started = Instant::now();
        loop {
            let stamp = Stamp::of(path)?;
            if stamp.is_settled(SystemTime::now()) {
                let path = path.to_owned();
                return Ok(Self { path, stamp });
            }
            if watch.is_canceled() {
                return Err(Trouble::Canceled);
            }
            if started.elapsed() > COARSE_TICK {
                return Err(Trouble::Changed);
            }
            thread::sleep(STEP);
        }
    }

    /// Nobody wrote to the file or began a log. What cannot be asked counts as changed.
    pub(super) fn is_unchanged(&self) -> bool {
        Stamp::of(&self.path).is_ok_and(|stamp| stamp == self.stamp)
            && companions(&self.path).is_ok_and(|found| found.is_empty())
    }
}

pub(super) fn begin(
    path: &Path,
    folder: &CopyFolder,
    watch: &Watch,
    patience: Duration,
) -> Result<Begun, Trouble> {
    let header = head(path, HEADER)?;
    if !is_database(&header) {
        let why = Plain::NotADatabase("its header is gone".into());
        return Ok(Begun::Plain {
            why,
            beside: companions(path)?,
        });
    }
    let wal = says_wal(&header);
    let index = size(&beside(path, "-shm"))?.is_some();
    let alone = companions(path)?.is_empty() && !index;
    // Opening one with a log that nobody has open would make files beside it.
    if wal && alone {
        match quietly(path, folder, watch) {
            Err(Trouble::Changed) => {}
            result => return result,
        }
    }
    match locked(path, folder, watch, patience) {
        Err(trouble) if trouble.is_out_of_reach() && filled(&beside(path, "-wal"))? => {
            Ok(Begun::Plain {
                why: Plain::LogOutOfReach,
                beside: companions(path)?,
            })
        }
        Err(trouble) if trouble.is_out_of_reach() && wal => quietly(path, folder, watch),
        result => result,
    }
}

/// Reads a database in the way of every other program, with its locks.
fn locked(
    path: &Path,
    folder: &CopyFolder,
    watch: &Watch,
    patience: Duration,
) -> Result<Begun, Trouble> {
    let begin = || Pages::begin(connect::open(path)?, false);
    let mut pages = patiently(watch, patience, begin)?;
    if pages.has_log()? {
        drop(pages);
        if let Some(reader) = patiently(watch, patience, || PageReader::with_log(path, watch))? {
            return Ok(Begun::Pages(Box::new(reader)));
        }
        // Its program has given the log up since.
        pages = patiently(watch, patience, begin)?;
    }
    let reader = match folder.copy_if_room(&mut pages, watch, patience)? {
        Some(copy) => PageReader::of_copy(copy, watch)?,
        None => {
            let proof = unproven(folder, pages.len());
            PageReader::new(Source::Pages(pages), proof, watch)
        }
    };
    Ok(Begun::Pages(Box::new(reader)))
}

/// Reads a database that nobody has open, without a lock and without making anything beside it. Whatever goes wrong with
/// one that was changed meanwhile came of that.
fn quietly(path: &Path, folder: &CopyFolder, watch: &Watch) -> Result<Begun, Trouble> {
    let quiet = Quiet::of(path, watch)?;
    let copied = unlocked(path, folder, watch);
    accept(quiet, copied, watch)
}

/// Takes what was read without a lock, if nothing was changed meanwhile.
pub(super) fn accept(
    quiet: Quiet,
    copied: Result<Unlocked, Trouble>,
    watch: &Watch,
) -> Result<Begun, Trouble> {
    if !quiet.is_unchanged() {
        return Err(Trouble::Changed);
    }
    let reader = match copied? {
        Unlocked::Copy(copy) => PageReader::of_copy(copy, watch)?,
        Unlocked::Pages(pages, proof) => {
            PageReader::new(Source::Unlocked(pages, quiet), proof, watch)
        }
    };
    Ok(Begun::Pages(Box::new(reader)))
}

pub(super) enum Unlocked {
    Copy(Copy),
    Pages(Pages, Proof),
}

pub(super) fn unlocked(
    path: &Path,
    folder: &CopyFolder,
    watch: &Watch,
) -> Result<Unlocked, Trouble> {
    let mut pages = Pages::begin(open_immutable(path)?, true)?;
    Ok(match folder.copy_if_room(&mut pages, watch, PATIENCE)? {
        Some(copy) => Unlocked::Copy(copy),
        None => {
            let proof = unproven(folder, pages.len());
            Unlocked::Pages(pages, proof)
        }
    })
}

/// Of one that is streamed: where there was no room for a copy, there may be the next time.
fn unproven(folder: &CopyFolder, bytes: u64) -> Proof {
    let why = "it is too large to be checked without holding its program up".into();
    Proof::known(if folder.takes(bytes) {
        Soundness::Unchecked(why)
    } else {
        Soundness::Unjudged(why)
    })
}
