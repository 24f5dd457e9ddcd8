//! The libraries of backups as files of their own, so that SQLite can read them: written once, at most two, gone when the
//! engine ends or starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::opened::Opened;
use crate::backup::{LIBRARY_FILE, hex};
use crate::destination::{CopyError, Part};
use crate::durable::{create_private_folder, remove_if_there};
use crate::library::{APPLICATION_ID, SCHEMA, immutable_uri};
use crate::{Error, restore};

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
    /// Errors: `NoSpace`, `Damaged`, `NewerLibrary`.
    pub(super) fn of(&self, backup: &Opened) -> Result<Arc<Scratch>, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let sha256 = &backup.details.library.sha256;
        let place = kept.libraries.iter().position(|one| one.sha256 == *sha256);
        let library = match place {
            Some(place) => kept.libraries.remove(place),
            None => {
                let excess = (kept.libraries.len() + 1).saturating_sub(KEPT);
                kept.libraries.drain(..excess);
                kept.number += 1;
                Arc::new(self.write(backup, kept.number)?)
            }
        };
        kept.libraries.push(library.clone());
        Ok(library)
    }

    fn write(&self, backup: &Opened, number: u64) -> Result<Scratch, Error> {
        let (needed, free) = restore::space(&self.data_dir, backup.details.library.bytes)?;
        if free < needed {
            return Err(Error::NoSpace { needed, free });
        }
        let folder = self.data_dir.join("browse");
        create_private_folder(&folder).map_err(Error::io("making room to read a library"))?;
        // From here on the file is removed again on any end.
        let scratch = Scratch {
            sha256: backup.details.library.sha256.clone(),
            path: folder.join(format!("{number}.db")),
        };
        let sha256 = copy(backup, &scratch.path).map_err(|error| match error {
            CopyError::Target(error) if error.kind() == io::ErrorKind::StorageFull => {
                Error::NoSpace { needed, free }
            }
            error => error.explain("writing a library in order to read it"),
        })?;
        if sha256 != scratch.sha256 {
            return Err(damaged("what was read is not the library that was stored"));
        }
        scratch.open()?;
        Ok(scratch)
    }
}

/// A library of a backup, proven to be what was stored.
#[derive(Debug)]
pub(super) struct Scratch {
    sha256: String,
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

/// Writes the library of a backup into a file. Returns the hash of what was written.
fn copy(backup: &Opened, path: &Path) -> Result<String, CopyError> {
    let node = backup.content(Part::Databases).and_then(|content| {
        let root = backup.roots.databases;
        let root = root.ok_or_else(|| damaged("it has no folder"))?;
        let node = content.find(&root, Path::new(LIBRARY_FILE))?;
        let chunks = node.and_then(|node| node.content);
        let chunks = chunks.ok_or_else(|| damaged("the library is missing in it"))?;
        Ok((content, chunks))
    });
    let (content, chunks) = node.map_err(CopyError::Source)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = Hashed {
        file: options.open(path).map_err(CopyError::Target)?,
        hash: Sha256::new(),
    };
    content.copy(&chunks, &mut target)?;
    Ok(hex(&target.hash.finalize()))
}

struct Hashed {
    file: File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns who wrote it and its schema too.
fn open(path: &Path) -> rusqlite::Result<(Connection, i64, i64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let library = Connection::open_with_flags(immutable_uri(path), flags)?;
    library.execute_batch("PRAGMA trusted_schema = OFF")?;
    let number = |pragma: &str| library.query_row(pragma, [], |row| row.get(0));
    let application = number("PRAGMA application_id")?;
    let schema = number("PRAGMA user_version")?;
    Ok((library, application, schema))
}

/// Removes a folder of ours with all that is in it; one that is not there is as good as removed.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::io("removing what was left in the data folder")),
    }
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
