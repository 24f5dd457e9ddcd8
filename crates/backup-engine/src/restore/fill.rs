//! Filling a staged file, several runs of its chunks at a time: from what is there already, proven by the chunk's id, else from
//! the backup. Zeros become holes. Where the file began as the one that is there, what is proven stays as it lies.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::blocks;
use super::chunks::{Chunk, Zeros, is_chunk, total};
use super::local::Local;
use crate::destination::{Content, CopyError};
use crate::failpoint::failpoint;
use crate::{Error, Watch};

/// Written between two syncs, so that a cancel never waits for more than this to reach the disk.
const SYNC_EVERY: u64 = 16 * 1024 * 1024;
/// From this size on a file is filled by all processors, and no other at the same time: each thread has a chunk in memory.
pub(super) const LARGE: u64 = 16 * 1024 * 1024;
/// What one thread takes on at a time.
const RUN_BYTES: u64 = 2 * 1024 * 1024;
const RUN_CHUNKS: usize = 256;
/// Zeros are left out in blocks of this size.
const BLOCK: usize = 16 * 1024;

pub(super) struct Fill<'a> {
    file: &'a File,
    content: &'a Content,
    zeros: &'a Zeros,
    watch: &'a Watch,
    /// The length of the content that it began with; else it is empty.
    begun: Option<u64>,
    unsynced: AtomicU64,
    /// One of the threads has failed.
    failed: AtomicBool,
}

/// What is still to be done, shared by the threads.
struct Work<'a> {
    next: usize,
    local: &'a mut dyn Local,
}

/// Chunks that follow on one another, and what is there of them.
#[derive(Default)]
struct Run {
    chunks: Range<usize>,
    /// For each chunk that is not all zeros, where in `bytes` it was read to. `None`: it is to be fetched.
    wanted: Vec<(usize, Option<Range<usize>>)>,
    bytes: Vec<u8>,
}

impl<'a> Fill<'a> {
    pub(super) fn new(
        file: &'a File,
        content: &'a Content,
        zeros: &'a Zeros,
        watch: &'a Watch,
    ) -> Self {
        Self {
            file,
            content,
            zeros,
            watch,
            begun: None,
            unsynced: AtomicU64::new(0),
            failed: AtomicBool::new(false),
        }
    }

    /// The file is not empty, but has this much of another one's content.
    pub(super) fn begun(self, begun: Option<u64>) -> Self {
        Self { begun, ..self }
    }

    /// Errors of the target are told from those of the backup.
    pub(super) fn run(&self, chunks: &[Chunk], local: &mut dyn Local) -> Result<(), CopyError> {
        let work = Mutex::new(Work { next: 0, local });
        let bytes = total(chunks);
        self.file.set_len(bytes).map_err(CopyError::Target)?;
        if bytes < LARGE {
            self.work(chunks, &work)
        } else {
            self.work_together(chunks, &work)
        }
    }

