//! Whether a program has a database in use, told by SQLite's locks: for where the operating system does not say.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::{Guarded, HEADER, beside, companions, head, is_database, says_wal, size};

/// Whether SQLite cannot have `path`, or a database under it, for itself. Links are not followed.
pub(super) fn any_locked(path: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_file() {
        return is_locked(path);
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            if any_locked(&entry?.path())? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Asks for every lock on a database, and gives them back. Nothing is written: neither is a log brought into the file, nor
/// a journal rolled back.
fn is_locked(path: &Path) -> io::Result<bool> {
    let header = head(path, HEADER)?;
    if !is_database(&header) {
        return Ok(false);
    }
    let index = size(&beside(path, "-shm"))?.is_some();
    if says_wal(&header) && !index && companions(path)?.is_empty() {
        return Ok(false);
    }
    let verdict = read_lock(path).and_then(|()| write_lock(path));
    match verdict {
        Ok(()) => Ok(false),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(true),
            // A program ended in the middle of a transaction; or it is no database, or one that cannot be written to.
            Some(ErrorCode::ReadOnly | ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Ok(false)
            }
            _ => Err(io::Error::other(error)),
        },
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Guarded<Connection>, rusqlite::Error> {
    let connection = Guarded::open(path, || Connection::open_with_flags(path, flags))?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// Fails where a journal would have to be rolled back, which a writer would do.
fn read_lock(path: &Path) -> Result<(), rusqlite::Error> {
    let reader = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let read: Result<i64, _> = reader.query_row("PRAGMA page_count", [], |row| row.get(0));
    match read {
        Err(error)
            if error
                .sqlite_error()
                .is_some_and(|error| error.extended_code == ffi::SQLITE_READONLY_ROLLBACK) =>
        {
            Err(error)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(error),
        _ => Ok(()),
    }
}

fn write_lock(path: &Path) -> Result<(), rusqlite::Error> {
    let writer = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    writer.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK;")
}
