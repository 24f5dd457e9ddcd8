//! A restore as a transaction: staged beside the library, every byte proven, then swapped by rename with a journal.
//! What it replaces is kept. Up to the swap it can be cancelled and nothing has ever changed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use chrono::Utc;
use sha2::{Digest, Sha256};

use crate::backup::{LIBRARY_FILE, hex};
use crate::destination::{BackupRecord, Content, Details, Session};
use crate::durable::{create_private_folder, sync_folder};
use crate::journal::{self, Incoming, Swap};
use crate::library::{Inspected, Library, LibraryFacts, inspect};
use crate::undo::{self, UndoNote};
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Error, Watch};

/// Written between two syncs, so that a cancel never waits for more than this to reach the disk.
const SYNC_EVERY: u64 = 16 * 1024 * 1024;
/// Left free on the disk of the library while a restore runs.
const SPARE: u64 = 16 * 1024 * 1024;

/// What a restore would do, before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct RestorePreview {
    pub record: BackupRecord,
    /// The library as it is now.
    pub library: LibraryFacts,
    /// Items of the library that were stored after the backup was taken.
    pub newer: u64,
    /// The names of the newest of them.
    pub newer_names: Vec<String>,
    pub needed_bytes: u64,
    pub free_bytes: u64,
    pub parts: Vec<crate::PartPreview>,
    /// The program that has what is to be replaced open; the restore waits until it has quit.
    pub in_use_by: Option<String>,
}

/// The space a restore of this size needs beside the library, checked. Returns (needed, free).
pub(crate) fn space(data_dir: &Path, bytes: u64) -> Result<(u64, u64), Error> {
    let free = fs4::available_space(data_dir).map_err(Error::io("asking for free space"))?;
    Ok((bytes.saturating_add(SPARE), free))
}

pub(crate) struct Restore<'a> {
    pub data_dir: &'a Path,
    pub library: &'a Library,
    pub id: &'a BackupId,
    pub watch: &'a Watch,
}

impl Restore<'_> {
    /// Replaces the library with the backup whose record is `details`.
    pub(crate) fn run(
        &self,
        session: Session,
        details: &Details,
        tree: Tree,
    ) -> Result<Outcome<()>, Error> {
        self.check_version(details)?;
        let (needed, free) = space(self.data_dir, details.library.bytes)?;
        if free < needed {
            return Err(Error::NoSpace { needed, free });
        }
        self.watch.expect(details.library.bytes);
        remove_staging(self.data_dir)?;
        let outcome = match self.stage(session, details, tree) {
            Ok(Outcome::Completed(())) => self.swap(),
            other => other,
        };
        // What was staged belongs to a swap that could not be taken back, as long as there is one.
        if !matches!(outcome, Ok(Outcome::Completed(()))) && !journal::is_pending(self.data_dir)? {
            remove_staging(self.data_dir)?;
        }
        outcome
    }

    fn check_version(&self, details: &Details) -> Result<(), Error> {
        if details.format > Details::FORMAT {
            return Err(Error::NewerLayout {
                found: details.format,
                known: Details::FORMAT,
            });
        }
        let (found, known) = (details.library.schema, crate::library::SCHEMA);
        if found > known {
            Err(Error::NewerLibrary { found, known })
        } else {
            Ok(())
        }
    }

    fn stage(&self, session: Session, details: &Details, tree: Tree) -> Result<Outcome<()>, Error> {
        self.watch.enter(Phase::Staging);
        let folder = journal::staged(self.data_dir);
        create_private_folder(&folder).map_err(Error::io("making room for staging"))?;
        let staged = folder.join(LIBRARY_FILE);
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&staged)
            .map_err(|error| self.staging_failed(error, details.library.bytes))?;
        let mut writer = StagedFile {
            file,
            hash: Sha256::new(),
            written: 0,
            unsynced: 0,
            watch: self.watch,
            error: None,
        };
        let read = read_backup(session, tree, &mut writer);
        if self.watch.is_canceled() {
            return Ok(Outcome::Canceled);
        }
        if let Some(error) = writer.error.take() {
            return Err(self.staging_failed(error, details.library.bytes));
        }
        read?;
        let hash = hex(&writer.hash.finalize());
        let other = |sha256: &String| *sha256 != hash;
        if writer.written != details.library.bytes
            || details.library.sha256.as_ref().is_some_and(other)
        {
            let detail = "what was read is not what was stored".to_owned();
            return Err(Error::Repository(detail));
        }
        let synced = writer.file.sync_all().and_then(|()| sync_folder(&folder));
        synced.map_err(|error| self.staging_failed(error, details.library.bytes))?;
        self.watch.enter(Phase::Verifying);
        match inspect(&staged, self.watch)? {
            Inspected::Sound => Ok(Outcome::Completed(())),
            Inspected::Canceled => Ok(Outcome::Canceled),
        }
    }

    fn staging_failed(&self, error: io::Error, bytes: u64) -> Error {
        match (error.kind(), space(self.data_dir, bytes)) {
            (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, Ok((needed, free))) => {
                Error::NoSpace { needed, free }
            }
            _ => Error::Io {
                doing: "staging the backup",
                source: error,
            },
        }
    }

    fn swap(&self) -> Result<Outcome<()>, Error> {
        if !self.watch.begin_commit() {
            return Ok(Outcome::Canceled);
        }
        let (assets, bytes) = counts(self.library);
        let note = UndoNote {
            backup: self.id.to_string(),
            restored: Utc::now(),
            assets,
            bytes,
            undone: false,
        };
        replace(self.data_dir, self.library, Incoming::Staged, &note).map(Outcome::Completed)
    }
}

