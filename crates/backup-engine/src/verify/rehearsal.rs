//! A rehearsal: everything of a backup is written to this disk, read back, and compared; its databases are checked.
//!
//! The files get numbers for names, so that nothing that a backup says can lead out of the scratch folder. Names, rights
//! and times are proven with the folders that hold them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustic_core::repofile::Node;
use rustic_core::{DataId, TreeId};

use super::{SCRATCH, record};
use crate::backup::LIBRARY_FILE;
use crate::database::{Soundness, soundness};
use crate::destination::{BackupRecord, Content, Details, Part};
use crate::durable::{create_private_folder, remove_folder};
use crate::library::{Inspected, inspect};
use crate::watch::Phase;
use crate::{Engine, Error, Watch, restore};

/// Files in one folder.
const SHELF: u64 = 1_000;
/// Larger files are brought to the disk before they are read back.
const SYNCED: u64 = 1024 * 1024;

pub(super) struct Rehearsal<'a> {
    engine: &'a Engine,
    record: &'a BackupRecord,
    watch: &'a Watch,
    scratch: PathBuf,
}

/// A file of the backup, and where it is written.
struct Scratched<'a> {
    content: &'a Content,
    node: &'a Node,
    in_backup: PathBuf,
    path: PathBuf,
    is_library: bool,
}

impl<'a> Rehearsal<'a> {
    /// Errors: `NoSpace`.
    pub(super) fn new(
        engine: &'a Engine,
        record: &'a BackupRecord,
        watch: &'a Watch,
    ) -> Result<Self, Error> {
        let scratch = engine.data_dir.join(SCRATCH);
        remove_folder(&scratch)?;
        let (needed, free) = restore::room(&engine.data_dir, record.bytes)?;
        if free < needed {
            return Err(Error::NoSpace { needed, free });
        }
        create_private_folder(&scratch).map_err(Error::io("making room for a rehearsal"))?;
        Ok(Self {
            engine,
            record,
            watch,
            scratch,
        })
    }

    /// Returns how many bytes were read. Errors: `Damaged` where the backup cannot be restored whole.
    pub(super) fn run(self) -> Result<u64, Error> {
        let destination = &self.engine.destination;
        let open = |part| -> Result<Content, Error> {
            let session = destination.read(part, self.watch)?;
            let content = Content::open(session.ok_or_else(|| self.gone())?)?;
            Ok(content.noting_damage())
        };
        let databases = open(Part::Databases)?;
        let (snapshot, details) = record::read(destination, &databases, &self.record.id)?;
        details.check_format()?;
        let mut parts = vec![(databases, snapshot.tree)];
        if let Some(id) = self.record.files {
            let files = open(Part::Files)?;
            let tree = files.session().snapshot(&id)?.tree;
            parts.push((files, tree));
        }
        self.watch.enter(Phase::Staging);
        let (mut written, mut found) = (0, false);
        self.each_file(&parts, |file| {
            found |= file.is_library;
            written += self.write(file)?;
            Ok(())
        })?;
        if !found {
            return Err(damaged("the library is missing in it"));
        }
        self.watch.enter(Phase::Verifying);
        self.each_file(&parts, |file| self.read_back(file, &details))?;
        Ok(written)
    }

    fn gone(&self) -> Error {
        Error::UnknownBackup(self.record.id.clone())
    }

    /// All files of all parts, always in the same order.
    fn each_file(
        &self,
        parts: &[(Content, TreeId)],
        mut work: impl FnMut(&Scratched) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut number = 0;
        for (content, root) in parts {
            let mut folders = vec![(PathBuf::new(), *root)];
            let is_databases = content.part() == Part::Databases;
            while let Some((at, folder)) = folders.pop() {
                for node in content.folder(&folder)? {
                    let in_backup = at.join(node.name());
                    if node.is_dir() {
                        let inside = node.subtree;
                        let inside = inside.ok_or_else(|| damaged("a folder has no content"))?;
                        folders.push((in_backup.clone(), inside));
                    }
                    if !node.is_file() {
                        continue;
                    }
                    let shelf = self.scratch.join(format!("{}", number / SHELF));
                    work(&Scratched {
                        content,
                        path: shelf.join(format!("{number}")),
                        is_library: is_databases && folder == *root && node.name == LIBRARY_FILE,
                        node: &node,
                        in_backup,
                    })?;
                    number += 1;
                }
            }
        }
        Ok(())
    }

