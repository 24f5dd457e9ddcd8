//! What a backup holds, read back: every folder and chunk is compared with the id it was asked by, because an id is the hash
//! of the plain content. What does not fit is damage, and never passed on.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use bytes::Bytes;
use rustic_core::repofile::{BlobType, IndexBlob, Node, PackId, Tree};
use rustic_core::{DataId, Id, IndexedFullStatus, PackedId, Repository, TreeId};

use super::{Part, Session};
use crate::{Error, Watch};

/// Read ahead of the writer, in bytes and in chunks.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
const BATCH_CHUNKS: usize = 256;
/// Batches between the readers and the writer.
const BATCHES: usize = 2;

/// One part of the destination, with its whole index in memory.
pub(crate) struct Content {
    session: Session<IndexedFullStatus>,
    /// Where damage is found it is noted, for the next backup to mend.
    notes_damage: bool,
}

impl Content {
    pub(crate) fn open(session: Session) -> Result<Self, Error> {
        let session = session.load(Repository::to_indexed)?;
        Ok(Self {
            session,
            notes_damage: false,
        })
    }

    /// The same, and damage that is found in a pack is noted for the next backup to mend. For jobs that look for it.
    pub(crate) fn noting_damage(self) -> Self {
        Self {
            notes_damage: true,
            ..self
        }
    }

    /// What the packs hold that are listed, even where the index does not know of it yet.
    pub(super) fn listed(session: Session) -> Result<Self, Error> {
        let session = session.load(Repository::to_indexed_checked)?;
        Ok(Self {
            session,
            notes_damage: false,
        })
    }

    pub(crate) fn part(&self) -> Part {
        self.session.part()
    }

    pub(crate) fn watch(&self) -> &Watch {
        self.session.watch()
    }

    /// Whether the index knows this folder.
    pub(crate) fn has_folder(&self, id: &TreeId) -> bool {
        self.session.repository.get_index_entry(id).is_ok()
    }

