//! Reading the databases of other programs while these go on: as they are at one moment, without holding a writer up
//! for long, and without writing into them or beside them. What kind of file it is, is told by its header.

mod begin;
mod check;
mod connect;
mod copy;
mod held;
mod in_use;
#[cfg(any(not(target_os = "linux"), test))]
mod locks;
mod pages;
mod reader;
#[cfg(test)]
mod tests;
mod token;

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub(crate) use check::{Proof, Soundness, check_integrity, soundness};
pub(crate) use connect::open_immutable;
pub(crate) use copy::CopyFolder;
#[cfg(unix)]
pub(crate) use held::database_of;
pub(crate) use held::{Guarded, Identity, PlainFile, identity};
pub(crate) use in_use::holders;
pub(crate) use reader::PageReader;
pub(crate) use token::ChangeToken;

/// What every SQLite file begins with.
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How the names of what SQLite keeps beside a database end: it would apply them to another one in its place.
pub(crate) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// How long the header of a SQLite file is.
const HEADER: usize = 100;

/// What came of beginning to read a database.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Its pages can be read; the files beside it are folded in.
    Pages(Box<PageReader>),
    /// SQLite cannot read it: nothing is lost where it and `beside` (its log or journal) are stored as the files they are.
    Plain {
        why: Plain,
        beside: Vec<PathBuf>,
    },
    /// It cannot be read now.
    Unread(Unread),
    Canceled,
}

/// Why a file is stored as it is, though it begins like a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Its header lies, or it is encrypted or cut: with SQLite's words.
    NotADatabase(String),
    /// A program ended in the middle of a transaction. Only a writer may roll it back, and together the two files are
    /// what any SQLite mends when it opens them.
    HotJournal,
    /// Its log holds changes, and cannot be read in a folder that cannot be written to.
    LogOutOfReach,
}

impl fmt::Display for Plain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADatabase(why) => {
                write!(out, "stored as it is: it begins like a database and is none ({why})")
            }
            Self::HotJournal => out.write_str(
                "stored with its journal: a program ended in the middle of a change, which SQLite mends when it is opened",
            ),
            Self::LogOutOfReach => out.write_str(
                "stored with its log: SQLite cannot read the log in a folder that cannot be written to",
            ),
        }
    }
}

/// Why a database could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Another program keeps it locked.
    InUse,
    /// Another program changed it faster than it could be read.
    KeepsChanging,
    Failed(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => out.write_str("another program keeps this database locked"),
            Self::KeepsChanging => {
                out.write_str("this database changed faster than it could be read")
            }
            Self::Failed(why) => write!(out, "this database could not be read: {why}"),
        }
    }
}

/// Whether a file that begins with these bytes is to be read as a database.
pub(crate) fn is_database(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// `path` with `suffix` behind its name: `-wal`, `-shm` or `-journal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The log and the journal of a database that hold something.
pub(crate) fn companions(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for suffix in ["-wal", "-journal"] {
        let path = beside(path, suffix);
        if filled(&path)? {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a file is there and not empty: SQLite takes an empty log or journal for none.
fn filled(path: &Path) -> io::Result<bool> {
    Ok(size(path)?.is_some_and(|size| size > 0))
}

/// How large a file beside a database is. What is no file (a pipe, a folder) is an error: to open it might never end.
fn size(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
        Ok(_) => Err(io::Error::other(
            "what lies beside it in the place of its log is no file",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first bytes of a file, as many as there are.
fn head(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(most);
    if size(path)?.is_none() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = PlainFile::open(path, || File::open(path))?;
    file.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a header says that its database has a write-ahead log.
fn says_wal(header: &[u8]) -> bool {
    header
        .get(18..20)
        .is_some_and(|versions| versions.contains(&2))
}
