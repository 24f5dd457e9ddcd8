//! What is there already of a file that is staged: read instead of fetched, and proven by the ids of its chunks.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::chunks::{Chunk, is_chunk};

/// A file that may have chunks in the places where they belong, for several threads at a time.
pub(super) struct Local<'a> {
    file: Option<&'a File>,
    /// Which of the chunks were found in it. `None`: nobody has looked.
    found: Option<&'a [bool]>,
    /// How many of the chunks that were read are not what they should be.
    misses: AtomicUsize,
}

/// As long as no more than these were read in vain, reading goes on.
const FEW: usize = 64;

impl<'a> Local<'a> {
    pub(super) fn new(file: Option<&'a File>, found: Option<&'a [bool]>) -> Self {
        Self {
            file,
            found,
            misses: AtomicUsize::new(0),
        }
    }

    /// Reads a chunk into `bytes`. False: it is not there. Where too few are, no more are looked for.
    pub(super) fn read(&self, chunks: &[Chunk], index: usize, bytes: &mut Vec<u8>) -> bool {
        let found = |found: &[bool]| found.get(index).copied().unwrap_or_default();
        let Some(file) = self.file.filter(|_| self.found.is_none_or(found)) else {
            return false;
        };
        let bearable = (chunks.len() / 4).max(FEW);
        if self.misses.load(Ordering::Relaxed) > bearable {
            return false;
        }
        let there = is_at(file, &chunks[index], bytes);
        if !there {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
        there
    }
}

/// A file that changed or cannot be read any more is one that has nothing to give.
fn is_at(file: &File, chunk: &Chunk, bytes: &mut Vec<u8>) -> bool {
    let Ok(length) = usize::try_from(chunk.length) else {
        return false;
    };
    bytes.resize(length, 0);
    file.read_exact_at(bytes, chunk.at).is_ok() && is_chunk(bytes, &chunk.id)
}