    /// What is in a folder, in the order of the names.
    pub(crate) fn folder(&self, id: &TreeId) -> Result<Vec<Node>, Error> {
        let bytes = self.blob(BlobType::Tree, id)?;
        let tree: Tree = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("a folder does not read: {error}")))?;
        Ok(tree.nodes)
    }

    /// What lies at this path under the root. `None`: nothing does.
    pub(crate) fn find(&self, root: &TreeId, path: &Path) -> Result<Option<Node>, Error> {
        let mut folder = Some(*root);
        let mut found = None;
        for name in path {
            let Some(id) = folder else {
                return Ok(None);
            };
            let nodes = self.folder(&id)?;
            found = nodes.into_iter().find(|node| *node.name() == *name);
            folder = found.as_ref().and_then(|node| node.subtree);
        }
        Ok(found)
    }

    pub(crate) fn chunk(&self, id: &DataId) -> Result<Bytes, Error> {
        self.blob(BlobType::Data, id)
    }

    /// The length of a chunk, from the index alone.
    pub(crate) fn chunk_bytes(&self, id: &DataId) -> Result<u64, Error> {
        let entry = self.session.repository.get_index_entry(id);
        let entry = entry.map_err(|_| damaged("a chunk is missing in the index".into()))?;
        Ok(entry.data_length().into())
    }

    /// Where a folder or a chunk lies. `None`: the index does not know it.
    pub(crate) fn place<T: PackedId>(&self, id: &T) -> Option<Location> {
        let entry = self.session.repository.get_index_entry(id).ok()?;
        let (offset, length) = (entry.location.offset, entry.location.length);
        Some(Location {
            pack: entry.pack,
            end: u64::from(offset) + u64::from(length),
        })
    }

    pub(crate) fn session(&self) -> &Session<IndexedFullStatus> {
        &self.session
    }

    /// Whether this is the pack from which a folder or chunk is read.
    pub(crate) fn lies_in(&self, blob: &IndexBlob, pack: &PackId) -> bool {
        let place = self.place_of(blob.tpe, &blob.id);
        place.is_some_and(|place| place.pack == *pack)
    }

    /// Reads one folder or chunk and compares it with its id.
    pub(crate) fn prove(&self, blob: &IndexBlob) -> Result<(), Error> {
        self.blob(blob.tpe, &blob.id).map(drop)
    }

    /// Writes these chunks one after another. Several threads read ahead of `target`.
    pub(crate) fn copy(&self, chunks: &[DataId], target: &mut dyn Write) -> Result<(), CopyError> {
        thread::scope(|scope| {
            let (sender, batches) = sync_channel(BATCHES);
            let reader = scope.spawn(move || -> Result<(), Error> {
                for batch in self.batches(chunks)? {
                    // The writer has given up where nobody takes it, and says why.
                    if sender.send(self.read_batch(batch)).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            let written = write_batches(&batches, target);
            drop(batches);
            let read = reader
                .join()
                .unwrap_or_else(|_| Err(Error::Panicked("a thread that reads the backup".into())));
            written.and(read.map_err(CopyError::Source))
        })
    }

    /// Cuts the chunks into what is read at a time.
    fn batches<'a>(&self, chunks: &'a [DataId]) -> Result<Vec<&'a [DataId]>, Error> {
        let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
        for (at, id) in chunks.iter().enumerate() {
            bytes += self.chunk_bytes(id)?;
            if bytes >= BATCH_BYTES || at + 1 - start == BATCH_CHUNKS {
                batches.push(&chunks[start..=at]);
                (start, bytes) = (at + 1, 0);
            }
        }
        batches.extend((start < chunks.len()).then(|| &chunks[start..]));
        Ok(batches)
    }

    fn read_batch(&self, chunks: &[DataId]) -> Result<Vec<Bytes>, Error> {
        let readers = thread::available_parallelism().map_or(1, usize::from);
        let share = chunks.len().div_ceil(readers).max(1);
        let read = |chunks: &[DataId]| -> Result<Vec<Bytes>, Error> {
            chunks.iter().map(|id| self.chunk(id)).collect()
        };
        thread::scope(|scope| {
            let shares: Vec<_> = chunks
                .chunks(share)
                .map(|chunks| scope.spawn(move || read(chunks)))
                .collect();
            let mut all = Vec::with_capacity(chunks.len());
            for share in shares {
                let panicked = || Error::Panicked("a thread that reads chunks".into());
                all.extend(share.join().map_err(|_| panicked())??);
            }
            Ok(all)
        })
    }

    fn blob(&self, kind: BlobType, id: &Id) -> Result<Bytes, Error> {
        let blob = self.proven(kind, id);
        let is_damaged = matches!(blob, Err(Error::Damaged { .. } | Error::Repository(_)));
        if is_damaged && self.notes_damage && !self.watch().is_canceled() {
            self.note_damage(kind, id);
        }
        blob
    }

    /// What was found is told all the same where it cannot be noted.
    fn note_damage(&self, kind: BlobType, id: &Id) {
        if let Some(place) = self.place_of(kind, id)
            && let Err(error) = self.session.note_damaged(&place.pack)
        {
            tracing::warn!(%error, "a damaged pack cannot be noted");
        }
    }

    fn place_of(&self, kind: BlobType, id: &Id) -> Option<Location> {
        match kind {
            BlobType::Tree => self.place(&TreeId::from(*id)),
            BlobType::Data => self.place(&DataId::from(*id)),
        }
    }

    fn proven(&self, kind: BlobType, id: &Id) -> Result<Bytes, Error> {
        let name = id.to_hex();
        let blob = self.session.repository.cat_blob(kind, name.as_str());
        let blob = blob.map_err(self.session.explain())?;
        if id.blob_matches_reader(blob.len() as u64, &mut blob.as_ref()) {
            Ok(blob)
        } else {
            Err(damaged(format!(
                "{} is not what its id says",
                name.as_str()
            )))
        }
    }
}

/// Where a folder or a chunk lies in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub pack: PackId,
    /// The pack must have at least so many bytes.
    pub end: u64,
}

/// What kept a copy from being made.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The backup, or the destination.
    Source(Error),
    /// Where it was to be written.
    Target(io::Error),
}

impl CopyError {
    /// The error for a caller to whom both are the same job.
    pub(crate) fn explain(self, writing: &'static str) -> Error {
        match self {
            Self::Source(error) => error,
            Self::Target(source) => Error::Io {
                doing: writing,
                source,
            },
        }
    }
}

fn write_batches(
    batches: &Receiver<Result<Vec<Bytes>, Error>>,
    target: &mut dyn Write,
) -> Result<(), CopyError> {
    for batch in batches {
        for chunk in batch.map_err(CopyError::Source)? {
            target.write_all(&chunk).map_err(CopyError::Target)?;
        }
    }
    Ok(())
}

fn damaged(detail: String) -> Error {
    Error::Damaged {
        backup: None,
        detail,
    }
}
