//! Which SQLite files are libraries of this version, and how one is made.

use rusqlite::Connection;

use crate::Error;

/// Marks a SQLite file as a library of Holdfast (`application_id`).
pub(crate) const APPLICATION_ID: i64 = 0x484c_4446;
/// The schema this version writes (`user_version`).
pub(crate) const SCHEMA: i64 = 1;
/// As large as a chunk of the repository, so that a changed row is one changed chunk.
const PAGE_SIZE: u32 = 16 * 1024;

/// Sets up a new library, or refuses one that is not ours or newer than this version.
pub(super) fn prepare(writer: &Connection) -> Result<(), Error> {
    let number = |pragma: &str| {
        writer.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
    };
    let (application, schema) = (number("application_id")?, number("user_version")?);
    if schema > SCHEMA {
        return Err(Error::NewerLibrary {
            found: schema,
            known: SCHEMA,
        });
    }
    let tables: i64 =
        writer.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && tables == 0 {
        create(writer)?;
    } else if application != APPLICATION_ID {
        return Err(Error::LibraryDamaged(
            "this database is not a library of Holdfast".into(),
        ));
    }
    // An acknowledged change survives a power cut: each commit is synced.
    writer.execute_batch("PRAGMA synchronous = FULL;")?;
    Ok(())
}

fn create(writer: &Connection) -> Result<(), Error> {
    writer.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_SIZE};
         PRAGMA journal_mode = WAL;
         BEGIN IMMEDIATE;
         CREATE TABLE assets (
             id TEXT PRIMARY KEY NOT NULL,
             name TEXT,
             created INTEGER, -- milliseconds since 1970; null where the text is no time
             updated INTEGER,
             stored INTEGER NOT NULL, -- when this library got it in this form
             json TEXT NOT NULL
         );
         CREATE INDEX assets_name ON assets (name);
         CREATE INDEX assets_created ON assets (created);
         CREATE INDEX assets_updated ON assets (updated);
         CREATE INDEX assets_stored ON assets (stored);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA};
         COMMIT;"
    ))?;
    Ok(())
}

pub(super) fn schema(reader: &Connection) -> Result<i64, Error> {
    Ok(reader.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
