//! The pages of one version of a database.
//!
//! They come from SQLite's dbpage table, which reads them through the pager and so through the log. With a write-ahead log
//! they come out of one read transaction: writers go on, and only keep the log from being reset. With a rollback journal a
//! read transaction holds up every commit, so short ones are asked whether they still see the same.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::{Guarded, connect};

/// How many bytes of pages are fetched at a time, and so how long a writer waits for a short transaction: milliseconds.
pub(super) const BATCH: usize = 1024 * 1024;
/// How often two connections are asked to see the same version. One try takes far less than a millisecond.
const PAIRINGS: usize = 100;

/// The pages of a database through one connection.
pub(super) struct Pages {
    connection: Guarded<Connection>,
    /// One read transaction from the first page to the last; else a short one for each batch.
    whole: bool,
    /// SQLite's number for what this connection sees: another one after a change by anybody else.
    version: i64,
    page_size: u64,
    pages: u64,
    next: u64,
}

impl Pages {
    pub(super) fn begin(
        connection: impl Into<Guarded<Connection>>,
        whole: bool,
    ) -> Result<Self, rusqlite::Error> {
        let mut pages = Self {
            connection: connection.into(),
            whole,
            version: 0,
            page_size: 0,
            pages: 0,
            next: 1,
        };
        pages.restart(whole)?;
        Ok(pages)
    }

    /// Begins at the first page of what is there now.
    pub(super) fn restart(&mut self, whole: bool) -> Result<(), rusqlite::Error> {
        self.release()?;
        self.connection.execute_batch("BEGIN")?;
        // The first read takes the view.
        self.pages = self.number("page_count")?;
        self.page_size = self.number("page_size")?;
        self.version = number(&self.connection, "data_version")?;
        (self.next, self.whole) = (1, whole);
        if !whole {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn len(&self) -> u64 {
        self.page_size * self.pages
    }

    /// Whether what it sees is in a write-ahead log, too: then writers need not wait.
    pub(super) fn has_log(&self) -> Result<bool, rusqlite::Error> {
        let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let mode = self.connection.query_row("PRAGMA journal_mode", [], mode)?;
        Ok(mode == "wal")
    }

    /// Adds pages to `batch` until it holds so many bytes or all were read. False: the database has changed since the first
    /// batch.
    pub(super) fn fetch(
        &mut self,
        batch: &mut Vec<u8>,
        most: usize,
    ) -> Result<bool, rusqlite::Error> {
        if self.whole {
            self.read(batch, most)?;
            return Ok(true);
        }
        self.connection.execute_batch("BEGIN")?;
        let same = number(&self.connection, "data_version").and_then(|version| {
            let same = version == self.version;
            if same {
                self.read(batch, most)?;
            }
            Ok(same)
        });
        let ended = self.connection.execute_batch("ROLLBACK");
        let same = same?;
        ended?;
        Ok(same)
    }

    fn read(&mut self, batch: &mut Vec<u8>, most: usize) -> Result<(), rusqlite::Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")?;
        while self.next <= self.pages && batch.len() < most {
            statement.query_row([self.next as i64], |row| {
                batch.extend_from_slice(row.get_ref(0)?.as_blob()?);
                Ok(())
            })?;
            self.next += 1;
        }
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Ends the read transaction, if one is under way.
    pub(super) fn release(&self) -> Result<(), rusqlite::Error> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("ROLLBACK")
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next > self.pages
    }

    fn number(&self, pragma: &str) -> Result<u64, rusqlite::Error> {
        number(&self.connection, pragma).map(i64::unsigned_abs)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pages")
            .field("next", &self.next)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

fn number(connection: &Connection, pragma: &str) -> Result<i64, rusqlite::Error> {
    connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
}

/// Two read transactions that see the same version; only the first where writers left no moment for it.
pub(super) fn pair(path: &Path) -> Result<(Pages, Option<Guarded<Connection>>), rusqlite::Error> {
    let mut pages = Pages::begin(connect::open(path)?, true)?;
    let beside = connect::open(path)?;
    for _ in 0..PAIRINGS {
        // What this connection sees before the other one begins and after it is the same: so the other one sees it too.
        let before = number(&beside, "data_version")?;
        pages.restart(true)?;
        beside.execute_batch("BEGIN")?;
        if number(&beside, "data_version")? == before {
            return Ok((pages, Some(beside)));
        }
        beside.execute_batch("ROLLBACK")?;
    }
    Ok((pages, None))
}
