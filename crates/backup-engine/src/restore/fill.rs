//! Filling a staged file chunk by chunk: from what is there already, proven by the chunk's id, else from the backup. Zeros
//! become holes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

use super::chunks::{Chunk, Zeros, is_chunk, total};
use crate::database::PageReader;
use crate::destination::{Content, CopyError};
use crate::failpoint::failpoint;
use crate::{Error, Watch};

/// Written between two syncs, so that a cancel never waits for more than this to reach the disk.
const SYNC_EVERY: u64 = 16 * 1024 * 1024;
/// Chunks that are fetched together, and about how many bytes of them.
const FETCH_CHUNKS: usize = 512;
const FETCH_BYTES: u64 = 8 * 1024 * 1024;
/// Up to so many are fetched without threads of their own.
const FEW: usize = 4;
/// Zeros are left out in blocks of this size.
const BLOCK: usize = 16 * 1024;

/// What is there already.
pub(super) trait Local {
    /// Reads this chunk's place. False: it is not there.
    fn read(&mut self, index: usize, chunk: &Chunk, into: &mut Vec<u8>) -> bool;
}

/// The file that is replaced, and which of the chunks were found in it.
pub(super) struct LocalFile<'a> {
    pub file: Option<File>,
    pub there: &'a [bool],
}

impl Local for LocalFile<'_> {
    fn read(&mut self, index: usize, chunk: &Chunk, into: &mut Vec<u8>) -> bool {
        let there = self.there.get(index).copied().unwrap_or_default();
        let Some(file) = self.file.as_ref().filter(|_| there) else {
            return false;
        };
        into.resize(usize::try_from(chunk.length).unwrap_or_default(), 0);
        // A file that changed or cannot be read any more is one that has nothing to give.
        file.read_exact_at(into, chunk.at).is_ok() && is_chunk(into, &chunk.id)
    }
}

/// The library's pages, read along. Given up where too few of them are of use.
pub(super) struct LocalPages {
    pages: Option<PageReader>,
    misses: usize,
    bearable: usize,
}

impl LocalPages {
    pub(super) fn new(pages: Option<PageReader>, chunks: usize) -> Self {
        Self {
            pages,
            misses: 0,
            bearable: (chunks / 4).max(64),
        }
    }
}

impl Local for LocalPages {
    fn read(&mut self, _index: usize, chunk: &Chunk, into: &mut Vec<u8>) -> bool {
        let Some(pages) = &mut self.pages else {
            return false;
        };
        into.clear();
        let read = pages.take(chunk.length).read_to_end(into);
        let whole = read.is_ok_and(|count| count as u64 == chunk.length);
        let fits = whole && is_chunk(into, &chunk.id);
        self.misses += usize::from(!fits);
        if !whole || self.misses > self.bearable {
            self.pages = None;
        }
        fits
    }
}

pub(super) struct Fill<'a> {
    pub file: &'a File,
    pub content: &'a Content,
    pub zeros: &'a Zeros,
    pub watch: &'a Watch,
    unsynced: u64,
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
            unsynced: 0,
        }
    }

    /// Errors of the target are told from those of the backup.
    pub(super) fn run(&mut self, chunks: &[Chunk], local: &mut dyn Local) -> Result<(), CopyError> {
        let (mut waiting, mut bytes, mut buffer) = (Vec::new(), 0, Vec::new());
        for (index, chunk) in chunks.iter().enumerate() {
            if self.watch.is_canceled() {
                return Err(CopyError::Target(io::Error::other("cancelled")));
            }
            if self.zeros.is(chunks, index) {
                self.watch.advance(chunk.length);
                continue;
            }
            if local.read(index, chunk, &mut buffer) {
                self.write(chunk.at, &buffer).map_err(CopyError::Target)?;
                continue;
            }
            bytes += chunk.length;
            waiting.push(*chunk);
            if waiting.len() == FETCH_CHUNKS || bytes >= FETCH_BYTES {
                self.fetch(&waiting)?;
                (waiting, bytes) = (Vec::new(), 0);
            }
        }
        self.fetch(&waiting)?;
        let sized = self.file.set_len(total(chunks));
        sized.map_err(CopyError::Target)
    }

    fn fetch(&mut self, chunks: &[Chunk]) -> Result<(), CopyError> {
        if chunks.len() > FEW {
            let ids: Vec<_> = chunks.iter().map(|chunk| chunk.id).collect();
            let content = self.content;
            let mut scatter = Scatter {
                fill: self,
                chunks,
                within: 0,
            };
            return content.copy(&ids, &mut scatter);
        }
        for chunk in chunks {
            let bytes = self.content.chunk(&chunk.id).map_err(CopyError::Source)?;
            if bytes.len() as u64 != chunk.length {
                return Err(CopyError::Source(wrong_length()));
            }
            self.write(chunk.at, &bytes).map_err(CopyError::Target)?;
        }
        Ok(())
    }

    /// Writes all but the blocks that are zeros.
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut begin = 0;
        while begin < bytes.len() {
            // Blocks of the file, not of the chunk.
            let ends = |from: usize| {
                let into = ((at + from as u64) % BLOCK as u64) as usize;
                (from + BLOCK - into).min(bytes.len())
            };
            let mut end = ends(begin);
            if is_zero(&bytes[begin..end]) {
                begin = end;
                continue;
            }
            while end < bytes.len() && !is_zero(&bytes[end..ends(end)]) {
                end = ends(end);
            }
            failpoint("restore-write")?;
            self.file
                .write_all_at(&bytes[begin..end], at + begin as u64)?;
            begin = end;
        }
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        self.watch.advance(bytes.len() as u64);
        Ok(())
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

/// Takes chunks one after another, and puts each in its place.
struct Scatter<'a, 'b> {
    fill: &'a mut Fill<'b>,
    chunks: &'a [Chunk],
    /// Bytes of the first of them that are written.
    within: u64,
}

impl Write for Scatter<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fill.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        let chunk = self.chunks.first();
        let chunk = chunk.ok_or_else(|| io::Error::other("more came than was asked for"))?;
        let rest = usize::try_from(chunk.length - self.within).unwrap_or(usize::MAX);
        let count = rest.min(bytes.len());
        self.fill.write(chunk.at + self.within, &bytes[..count])?;
        self.within += count as u64;
        if self.within == chunk.length {
            (self.chunks, self.within) = (&self.chunks[1..], 0);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
