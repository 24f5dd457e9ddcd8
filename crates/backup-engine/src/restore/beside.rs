//! What lies beside a database: SQLite would apply it to another one in its place.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};

use super::dir::Dir;
use super::seen::{Kind, Seen};
use crate::database::{COMPANIONS, MAGIC};

/// What lies beside an entry of this name as its logs would, if it is a database. SQLite follows a link there; a folder is
/// somebody's own, whatever its name is.
pub(crate) fn beside(folder: &Dir, name: &OsStr) -> io::Result<Vec<(OsString, Seen)>> {
    let mut there = Vec::new();
    for ending in COMPANIONS {
        let mut companion = name.to_owned();
        companion.push(ending);
        match folder.look(&companion) {
            Ok(seen) => {
                let log = seen.filter(|seen| matches!(seen.kind, Kind::File | Kind::Link));
                there.extend(log.map(|seen| (companion, seen)));
            }
            // No file system has a file of that name.
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {}
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}

/// Whether an entry is a file that begins like a database. One that may not be read is taken for one: to take a log away
/// from a database is safe, and to leave it is not.
pub(crate) fn is_database(folder: &Dir, name: &OsStr) -> io::Result<bool> {
    if folder
        .look(name)?
        .is_none_or(|seen| seen.kind != Kind::File)
    {
        return Ok(false);
    }
    let mut file = match folder.read_file(name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
        file => file?,
    };
    let mut start = [0; MAGIC.len()];
    match file.read_exact(&mut start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| start == *MAGIC),
    }
}
