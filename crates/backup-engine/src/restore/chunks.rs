//! The chunks of a file that is to be: which of them are there already, at the same place in what is there now, and which
//! are nothing but zeros. Neither is fetched.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustic_core::DataId;
use rustic_core::repofile::Node;
use sha2::{Digest, Sha256};

use super::plan::canceled;
use super::tree::damaged;
use crate::destination::Content;
use crate::{Error, Watch};

/// A chunk of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub id: DataId,
    pub at: u64,
    pub length: u64,
}

/// The chunks of a file in their order.
pub(crate) fn chunks_of(node: &Node, content: &Content) -> Result<Vec<Chunk>, Error> {
    let ids = node.content.as_deref().unwrap_or_default();
    let (mut chunks, mut at) = (Vec::with_capacity(ids.len()), 0_u64);
    for id in ids {
        let length = content.chunk_bytes(id)?;
        chunks.push(Chunk {
            id: *id,
            at,
            length,
        });
        let end = at.checked_add(length);
        at = end.ok_or_else(|| damaged("a file is larger than can be"))?;
    }
    Ok(chunks)
}

pub(crate) fn total(chunks: &[Chunk]) -> u64 {
    chunks.last().map_or(0, |last| last.at + last.length)
}

/// Whether a chunk is all zeros, told by its id alone. Worked out only for those that follow on one another, as they do
/// in files with holes.
#[derive(Debug, Default)]
pub(crate) struct Zeros(Mutex<HashMap<u64, [u8; 32]>>);

impl Zeros {
    pub(crate) fn is(&self, chunks: &[Chunk], index: usize) -> bool {
        let chunk = &chunks[index];
        let same = |other: Option<&Chunk>| other.is_some_and(|other| other.id == chunk.id);
        let repeated = same(chunks.get(index + 1)) || index > 0 && same(chunks.get(index - 1));
        repeated && self.hash(chunk.length) == hash_of(&chunk.id)
    }

    fn hash(&self, length: u64) -> [u8; 32] {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let work_out = || {
            let mut hash = Sha256::new();
            let mut zeros = io::repeat(0).take(length);
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = zeros.read(&mut buffer) {
                hash.update(&buffer[..count]);
            }
            hash.finalize().into()
        };
        *known.entry(length).or_insert_with(work_out)
    }
}

fn hash_of(id: &DataId) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, hex) in bytes
        .iter_mut()
        .zip(id.to_hex().as_str().as_bytes().chunks(2))
    {
        let text = std::str::from_utf8(hex).unwrap_or_default();
        *byte = u8::from_str_radix(text, 16).unwrap_or_default();
    }
    bytes
}

/// Whether these bytes are the chunk.
pub(crate) fn is_chunk(bytes: &[u8], id: &DataId) -> bool {
    <[u8; 32]>::from(Sha256::digest(bytes)) == hash_of(id)
}

/// Chunks that one thread compares.
const SHARE: usize = 64;

/// Which chunks this file has at their places, worked out by several threads where there are many. What the disk cannot read
/// any more is not there. Errors: cancelled.
pub(super) fn there_in(file: &File, chunks: &[Chunk], watch: &Watch) -> Result<Vec<bool>, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = chunks.len().div_ceil(threads).max(SHARE);
    if share >= chunks.len() {
        return part_there(file, chunks, watch);
    }
    thread::scope(|scope| {
        let parts: Vec<_> = chunks
            .chunks(share)
            .map(|part| scope.spawn(move || part_there(file, part, watch)))
            .collect();
        let mut there = Vec::with_capacity(chunks.len());
        for part in parts {
            let panicked = |_| Err(Error::Panicked("a thread that compares a file".into()));
            there.extend(part.join().unwrap_or_else(panicked)?);
        }
        Ok(there)
    })
}

fn part_there(file: &File, chunks: &[Chunk], watch: &Watch) -> Result<Vec<bool>, Error> {
    let mut buffer = Vec::new();
    let mut is_there = |chunk: &Chunk| {
        if watch.is_canceled() {
            return Err(canceled());
        }
        let Ok(length) = usize::try_from(chunk.length) else {
            return Ok(false);
        };
        buffer.resize(length, 0);
        match file.read_exact_at(&mut buffer, chunk.at) {
            Ok(()) => Ok(is_chunk(&buffer, &chunk.id)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => {
                tracing::warn!(%error, at = chunk.at, "part of a file that is there cannot be read");
                Ok(false)
            }
        }
    };
    chunks.iter().map(&mut is_there).collect()
}
