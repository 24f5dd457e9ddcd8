//! What is there already of a file that is staged: read instead of fetched, and proven by the caller.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::chunks::Chunk;
use crate::database::PageReader;

pub(super) trait Local: Send {
    /// Adds to `bytes` what lies in the place of this chunk; asked for in the order of the file, but not for all. False: it
    /// is not there, and nothing was added.
    fn read(&mut self, index: usize, chunk: &Chunk, bytes: &mut Vec<u8>) -> bool;

    /// So many of the chunks that were read were not what they should be.
    fn missed(&mut self, count: usize);
}

/// The file that is replaced, or the staged one that began as it.
pub(super) struct LocalFile<'a> {
    pub file: Option<&'a File>,
    /// Which of the chunks were found in it. `None`: nobody has looked.
    pub there: Option<&'a [bool]>,
    pub patience: Patience,
}

impl Local for LocalFile<'_> {
    fn read(&mut self, index: usize, chunk: &Chunk, bytes: &mut Vec<u8>) -> bool {
        let there = |there: &[bool]| there.get(index).copied().unwrap_or_default();
        let Some(file) = self.file.filter(|_| self.there.is_none_or(there)) else {
            return false;
        };
        let Ok(length) = usize::try_from(chunk.length) else {
            return false;
        };
        let begin = bytes.len();
        bytes.resize(begin + length, 0);
        // A file that changed or cannot be read any more is one that has nothing to give.
        let read = file.read_exact_at(&mut bytes[begin..], chunk.at).is_ok();
        if !read {
            bytes.truncate(begin);
        }
        read
    }

    fn missed(&mut self, count: usize) {
        if self.patience.is_lost(count) {
            self.file = None;
        }
    }
}

/// The library's pages, read along. Given up where too few of them are of use.
pub(super) struct LocalPages {
    pages: Option<PageReader>,
    at: u64,
    patience: Patience,
}

impl LocalPages {
    pub(super) fn new(pages: Option<PageReader>, chunks: usize) -> Self {
        Self {
            pages,
            at: 0,
            patience: Patience::of(chunks),
        }
    }
}

impl Local for LocalPages {
    fn read(&mut self, _: usize, chunk: &Chunk, bytes: &mut Vec<u8>) -> bool {
        let Some(pages) = &mut self.pages else {
            return false;
        };
        let between = chunk.at.saturating_sub(self.at);
        let begin = bytes.len();
        let read = io::copy(&mut pages.take(between), &mut io::sink())
            .and_then(|_| pages.take(chunk.length).read_to_end(bytes));
        self.at = chunk.at + chunk.length;
        let whole = read.is_ok_and(|count| count as u64 == chunk.length);
        if !whole {
            bytes.truncate(begin);
            self.pages = None;
        }
        whole
    }

    fn missed(&mut self, count: usize) {
        if self.patience.is_lost(count) {
            self.pages = None;
        }
    }
}

/// How many of a file's chunks may be read in vain.
pub(super) struct Patience {
    misses: usize,
    bearable: usize,
}

impl Patience {
    pub(super) fn of(chunks: usize) -> Self {
        Self {
            misses: 0,
            bearable: (chunks / 4).max(64),
        }
    }

    fn is_lost(&mut self, misses: usize) -> bool {
        self.misses += misses;
        self.misses > self.bearable
    }
}
