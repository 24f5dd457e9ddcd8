//! Counting what became of every entry of a source, to prove that what is missing in a backup has been named.
//!
//! The repository library leaves out a file that it cannot read and reports success. It does not say which files it took
//! over from an earlier backup either, but it does say how many entries it stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the walk and all readers of a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    folders: AtomicU64,
    others: AtomicU64,
    files: AtomicU64,
    databases: AtomicU64,
    bytes: AtomicU64,
    whole: AtomicU64,
    changed: AtomicU64,
    left_out: AtomicU64,
    left_out_bytes: AtomicU64,
    unopened: AtomicU64,
}

/// What happened to one regular file that was handed to the archiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Read to its end, and the same after it as before.
    Whole,
    /// Read, and named: it changed meanwhile.
    Changed,
    /// Not in the backup, and named (unless the job was cancelled).
    LeftOut { size: u64 },
    /// Never opened: taken over from an earlier backup.
    Unopened,
}

impl Tally {
    pub(super) fn add_folder(&self) {
        add(&self.0.folders, 1);
    }

    pub(super) fn add_other(&self) {
        add(&self.0.others, 1);
    }

    pub(super) fn add_database(&self) {
        add(&self.0.databases, 1);
    }

    pub(super) fn add_file(&self, size: u64) {
        add(&self.0.files, 1);
        add(&self.0.bytes, size);
    }

    pub(super) fn end(&self, fate: Fate) {
        match fate {
            Fate::Whole => add(&self.0.whole, 1),
            Fate::Changed => add(&self.0.changed, 1),
            Fate::Unopened => add(&self.0.unopened, 1),
            Fate::LeftOut { size } => {
                add(&self.0.left_out, 1);
                add(&self.0.left_out_bytes, size);
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |cell: &AtomicU64| cell.load(Ordering::SeqCst);
        let cells = &self.0;
        Counts {
            folders: read(&cells.folders),
            others: read(&cells.others),
            files: read(&cells.files),
            databases: read(&cells.databases),
            bytes: read(&cells.bytes) - read(&cells.left_out_bytes),
            whole: read(&cells.whole),
            changed: read(&cells.changed),
            left_out: read(&cells.left_out),
            unopened: read(&cells.unopened),
        }
    }
}

fn add(cell: &AtomicU64, count: u64) {
    cell.fetch_add(count, Ordering::SeqCst);
}

/// What became of the entries of a source, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The source's own folder counted.
    pub folders: u64,
    /// Links, fifos, sockets and devices: stored by their metadata alone.
    pub others: u64,
    /// Regular files that were handed to the archiver.
    pub files: u64,
    /// Set aside for the repository of databases.
    pub databases: u64,
    /// The sizes of the regular files that are in the backup.
    pub bytes: u64,
    pub whole: u64,
    pub changed: u64,
    pub left_out: u64,
    pub unopened: u64,
}

impl Counts {
    /// Files that are in the backup.
    pub(crate) fn stored_files(&self) -> u64 {
        self.files - self.left_out
    }

    /// Whether each file was stored whole, taken over from an earlier backup, or named. `processed` is what the summary
    /// of the archiver's snapshot says in `total_files_processed`. Errors: what does not add up.
    pub(crate) fn account(&self, processed: u64) -> Result<(), String> {
        let ended = self.whole + self.changed + self.left_out + self.unopened;
        if ended != self.files {
            return Err(format!("{ended} of {} files came to an end", self.files));
        }
        let expected = self.stored_files() + self.others;
        if processed != expected {
            return Err(format!("{processed} of {expected} entries were stored"));
        }
        Ok(())
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |a, b| Self {
            folders: a.folders + b.folders,
            others: a.others + b.others,
            files: a.files + b.files,
            databases: a.databases + b.databases,
            bytes: a.bytes + b.bytes,
            whole: a.whole + b.whole,
            changed: a.changed + b.changed,
            left_out: a.left_out + b.left_out,
            unopened: a.unopened + b.unopened,
        })
    }
}
