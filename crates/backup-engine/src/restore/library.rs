//! The library's own file in a restore: staged as a folder that takes the place of the library's. What its file has
//! already is read from there, and the rest fetched.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;

use super::Restore;
use super::chunks::{Chunk, Zeros, chunks_of, there_in, total};
use super::stage::STAGING;
use super::staged_file::StagedFile;
use super::tree::damaged;
use super::{PartPreview, plan::canceled};
use crate::Error;
use crate::backup::LIBRARY_FILE;
use crate::database::PlainFile;
use crate::destination::Part;
use crate::durable::{create_private_folder, sync_folder};
use crate::failpoint::failpoint;
use crate::journal;
use crate::library::{Inspected, Library, inspect, recognise};
use crate::watch::Phase;

pub(super) struct LibraryPlan {
    chunks: Vec<Chunk>,
}

impl LibraryPlan {
    pub(super) fn new(restore: &Restore) -> Result<Self, Error> {
        let missing = || damaged("the library is missing in it");
        let found = restore.contents.find(Path::new(LIBRARY_FILE))?;
        let wanted = found
            .filter(|wanted| wanted.node.is_file())
            .ok_or_else(missing)?;
        let chunks = chunks_of(&wanted.node, restore.contents.of(Part::Databases)?)?;
        // Each chunk is proven by its id, and their order by that of the tree, which the record names.
        if total(&chunks) == restore.details.library.bytes {
            Ok(Self { chunks })
        } else {
            Err(damaged(
                "the library in it is not as long as its record says",
            ))
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        total(&self.chunks)
    }

    /// What would be fetched. Its items are compared elsewhere.
    pub(super) fn preview(&self, restore: &Restore) -> PartPreview {
        let there = file_of(restore.library)
            .and_then(|file| there_in(&file, &self.chunks, restore.watch).ok());
        let there = there.unwrap_or_else(|| vec![false; self.chunks.len()]);
        let fetched = self.chunks.iter().zip(there).filter(|(_, there)| !there);
        PartPreview {
            source: super::target::LIBRARY_ID.into(),
            moved_to: None,
            added: 0,
            changed: 0,
            removed: 0,
            fetched_bytes: fetched.map(|(chunk, _)| chunk.length).sum(),
            examples: Vec::new(),
        }
    }

    /// Writes it to the folder that will be the library's, and proves it to be a library.
    pub(super) fn stage(&self, restore: &Restore, zeros: &Zeros) -> Result<(), Error> {
        let folder = journal::staged(restore.data_dir);
        create_private_folder(&folder).map_err(STAGING)?;
        let staged = folder.join(LIBRARY_FILE);
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        let file = options.open(&staged).map_err(STAGING)?;
        self.fill(restore, &file, zeros)?;
        restore.watch.enter(Phase::Verifying);
        let sync = || {
            failpoint("restore-sync-library")?;
            file.sync_all()?;
            sync_folder(&folder)
        };
        // The disk and the processor are busy with it at the same time.
        let (synced, inspected) = thread::scope(|scope| {
            let syncing = scope.spawn(sync);
            let inspected = if restore.is_rehearsed() {
                recognise(&staged).map(|()| Inspected::Sound)
            } else {
                inspect(&staged, restore.watch)
            };
            let panicked = |_| Err(io::Error::other("the thread that syncs it broke down"));
            (syncing.join().unwrap_or_else(panicked), inspected)
        });
        synced.map_err(STAGING)?;
        match inspected? {
            Inspected::Sound => Ok(()),
            Inspected::Canceled => Err(canceled()),
        }
    }

    fn fill(&self, restore: &Restore, file: &File, zeros: &Zeros) -> Result<(), Error> {
        let staged = StagedFile {
            file,
            chunks: &self.chunks,
            content: restore.contents.of(Part::Databases)?,
            zeros,
            watch: restore.watch,
        };
        staged.fill(file_of(restore.library), None)
    }
}

/// The library's own file, as it lies there: what is in the log is not in it, and each chunk that is read of it is proven.
fn file_of(library: &Library) -> Option<PlainFile> {
    let path = library.file();
    let file = PlainFile::open(path, || File::open(path));
    file.inspect_err(|error| tracing::debug!(%error, "all of the library is fetched"))
        .ok()
}
