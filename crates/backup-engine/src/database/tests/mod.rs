//! Real databases in every mode, and real programs that use them meanwhile.
#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(target_os = "linux")]
mod full;
#[cfg(unix)]
mod held;
mod programs;
mod reading;
mod speed;
mod token;
mod trouble;
mod use_by_others;
mod writers;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::begin::begin;
use super::{Begun, CopyFolder, PageReader};
use crate::Watch;

struct Place {
    folder: tempfile::TempDir,
    own: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            own: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(place.folder.path().join("their folder")).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("their folder/data.db")
    }

    fn copies(&self) -> CopyFolder {
        CopyFolder::new(&self.own.path().join("copies"))
    }

    fn begin(&self) -> Begun {
        PageReader::begin(&self.path(), &self.copies(), &Watch::unwatched())
    }

    fn begin_within(&self, patience: Duration, watch: &Watch) -> Begun {
        match begin(&self.path(), &self.copies(), watch, patience) {
            Ok(begun) => begun,
            Err(trouble) => trouble.explain(&self.path()),
        }
    }

    fn pages(&self) -> Box<PageReader> {
        pages(self.begin())
    }

    /// What lies in the folder of the database, and how large it is.
    fn listing(&self) -> Vec<(String, u64)> {
        listing(&self.folder.path().join("their folder"))
    }

    fn copies_left(&self) -> usize {
        listing(&self.own.path().join("copies")).len()
    }

    fn image(&self, bytes: &[u8]) -> Connection {
        let path = self.own.path().join("image.db");
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(super::beside(&path, suffix));
        }
        fs::write(&path, bytes).unwrap();
        let image = Connection::open(path).unwrap();
        let check: String = image
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        image
    }
}

fn pages(begun: Begun) -> Box<PageReader> {
    match begun {
        Begun::Pages(reader) => reader,
        other => panic!("{other:?}"),
    }
}

fn listing(folder: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, entry.metadata().unwrap().len())
    });
    let mut found: Vec<_> = entries.collect();
    found.sort();
    found
}

fn read(reader: &mut PageReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, reader.len());
    bytes
}

/// A database with a table, an index and rows of this size.
fn make(path: &Path, pragmas: &str, rows: u64, size: u64) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(pragmas).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE t (n INTEGER PRIMARY KEY, name TEXT, body BLOB);
             CREATE INDEX t_name ON t (name);
             WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < {rows})
             INSERT INTO t SELECT n, hex(randomblob(16)), randomblob({size}) FROM i;"
        ))
        .unwrap();
    connection
}

fn rows(connection: &Connection) -> Vec<(i64, String, Vec<u8>)> {
    let mut statement = connection
        .prepare("SELECT n, name, body FROM t ORDER BY n")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
