//! The libraries of backups as files of their own, so that SQLite can read them: written once, at most two, gone when the
//! engine ends or starts.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rustic_core::DataId;
use sha2::{Digest, Sha256};

use super::opened::Opened;
use crate::backup::LIBRARY_FILE;
use crate::database::open_immutable;
use crate::destination::{Content, CopyError, Part};
use crate::durable::{create_private_folder, remove_folder, remove_if_there};
use crate::hex::hex;
use crate::library::{APPLICATION_ID, SCHEMA};
use crate::watch::Watched;
use crate::{Error, Watch, restore};

/// As many as a comparison needs.
const KEPT: usize = 2;

#[derive(Debug)]
pub(super) struct Scratches {
    data_dir: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The one that was used last comes last.
    libraries: Vec<Arc<Scratch>>,
    /// No two files have the same name, also where one is still read that is not kept any more.
    number: u64,
}

impl Scratches {
    /// Removes what an earlier process left.
    pub(super) fn new(data_dir: &Path) -> Result<Self, Error> {
        remove_folder(&data_dir.join("browse"))?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            kept: Mutex::default(),
        })
    }

    /// The library of a backup. One that has the very same content serves as well.
    ///
    /// Errors: `NoSpace`, `Damaged`, `NewerLibrary`; any where it is cancelled.
    pub(super) fn of(&self, backup: &Opened, watch: &Watch) -> Result<Arc<Scratch>, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (content, chunks) = chunks_of(backup)?;
        let name = name_of(&chunks);
        let place = kept.libraries.iter().position(|one| one.content == name);
        let library = match place {
            Some(place) => kept.libraries.remove(place),
            None => {
                let excess = (kept.libraries.len() + 1).saturating_sub(KEPT);
                kept.libraries.drain(..excess);
                kept.number += 1;
                let bytes = backup.details.library.bytes;
                let path = self.make_room(bytes, kept.number)?;
                // From here on the file is removed again on any end.
                let scratch = Scratch {
                    content: name,
                    path,
                };
                self.write(content, &chunks, &scratch, bytes, watch)?;
                Arc::new(scratch)
            }
        };
        kept.libraries.push(library.clone());
        Ok(library)
    }

    fn make_room(&self, bytes: u64, number: u64) -> Result<PathBuf, Error> {
        let (needed, free) = restore::room(&self.data_dir, bytes)?;
        if free < needed {
            return Err(Error::NoSpace { needed, free });
        }
        let folder = self.data_dir.join("browse");
        create_private_folder(&folder).map_err(Error::io("making room to read a library"))?;
        Ok(folder.join(format!("{number}.db")))
    }

    fn write(
        &self,
        content: &Content,
        chunks: &[DataId],
        scratch: &Scratch,
        bytes: u64,
        watch: &Watch,
    ) -> Result<(), Error> {
        let written = create(&scratch.path)
            .map_err(CopyError::Target)
            .and_then(|into| content.copy(chunks, &mut Watched { into, watch }));
        written.map_err(
            |error| match (error, restore::room(&self.data_dir, bytes)) {
                (CopyError::Target(error), Ok((needed, free)))
                    if error.kind() == io::ErrorKind::StorageFull =>
                {
                    Error::NoSpace { needed, free }
                }
                (error, _) => error.explain("writing a library in order to read it"),
            },
        )?;
        scratch.open().map(drop)
    }
}

/// A library of a backup, proven to be what was stored.
#[derive(Debug)]
pub(super) struct Scratch {
    /// What it consists of.
    content: String,
    path: PathBuf,
}

impl Scratch {
    /// Errors: `Damaged`, `NewerLibrary`.
    pub(super) fn open(&self) -> Result<Connection, Error> {
        match open(&self.path) {
            Ok((_, application, _)) if application != APPLICATION_ID => {
                Err(damaged("its library is none"))
            }
            Ok((_, _, found)) if found > SCHEMA => Err(Error::NewerLibrary {
                found,
                known: SCHEMA,
            }),
            Ok((library, ..)) => Ok(library),
            Err(error) => Err(unreadable(error)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, "a library that was written to be read stays until the next start");
        }
    }
}

/// The chunks that the library of a backup consists of.
fn chunks_of(backup: &Opened) -> Result<(&Content, Vec<DataId>), Error> {
    let content = backup.content(Part::Databases)?;
    let root = backup.roots.databases;
    let root = root.ok_or_else(|| damaged("it has no folder"))?;
    let node = content.find(&root, Path::new(LIBRARY_FILE))?;
    let chunks = node.and_then(|node| node.content);
    let chunks = chunks.ok_or_else(|| damaged("the library is missing in it"))?;
    Ok((content, chunks))
}

/// Whether two backups have the very same library: then it is not even written to be read.
pub(super) fn have_same_library(one: &Opened, other: &Opened) -> Result<bool, Error> {
    let chunks = |backup: &Opened| match chunks_of(backup) {
        Ok((_, chunks)) => Ok(chunks),
        Err(error) => Err(error.naming(&backup.id)),
    };
    Ok(chunks(one)? == chunks(other)?)
}

/// The same for the same content.
fn name_of(chunks: &[DataId]) -> String {
    let mut hash = Sha256::new();
    for chunk in chunks {
        hash.update(chunk.to_hex().as_str());
    }
    hex(&hash.finalize())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Returns who wrote it and its schema too.
fn open(path: &Path) -> rusqlite::Result<(Connection, i64, i64)> {
    let library = open_immutable(path)?;
    let number = |pragma: &str| library.query_row(pragma, [], |row| row.get(0));
    let application = number("PRAGMA application_id")?;
    let schema = number("PRAGMA user_version")?;
    Ok((library, application, schema))
}

/// What SQLite finds wrong with a library that is what was stored.
pub(super) fn unreadable(error: rusqlite::Error) -> Error {
    damaged(&format!("its library does not read: {error}"))
}

fn damaged(detail: &str) -> Error {
    Error::Damaged {
        backup: None,
        detail: detail.to_owned(),
    }
}
