//! The connections to the library's file.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::prepare;
use crate::Error;
use crate::database::Guarded;

#[derive(Debug)]
pub(super) struct Connections {
    /// First, so that they are closed first: the last connection brings the log into the file, which a reader cannot.
    pub(super) readers: Mutex<Vec<Connection>>,
    /// Never writes, so that SQLite tells it of every change.
    pub(super) observer: Mutex<Option<Connection>>,
    pub(super) writer: Mutex<Guarded<Connection>>,
}

impl Connections {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let writer = Guarded::open(path, || Connection::open(path))?;
        writer.busy_timeout(Duration::from_secs(10))?;
        prepare(&writer)?;
        Ok(Self {
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            observer: Mutex::default(),
        })
    }

    /// Brings the log back into the file, so that the file alone is the library. Best effort: a log that stays (another
    /// program has the file open) is moved together with the file.
    pub(super) fn close(self) {
        drop((self.readers, self.observer));
        let writer = self
            .writer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let busy: Result<i64, _> =
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        match busy {
            Ok(0) => {}
            Ok(_) => {
                tracing::warn!("another program has the library open; its log is moved with it")
            }
            Err(error) => tracing::warn!(%error, "the library's log was not brought into its file"),
        }
    }
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.busy_timeout(Duration::from_secs(10))?;
    Ok(reader)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