/// Brings back what the last restore replaced.
pub(crate) fn undo(
    data_dir: &Path,
    library: &Library,
    watch: &Watch,
) -> Result<Outcome<()>, Error> {
    let kept = undo::current(data_dir)?.ok_or(Error::NothingToUndo)?;
    if !watch.begin_commit() {
        return Ok(Outcome::Canceled);
    }
    let (assets, bytes) = counts(library);
    let note = UndoNote {
        assets,
        bytes,
        undone: true,
        ..kept.note
    };
    replace(data_dir, library, Incoming::Kept(kept.number), &note).map(Outcome::Completed)
}

/// What is about to be replaced, as far as it can be read: a damaged library is replaced and kept like a sound one.
fn counts(library: &Library) -> (u64, u64) {
    library
        .facts()
        .map_or((0, 0), |facts| (facts.assets, facts.bytes))
}

/// Puts what comes in the library's place and keeps what was there.
fn replace(
    data_dir: &Path,
    library: &Library,
    incoming: Incoming,
    note: &UndoNote,
) -> Result<(), Error> {
    let keep = undo::next_number(data_dir)?;
    library.replace(|| Swap { incoming, keep }.commit(data_dir, note))?;
    undo::remove_older(data_dir);
    Ok(())
}

/// Settles a swap that broke off in this process and could not be taken back then.
pub(crate) fn settle_pending(data_dir: &Path, library: &Library) -> Result<(), Error> {
    if journal::is_pending(data_dir)? {
        library.replace(|| journal::settle(data_dir))?;
    }
    Ok(())
}

/// Removes what an interrupted restore staged. To be called only when no swap is pending.
pub(crate) fn remove_staging(data_dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(data_dir.join("restore")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::io("removing what an interrupted restore left")),
    }
}

pub(crate) type Tree = rustic_core::TreeId;

fn read_backup(session: Session, tree: Tree, writer: &mut StagedFile) -> Result<(), Error> {
    let content = Content::open(session)?;
    let node = content.find(&tree, Path::new(LIBRARY_FILE))?;
    let chunks = node.and_then(|node| node.content);
    let chunks = chunks.ok_or_else(|| Error::Damaged {
        backup: None,
        detail: "the library is missing in it".into(),
    })?;
    let copied = content.copy(&chunks, writer);
    copied.map_err(|error| error.explain("staging the backup"))
}

/// The staged file: hashed, counted and synced while it is written.
struct StagedFile<'a> {
    file: File,
    hash: Sha256,
    written: u64,
    unsynced: u64,
    watch: &'a Watch,
    /// A failure of this disk, which is not one of the backup.
    error: Option<io::Error>,
}

impl StagedFile<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.written += count as u64;
        self.unsynced += count as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        self.watch.advance(count as u64);
        Ok(count)
    }
}

impl Write for StagedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        self.take(bytes).inspect_err(|error| {
            let copy = error
                .raw_os_error()
                .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.error.get_or_insert(copy);
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