    fn work_together(&self, chunks: &[Chunk], work: &Mutex<Work>) -> Result<(), CopyError> {
        // One more than there are processors: one of them waits for the disk now and then.
        let count = thread::available_parallelism().map_or(1, usize::from) + 1;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|_| scope.spawn(|| self.work(chunks, work)))
                .collect();
            let mut result = Ok(());
            for thread in threads {
                let panicked = |_| {
                    let who = "a thread that stages a file".into();
                    CopyError::Source(Error::Panicked(who))
                };
                result = result.and(thread.join().map_err(panicked).flatten());
            }
            result
        })
    }

    fn work(&self, chunks: &[Chunk], work: &Mutex<Work>) -> Result<(), CopyError> {
        let (mut run, mut missed) = (Run::default(), 0);
        while self.take(chunks, work, missed, &mut run) {
            missed = self.put(chunks, &run).inspect_err(|_| {
                self.failed.store(true, Ordering::Relaxed);
            })?;
        }
        Ok(())
    }

    /// Takes the next run on, and reads what is there of it. False: there is none.
    fn take(&self, chunks: &[Chunk], work: &Mutex<Work>, missed: usize, run: &mut Run) -> bool {
        let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
        work.local.missed(missed);
        if work.next == chunks.len() || self.failed.load(Ordering::Relaxed) {
            return false;
        }
        run.wanted.clear();
        run.bytes.clear();
        let (begin, mut bytes) = (work.next, 0);
        while work.next < chunks.len() && work.next - begin < RUN_CHUNKS && bytes < RUN_BYTES {
            let (index, chunk) = (work.next, &chunks[work.next]);
            (work.next, bytes) = (index + 1, bytes + chunk.length);
            if self.zeros.is(chunks, index) && !self.has_old_content(chunk) {
                continue;
            }
            let from = run.bytes.len();
            let there = work.local.read(index, chunk, &mut run.bytes);
            run.wanted
                .push((index, there.then_some(from..run.bytes.len())));
        }
        run.chunks = begin..work.next;
        true
    }

    /// Writes a run. Returns how many of the chunks that were read are not what they should be.
    fn put(&self, chunks: &[Chunk], run: &Run) -> Result<usize, CopyError> {
        let (mut written, mut missed) = (0, 0);
        for (index, there) in &run.wanted {
            if self.watch.is_canceled() {
                return Err(CopyError::Target(io::Error::other("cancelled")));
            }
            let chunk = &chunks[*index];
            let read = there.clone().map(|there| &run.bytes[there]);
            match read.filter(|bytes| is_chunk(bytes, &chunk.id)) {
                Some(_) if self.begun.is_some() => continue,
                Some(bytes) => self.write(chunk.at, bytes).map_err(CopyError::Target)?,
                None => {
                    missed += usize::from(there.is_some());
                    self.bring(chunks, *index)?;
                }
            }
            written += chunk.length;
        }
        let run = &chunks[run.chunks.clone()];
        self.watch
            .advance(run.iter().map(|chunk| chunk.length).sum());
        self.sync(written).map_err(CopyError::Target)?;
        Ok(missed)
    }

    fn has_old_content(&self, chunk: &Chunk) -> bool {
        self.begun.is_some_and(|length| chunk.at < length)
    }

    /// Puts a chunk in its place that is not there.
    fn bring(&self, chunks: &[Chunk], index: usize) -> Result<(), CopyError> {
        let chunk = &chunks[index];
        if self.zeros.is(chunks, index) {
            return blocks::clear(self.file, chunk.at, chunk.length).map_err(CopyError::Target);
        }
        let bytes = self.content.chunk(&chunk.id).map_err(CopyError::Source)?;
        if bytes.len() as u64 != chunk.length {
            return Err(CopyError::Source(wrong_length()));
        }
        self.write(chunk.at, &bytes).map_err(CopyError::Target)
    }

    /// Writes all but the blocks that are zeros, where there are zeros already.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let is_hole = |block: &[u8]| self.begun.is_none() && is_zero(block);
        let mut begin = 0;
        while begin < bytes.len() {
            // Blocks of the file, not of the chunk.
            let ends = |from: usize| {
                let into = ((at + from as u64) % BLOCK as u64) as usize;
                (from + BLOCK - into).min(bytes.len())
            };
            let mut end = ends(begin);
            if is_hole(&bytes[begin..end]) {
                begin = end;
                continue;
            }
            while end < bytes.len() && !is_hole(&bytes[end..ends(end)]) {
                end = ends(end);
            }
            failpoint("restore-write")?;
            self.file
                .write_all_at(&bytes[begin..end], at + begin as u64)?;
            begin = end;
        }
        Ok(())
    }

    fn sync(&self, written: u64) -> io::Result<()> {
        let unsynced = self.unsynced.fetch_add(written, Ordering::Relaxed) + written;
        if unsynced < SYNC_EVERY {
            return Ok(());
        }
        self.unsynced.store(0, Ordering::Relaxed);
        self.file.sync_data()
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn wrong_length() -> Error {
    Error::Damaged {
        backup: None,
        detail: "a chunk is not as long as the index says".into(),
    }
}
