//! What a regular file is: a SQLite database by its header, or any other file; and how files of a source are opened.

use std::collections::HashSet;
use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::unread::REPLACED;
use crate::database::{MAGIC, PlainFile, database_of};

const SMALLEST_PAGE: u64 = 512;

/// What an entry of a source is to a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    File,
    /// A regular file whose beginning could not be read: it may be a database.
    Unrecognised,
    Database,
    /// A log or an index of the database beside it, without meaning on its own.
    DatabaseCompanion,
    /// The same, of what may be a database: it may be a file with such a name, too.
    UnrecognisedCompanion,
    Folder,
    Link,
    /// A fifo, a socket or a device.
    Special,
}

/// Tells what entries are. A folder's are asked about in the order of their names, so that a database comes before what
/// belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// The paths of the databases that were met.
    databases: HashSet<PathBuf>,
    /// Of what may be one.
    unrecognised: HashSet<PathBuf>,
}

impl Classes {
    pub(crate) fn class_of(
        &mut self,
        relative: &Path,
        absolute: &Path,
        metadata: &Metadata,
    ) -> Class {
        let kind = metadata.file_type();
        if kind.is_dir() {
            return Class::Folder;
        }
        if kind.is_symlink() {
            return Class::Link;
        }
        if !kind.is_file() {
            return Class::Special;
        }
        if let Some(companion) = self.companion(relative, absolute) {
            return companion;
        }
        let (class, kept) = match is_database(absolute, metadata.len()) {
            Ok(true) => (Class::Database, &mut self.databases),
            Ok(false) => return Class::File,
            // Reading it will say why, unless an earlier backup has it.
            Err(_) => (Class::Unrecognised, &mut self.unrecognised),
        };
        kept.insert(relative.to_owned());
        class
    }

    /// Also one of a database that the walk leaves out: restored by itself, SQLite would apply it to what is there then.
    fn companion(&self, relative: &Path, absolute: &Path) -> Option<Class> {
        let of = |path: &Path| database_of(path.as_os_str()).map(PathBuf::from);
        let (relative, absolute) = (of(relative)?, of(absolute)?);
        if self.databases.contains(&relative) {
            return Some(Class::DatabaseCompanion);
        }
        if self.unrecognised.contains(&relative) {
            return Some(Class::UnrecognisedCompanion);
        }
        match is_database_there(&absolute) {
            Ok(true) => Some(Class::DatabaseCompanion),
            Ok(false) => None,
            Err(_) => Some(Class::UnrecognisedCompanion),
        }
    }
}

/// Whether a database is there. Errors: a file is there of which nobody can tell.
fn is_database_there(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => is_database(path, there.len()),
        Ok(_) | Err(_) => Ok(false),
    }
}

/// Whether a regular file of this size is a SQLite database. Nothing is opened whose size rules it out.
fn is_database(path: &Path, size: u64) -> io::Result<bool> {
    if !may_be_database(size) {
        return Ok(false);
    }
    begins_as_database(&mut open_regular(path)?)
}

pub(super) fn may_be_database(size: u64) -> bool {
    size >= SMALLEST_PAGE && size.is_multiple_of(SMALLEST_PAGE)
}

/// Reads the header.
pub(super) fn begins_as_database(file: &mut impl Read) -> io::Result<bool> {
    let mut header = [0; MAGIC.len()];
    match file.read_exact(&mut header) {
        Ok(()) => Ok(&header == MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading. A link in its place is not followed, and a fifo is not waited for.
pub(crate) fn open_regular(path: &Path) -> io::Result<PlainFile> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits());
    }
    #[cfg(windows)]
    {
        const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, OPEN_REPARSE_POINT);
    }
    let file = PlainFile::open(path, || options.open(path))?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other(REPLACED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_a_header_in_a_file_of_pages_makes_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            is_database(&path, content.len() as u64).unwrap()
        };
        let with_header = |size: usize| {
            let mut content = MAGIC.to_vec();
            content.resize(size, b'x');
            content
        };
        assert!(made("smallest", &with_header(512)));
        assert!(made("larger", &with_header(512 * 9)));
        assert!(!made("text of 512 bytes", &[b'a'; 512]));
        assert!(!made("the header alone", MAGIC));
        assert!(!made("no whole page", &with_header(513)));
        assert!(!made("empty", b""));
        assert!(!made(
            "almost",
            &[b"SQLite format 2\0".to_vec(), vec![0; 496]].concat()
        ));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_neither_followed_nor_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| folder.path().join(name));
        fs::write(&file, [0; 512]).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(is_database(&link, 512).is_err());
        assert!(is_database(&fifo, 512).is_err());
        assert!(is_database(folder.path(), 512).is_err());
        assert!(!is_database(&file, 512).unwrap());
    }
}
