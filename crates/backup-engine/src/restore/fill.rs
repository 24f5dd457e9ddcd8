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
use super::chunks::{Chunk, Zeros, total};
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
    pub(super) fn run(&self, chunks: &[Chunk], local: &Local) -> Result<(), CopyError> {
        let next = Mutex::new(0);
        let bytes = total(chunks);
        let set_length = || self.file.set_len(bytes).map_err(CopyError::Target);
        // One that is empty gets it last: where there are no holes, all of it would be written twice.
        if self.begun.is_some() {
            set_length()?;
        }
        if bytes < LARGE {
            self.work(chunks, local, &next)?;
        } else {
            self.work_together(chunks, local, &next)?;
        }
        set_length()
    }

    fn work_together(
        &self,
        chunks: &[Chunk],
        local: &Local,
        next: &Mutex<usize>,
    ) -> Result<(), CopyError> {
        // One more than there are processors: one of them waits for the disk now and then.
        let count = thread::available_parallelism().map_or(1, usize::from) + 1;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|_| scope.spawn(|| self.work(chunks, local, next)))
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

    fn work(&self, chunks: &[Chunk], local: &Local, next: &Mutex<usize>) -> Result<(), CopyError> {
        let mut buffer = Vec::new();
        while let Some(run) = self.take(chunks, next) {
            self.put_run(chunks, run, local, &mut buffer)
                .inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    }

    /// The next chunks that follow on one another.
    fn take(&self, chunks: &[Chunk], next: &Mutex<usize>) -> Option<Range<usize>> {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        if *next == chunks.len() || self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let (begin, mut bytes) = (*next, 0);
        while *next < chunks.len() && *next - begin < RUN_CHUNKS && bytes < RUN_BYTES {
            bytes += chunks[*next].length;
            *next += 1;
        }
        Some(begin..*next)
    }

    fn put_run(
        &self,
        chunks: &[Chunk],
        run: Range<usize>,
        local: &Local,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CopyError> {
        let mut written = 0;
        for index in run.clone() {
            if self.watch.is_canceled() {
                return Err(CopyError::Target(io::Error::other("cancelled")));
            }
            written += self.put(chunks, index, local, buffer)?;
        }
        let run = chunks[run].iter();
        self.watch.advance(run.map(|chunk| chunk.length).sum());
        self.sync(written).map_err(CopyError::Target)
    }

    /// Puts a chunk in its place, unless it is there. Returns how much was written.
    fn put(
        &self,
        chunks: &[Chunk],
        index: usize,
        local: &Local,
        buffer: &mut Vec<u8>,
    ) -> Result<u64, CopyError> {
        let chunk = &chunks[index];
        if self.zeros.is(chunks, index) && !self.has_old_content(chunk) {
            return Ok(0);
        }
        if !local.read(chunks, index, buffer) {
            self.bring(chunks, index)?;
        } else if self.begun.is_none() {
            self.write(chunk.at, buffer).map_err(CopyError::Target)?;
        } else {
            return Ok(0);
        }
        Ok(chunk.length)
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