    fn write(&self, file: &Scratched) -> Result<u64, Error> {
        let doing = "writing a backup in order to prove it";
        if let Some(shelf) = file.path.parent() {
            create_private_folder(shelf).map_err(|error| self.failed(doing, error))?;
        }
        let made = File::options()
            .write(true)
            .create_new(true)
            .open(&file.path);
        let mut target = Watched {
            file: made.map_err(|error| self.failed(doing, error))?,
            written: 0,
            watch: self.watch,
        };
        let copied = file.content.copy(chunks(file.node), &mut target);
        copied.map_err(|error| match error {
            crate::destination::CopyError::Target(error) => self.failed(doing, error),
            source => source.explain(doing),
        })?;
        if target.written >= SYNCED {
            let synced = target.file.sync_all();
            synced.map_err(|error| self.failed(doing, error))?;
        }
        Ok(target.written)
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> Error {
        match (
            source.kind(),
            restore::room(&self.scratch, self.record.bytes),
        ) {
            (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, Ok((needed, free))) => {
                Error::NoSpace { needed, free }
            }
            _ => Error::Io { doing, source },
        }
    }

    fn read_back(&self, file: &Scratched, details: &Details) -> Result<(), Error> {
        let doing = "reading back what was written in order to prove it";
        let read = self.compare(file).map_err(Error::io(doing))?;
        if file.is_library {
            let library = &details.library;
            if read != library.bytes {
                return Err(damaged("its library is not what was stored"));
            }
            if inspect(&file.path, self.watch)? == Inspected::Canceled {
                return Err(cancelled());
            }
        } else if file.content.part() == Part::Databases
            && !details.is_known_unsound(&file.in_backup)
        {
            self.check_database(&file.path)?;
        }
        Ok(())
    }

    /// Returns the length of the whole file. Errors: it is not what was written, or cannot be read.
    fn compare(&self, file: &Scratched) -> io::Result<u64> {
        let mut source = File::open(&file.path)?;
        let (mut bytes, mut buffer) = (0, Vec::new());
        for id in chunks(file.node) {
            if self.watch.is_canceled() {
                return Err(io::Error::other("cancelled"));
            }
            let length = file.content.chunk_bytes(id).map_err(io::Error::other)?;
            buffer.clear();
            (&mut source).take(length).read_to_end(&mut buffer)?;
            if !id.blob_matches_reader(length, &mut buffer.as_slice()) {
                return Err(io::Error::other("it is not what was written"));
            }
            bytes += buffer.len() as u64;
            self.watch.advance(length);
        }
        match source.read(&mut [0])? {
            0 => Ok(bytes),
            _ => Err(io::Error::other("it is longer than what was written")),
        }
    }

    /// SQLite's verdict. What it cannot judge, because a program has added to it what this SQLite does not know, is not
    /// damage.
    fn check_database(&self, path: &Path) -> Result<(), Error> {
        match soundness(path, self.watch) {
            Soundness::Canceled => Err(cancelled()),
            Soundness::Sound => Ok(()),
            Soundness::Damaged(verdict) => {
                tracing::warn!(%verdict, "a database in a backup is not sound");
                Err(damaged("a database in it is not sound"))
            }
            // Nothing was proven, and a restore would not ask again.
            Soundness::Unchecked(why) => {
                let doing = "checking a database in order to prove it";
                Err(Error::io(doing)(io::Error::other(why)))
            }
            Soundness::Unjudged(why) => {
                tracing::info!(%why, "a database in a backup cannot be checked here");
                Ok(())
            }
        }
    }
}

impl Drop for Rehearsal<'_> {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.scratch) {
            tracing::warn!(%error, "what a rehearsal wrote stays until the next start");
        }
    }
}

fn chunks(node: &Node) -> &[DataId] {
    node.content.as_deref().unwrap_or_default()
}

struct Watched<'a> {
    file: File,
    written: u64,
    watch: &'a Watch,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        self.watch.advance(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn cancelled() -> Error {
    Error::Repository("cancelled".into())
}

fn damaged(detail: &str) -> Error {
    Error::Damaged {
        backup: None,
        detail: detail.to_owned(),
    }
}
