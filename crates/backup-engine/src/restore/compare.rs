//! Comparing files with the backup, several at a time: by what is known of them, else by the hashes of their chunks.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::chunks::{chunks_of, there_in, total};
use super::dir::Dir;
use super::plan::{LOOKING, canceled, in_the_way};
use super::seen::{Dress, Seen};
use super::tree::{Contents, Wanted};
use crate::destination::Part;
use crate::{Error, Watch};

/// How many files are read or written at a time.
pub(super) const THREADS: usize = 4;

/// A file that is both there and in the backup.
#[derive(Debug)]
pub(super) struct Comparison {
    pub at: PathBuf,
    pub wanted: Wanted,
    pub seen: Seen,
    /// The logs beside a database.
    pub companions: Vec<(OsString, Seen)>,
    /// It comes, also where it is as it is to be.
    pub always: bool,
    /// It was chosen by name: its bytes are looked at, whatever is known of it.
    pub chosen: bool,
}

/// Which chunks of a file that differs are there.
pub(super) type There = Vec<bool>;

/// Those that differ, in the order of their paths.
pub(super) fn compare(
    base: &Dir,
    contents: &Contents,
    comparisons: Vec<Comparison>,
    watch: &Watch,
) -> Result<Vec<(Comparison, There)>, Error> {
    let work = Mutex::new(comparisons.into_iter());
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || -> Result<Vec<(Comparison, There)>, Error> {
        let mut differing = Vec::new();
        while let Some(comparison) = next() {
            if let Some(there) = comparison.difference(base, contents, watch)? {
                differing.push((comparison, there));
            }
        }
        Ok(differing)
    };
    let mut all = Vec::new();
    thread::scope(|scope| -> Result<(), Error> {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            let panicked = |_| Error::Panicked("a thread that compares files".into());
            all.extend(thread.join().map_err(panicked)??);
        }
        Ok(())
    })?;
    all.sort_by(|one, other| one.0.at.cmp(&other.0.at));
    Ok(all)
}

impl Comparison {
    /// `None`: it is as it is to be.
    fn difference(
        &self,
        base: &Dir,
        contents: &Contents,
        watch: &Watch,
    ) -> Result<Option<There>, Error> {
        if watch.is_canceled() {
            return Err(canceled());
        }
        let chunks = chunks_of(&self.wanted.node, contents.of(self.wanted.part)?)?;
        let same_size = total(&chunks) == self.seen.size;
        if same_size && !self.chosen && self.is_untouched() {
            return Ok(None);
        }
        let parent = self.at.parent().unwrap_or(Path::new(""));
        let folder = base.walk(parent).map_err(in_the_way)?;
        let name = self.at.file_name().unwrap_or_default();
        let file = match folder.read_file(name) {
            // What may not be read is replaced whole.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Some(vec![false; chunks.len()]));
            }
            file => file.map_err(LOOKING)?,
        };
        let there = there_in(&file, &chunks, watch)?;
        let dress = Dress::of(&self.wanted.node.meta);
        let same = !self.always
            && same_size
            && there.iter().all(|there| *there)
            && !self.has_log()
            && !dress.differs_from(&self.seen)
            && !dress.differs_in_time(&self.seen)
            && !dress.differs_in_attributes(&file).map_err(LOOKING)?;
        Ok((!same).then_some(there))
    }

    /// Whether it is the very file that was backed up. A database is not told by that: part of it may be in its log.
    fn is_untouched(&self) -> bool {
        let meta = &self.wanted.node.meta;
        let moment = |time: Option<rustic_core::jiff::Timestamp>| {
            time.map(|time| (time.as_second(), time.subsec_nanosecond().unsigned_abs()))
        };
        self.wanted.part == Part::Files
            && meta.inode != 0
            && meta.inode == self.seen.inode
            && meta.size == self.seen.size
            && moment(meta.mtime) == Some(self.seen.mtime)
            && moment(meta.ctime) == Some(self.seen.ctime)
    }

    /// Whether something that SQLite would read into the database lies beside it.
    fn has_log(&self) -> bool {
        let with_content = |(name, seen): &(OsString, Seen)| {
            seen.size > 0 && !name.as_encoded_bytes().ends_with(b"-shm")
        };
        self.companions.iter().any(with_content)
    }
}
