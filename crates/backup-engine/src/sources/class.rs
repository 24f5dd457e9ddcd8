//! What a regular file is: a SQLite database by its header, or any other file; and how files of a source are opened.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::unread::REPLACED;

const HEADER: &[u8; 16] = b"SQLite format 3\0";
const SMALLEST_PAGE: u64 = 512;

/// What an entry of a source is to a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    File,
    /// A regular file whose beginning could not be read: it may be a database.
    Unrecognised,
    Database,
    /// A log or an index of the database beside it, without meaning on its own.
    DatabaseCompanion,
    Folder,
    Link,
    /// A fifo, a socket or a device.
    Special,
}

/// The path (in bytes) of the database that a file at this path would belong to.
pub(super) fn companion_of(path: &Path) -> Option<&[u8]> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let suffixes = [&b"-wal"[..], b"-shm", b"-journal"];
    suffixes
        .iter()
        .find_map(|suffix| bytes.strip_suffix(*suffix))
}

/// Whether a regular file of this size is a SQLite database. Nothing is opened whose size rules it out.
pub(super) fn is_database(path: &Path, size: u64) -> io::Result<bool> {
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
    let mut header = [0; HEADER.len()];
    match file.read_exact(&mut header) {
        Ok(()) => Ok(&header == HEADER),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading. A link in its place is not followed, and a fifo is not waited for.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
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
    let file = options.open(path)?;
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
            let mut content = HEADER.to_vec();
            content.resize(size, b'x');
            content
        };
        assert!(made("smallest", &with_header(512)));
        assert!(made("larger", &with_header(512 * 9)));
        assert!(!made("text of 512 bytes", &[b'a'; 512]));
        assert!(!made("the header alone", HEADER));
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
