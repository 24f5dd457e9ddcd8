//! A live library as a stream of bytes: its pages inside one read transaction, without a copy on disk.
//!
//! The pages come from SQLite's dbpage table, which reads them through the pager and so through the log. Writers go on
//! meanwhile; they only keep the log from being reset until the reader is dropped.

use std::io::{self, Read};
use std::path::Path;

use rusqlite::Connection;

use super::inspect::check_integrity;
use super::{LibraryFacts, facts, open_reader};
use crate::{Error, Watch};

/// How many bytes of pages are fetched at a time.
const BATCH: u64 = 1024 * 1024;

/// Reads a library from its first page to its last, as it was when the reader began.
pub(crate) struct PageReader {
    connection: Connection,
    facts: LibraryFacts,
    schema: i64,
    page_size: u64,
    pages: u64,
    next: u64,
    buffer: Vec<u8>,
    given: usize,
}

impl PageReader {
    pub(super) fn begin(path: &Path, watch: &Watch) -> Result<Self, Error> {
        let mut connection = open_reader(path)?;
        connection.execute_batch("BEGIN")?;
        // In the view that is read, so that what is proven is what is stored.
        let verdict = check_integrity(&mut connection, watch)?;
        if verdict != "ok" {
            return Err(Error::LibraryDamaged(verdict));
        }
        Self::of(connection)
    }

    /// Pages that nobody has proven sound: for a reader who compares each of them with what it should be.
    pub(super) fn begin_unproven(path: &Path) -> Result<Self, Error> {
        let connection = open_reader(path)?;
        connection.execute_batch("BEGIN")?;
        Self::of(connection)
    }

    /// Of a connection in a transaction.
    fn of(connection: Connection) -> Result<Self, Error> {
        let number = |pragma: &str| {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
        };
        let facts = facts(&connection)?;
        let schema = number("user_version")?;
        let (page_size, pages) = (
            number("page_size")?.unsigned_abs(),
            number("page_count")?.unsigned_abs(),
        );
        Ok(Self {
            connection,
            facts,
            schema,
            page_size,
            pages,
            next: 1,
            buffer: Vec::new(),
            given: 0,
        })
    }

    /// What the library holds in this view.
    pub(crate) fn facts(&self) -> &LibraryFacts {
        &self.facts
    }

    pub(crate) fn schema(&self) -> i64 {
        self.schema
    }

    /// How many bytes the reader yields in all.
    pub(crate) fn len(&self) -> u64 {
        self.page_size * self.pages
    }

    fn fetch(&mut self) -> Result<(), rusqlite::Error> {
        self.buffer.clear();
        self.given = 0;
        let mut statement = self
            .connection
            .prepare_cached("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")?;
        while self.next <= self.pages && (self.buffer.len() as u64) < BATCH {
            statement.query_row([self.next as i64], |row| {
                let page = row.get_ref(0)?.as_blob()?;
                self.buffer.extend_from_slice(page);
                Ok(())
            })?;
            self.next += 1;
        }
        Ok(())
    }
}

impl Read for PageReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.given == self.buffer.len() && self.next <= self.pages {
            self.fetch().map_err(io::Error::other)?;
        }
        let mut rest = &self.buffer[self.given..];
        let count = rest.read(target)?;
        self.given += count;
        Ok(count)
    }
}
