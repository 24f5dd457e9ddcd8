//! The library's own file in a restore: staged as a folder that takes the place of the library's. Pages that the library has
//! already are read from it, in one consistent view, and the others fetched.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;

use super::Restore;
use super::blocks;
use super::chunks::{Chunk, Zeros, chunks_of, there_already, total};
use super::fill::{Fill, LARGE};
use super::local::{Local, LocalFile, LocalPages, Patience};
use super::stage::STAGING;
use super::tree::damaged;
use super::{PartPreview, plan::canceled};
use crate::Error;
use crate::backup::LIBRARY_FILE;
use crate::database::PlainFile;
use crate::destination::Part;
use crate::durable::{create_private_folder, sync_folder};
use crate::failpoint::failpoint;
use crate::journal;
use crate::library::{Inspected, inspect, recognise};
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
        let there = restore
            .library
            .unproven_pages()
            .ok()
            .and_then(|mut pages| there_already(&mut pages, &self.chunks, restore.watch).ok());
        let there = there.unwrap_or_else(|| vec![false; self.chunks.len()]);
        let fetched = self.chunks.iter().zip(there).filter(|(_, there)| !there);
        PartPreview {
            source: super::target::LIBRARY_ID.into(),
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
        let begun = self.begin(restore.library.file(), file)?;
        let count = self.chunks.len();
        let mut local: Box<dyn Local> = match begun {
            Some(_) => Box::new(LocalFile {
                file: Some(file),
                there: None,
                patience: Patience::of(count),
            }),
            None => {
                let pages = restore.library.unproven_pages().inspect_err(
                    |error| tracing::debug!(%error, "all pages of the library are fetched"),
                );
                Box::new(LocalPages::new(pages.ok(), count))
            }
        };
        let content = restore.contents.of(Part::Databases)?;
        let fill = Fill::new(file, content, zeros, restore.watch).begun(begun);
        let filled = fill.run(&self.chunks, &mut *local);
        filled.map_err(|error| error.explain("staging the backup"))
    }

    /// Lets it begin as the library's file is, whatever of the library lies in its log: each chunk is proven.
    fn begin(&self, library: &Path, file: &File) -> Result<Option<u64>, Error> {
        if self.bytes() < LARGE {
            return Ok(None);
        }
        match PlainFile::open(library, || File::open(library)) {
            Ok(library) => blocks::share(&library, file).map_err(STAGING),
            Err(error) => {
                tracing::debug!(%error, "the library is staged without its file");
                Ok(None)
            }
        }
    }
}
