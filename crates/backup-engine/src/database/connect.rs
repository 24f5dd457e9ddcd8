//! Connections that only read a database, and what SQLite's refusals mean for a backup.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::ffi;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Begun, Guarded, Plain, Unread, companions};
use crate::Watch;

/// How long SQLite itself waits for a lock, between two looks at the cancel flag.
const WAIT: Duration = Duration::from_millis(50);

/// A connection as every program would open it, but for reading alone. `path` is absolute.
pub(super) fn open(path: &Path) -> Result<Guarded<Connection>, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Guarded::open(path, || careful(Connection::open_with_flags(path, flags)?))
}

/// A connection to a file that nobody writes: no log or lock is looked at, none is held, and nothing is made beside it.
pub(crate) fn open_immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    careful(Connection::open_with_flags(immutable_uri(path), flags)?)
}

/// What the schema of a file from outside says is never run. A small cache: every page is read once. The file is never
/// mapped into memory, where cutting it would end this process.
fn careful(connection: Connection) -> Result<Connection, rusqlite::Error> {
    connection.busy_timeout(WAIT)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0; PRAGMA cache_size = -256;",
    )?;
    Ok(connection)
}

/// Every byte that a URI would read is encoded, also those that are no UTF-8.
fn immutable_uri(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    if cfg!(windows) {
        uri.push('/');
    }
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                uri.push(char::from(*byte));
            }
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

/// Why reading broke off.
#[derive(Debug)]
pub(super) enum Trouble {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    /// What was read does not belong together: it was changed meanwhile.
    Changed,
    Canceled,
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Trouble {
    /// Whether SQLite cannot make what it needs beside the file to read its log.
    pub(super) fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
        ) && extended(error) != Some(ffi::SQLITE_READONLY_ROLLBACK))
    }

    /// As the error of a reader in the middle of its database.
    pub(super) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            Self::Changed => io::Error::other(Unread::KeepsChanging.to_string()),
            Self::Canceled => io::Error::other("cancelled"),
            Self::Sqlite(error) if is_busy(&error) => io::Error::other(Unread::InUse.to_string()),
            Self::Sqlite(error) => io::Error::other(error),
        }
    }

    /// What it means for a backup.
    pub(super) fn explain(self, path: &Path) -> Begun {
        let plain = |why| match companions(path) {
            Ok(beside) => Begun::Plain { why, beside },
            Err(error) => Begun::Unread(Unread::Failed(error.to_string())),
        };
        match self {
            Self::Canceled => Begun::Canceled,
            Self::Changed => Begun::Unread(Unread::KeepsChanging),
            Self::Io(error) => Begun::Unread(Unread::Failed(error.to_string())),
            Self::Sqlite(error) if is_busy(&error) => Begun::Unread(Unread::InUse),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                    plain(Plain::NotADatabase(error.to_string()))
                }
                _ if extended(&error) == Some(ffi::SQLITE_READONLY_ROLLBACK) => {
                    plain(Plain::HotJournal)
                }
                _ => Begun::Unread(Unread::Failed(error.to_string())),
            },
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn extended(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// How long a journal that waits to be rolled back may be one that its program is just rolling back: between two looks of
/// SQLite's it seems to be nobody's.
const ROLLING_BACK: Duration = Duration::from_millis(500);

/// Does `work` again as long as another program holds a lock, until `patience` is over or the job is cancelled.
pub(super) fn patiently<T>(
    watch: &Watch,
    patience: Duration,
    mut work: impl FnMut() -> Result<T, rusqlite::Error>,
) -> Result<T, Trouble> {
    let started = Instant::now();
    loop {
        if watch.is_canceled() {
            return Err(Trouble::Canceled);
        }
        match work() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < patience => {}
            Err(error)
                if extended(&error) == Some(ffi::SQLITE_READONLY_ROLLBACK)
                    && started.elapsed() < patience.min(ROLLING_BACK) =>
            {
                // SQLite waits for locks by itself, but not for this.
                std::thread::sleep(ROLLING_BACK / 50);
            }
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn any_name_can_be_opened_immutably() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for name in [
            &b"a?immutable=0&b#c %41.db"[..],
            b"\xff\xfe.db",
            "ümlaut.db".as_bytes(),
        ] {
            let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
            Connection::open(&path)
                .unwrap()
                .execute_batch("PRAGMA user_version = 7")
                .unwrap();
            let connection = open_immutable(&path).unwrap();
            let version: i64 = connection
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .unwrap();
            assert_eq!(version, 7);
        }
    }
}
