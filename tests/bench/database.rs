//! A foreign SQLite database, as a program with a search keeps one: notes with their text, an embedding of each, and a
//! full-text index, in the journal mode and with the page size that programs usually have.

use std::path::Path;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::corpus;

pub const NAME: &str = "notes.db";

/// Of 32-bit floating numbers, as small embedding models give them.
const EMBEDDING: usize = 384;
const TEXT: usize = 1_500;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE notes (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL, updated INTEGER NOT NULL);
    CREATE TABLE embeddings (note INTEGER PRIMARY KEY REFERENCES notes (id), vector BLOB NOT NULL);
    CREATE TABLE activity (id INTEGER PRIMARY KEY, what TEXT NOT NULL);
    CREATE INDEX notes_by_update ON notes (updated);";

const SEARCH: &str = "
    CREATE VIRTUAL TABLE search USING fts5 (name, text, content = 'notes', content_rowid = 'id');
    CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
        INSERT INTO search (rowid, name, text) VALUES (new.id, new.name, new.text);
    END;
    CREATE TRIGGER notes_changed AFTER UPDATE ON notes BEGIN
        INSERT INTO search (search, rowid, name, text) VALUES ('delete', old.id, old.name, old.text);
        INSERT INTO search (rowid, name, text) VALUES (new.id, new.name, new.text);
    END;";

/// Makes one with so many notes. One without a full-text index is made in a fraction of the time.
pub fn make(path: &Path, notes: usize, searchable: bool) {
    let mut database = open(path);
    database.execute_batch(TABLES).unwrap();
    if searchable {
        database.execute_batch(SEARCH).unwrap();
    }
    let mut random = StdRng::seed_from_u64(1);
    let mut added = 0;
    // Where there is too little text for so many, it is used again with a heading that makes it another.
    for lap in 0.. {
        let change = database.transaction().unwrap();
        for (name, text) in corpus::snippets(TEXT).take(notes - added) {
            let text = if lap == 0 {
                text
            } else {
                format!("Copy {lap}\n{text}")
            };
            add(&change, &name, &text, &mut random);
            added += 1;
        }
        change.commit().unwrap();
        if added == notes {
            break;
        }
    }
    close(database);
}

/// Edits one note in a hundred, and adds one for a hundred there are. The same for the same round.
pub fn change(path: &Path, round: u32) {
    let mut database = open(path);
    // A transaction that only then becomes one that writes is refused where another wrote in between.
    let change = database
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let mut random = StdRng::seed_from_u64(1_000 + u64::from(round));
    let notes: i64 = change
        .query_row("SELECT count(*) FROM notes", [], |row| row.get(0))
        .unwrap();
    for number in 0..notes / 100 {
        let id = number * 100 + random.random_range(1..=100i64);
        change
            .execute(
                "UPDATE notes SET text = 'Edited in round ' || ?2 || '. ' || text, updated = ?3 WHERE id = ?1",
                params![id, round, 2_000_000_000 + number],
            )
            .unwrap();
        change
            .execute(
                "UPDATE embeddings SET vector = ?2 WHERE note = ?1",
                params![id, embedding(&mut random)],
            )
            .unwrap();
    }
    // Text from the end of what there is, with what makes it new.
    for (name, text) in corpus::snippets(TEXT).take(notes as usize / 100) {
        let text = format!("Added in round {round}.\n{text}");
        add(&change, &name, &text, &mut random);
    }
    change.commit().unwrap();
    close(database);
}

/// A copy of a database that may be in use, by SQLite's online backup.
pub fn copy(from: &Path, to: &Path) {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    // In one step, else a writer makes it begin again and again.
    let mut target = Connection::open(to).unwrap();
    let copied = Backup::new(&source, &mut target).unwrap().step(-1).unwrap();
    assert!(
        copied == StepResult::Done,
        "a lock kept the copy from its end"
    );
    close(target);
}

/// A hash over all that the change touches, without what the writer writes; and the database is sound.
pub fn digest(path: &Path, tables: &[&str]) -> String {
    let database = Connection::open(path).unwrap();
    let sound: String = database
        .query_row("PRAGMA quick_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok", "{}", path.display());
    let mut hash = Sha256::new();
    for table in tables {
        let mut rows = database
            .prepare(&format!("SELECT * FROM {table} ORDER BY 1"))
            .unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => hash.update(bytes),
                    number => hash.update(format!("{number:?}")),
                }
            }
        }
    }
    format!("{:x?}", hash.finalize())
}

pub fn open(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .busy_timeout(std::time::Duration::from_secs(30))
        .unwrap();
    database
}

/// The last connection to close leaves one file, without its log.
fn close(database: Connection) {
    database.close().map_err(|(_, error)| error).unwrap();
}

fn add(database: &Connection, name: &str, text: &str, random: &mut StdRng) {
    let mut note = database
        .prepare_cached("INSERT INTO notes (name, text, updated) VALUES (?1, ?2, ?3)")
        .unwrap();
    let updated: u32 = random.random_range(1_700_000_000..1_800_000_000);
    let id = note.insert(params![name, text, updated]).unwrap();
    let mut vector = database
        .prepare_cached("INSERT INTO embeddings (note, vector) VALUES (?1, ?2)")
        .unwrap();
    vector.insert(params![id, embedding(random)]).unwrap();
}

fn embedding(random: &mut StdRng) -> Vec<u8> {
    let numbers = (0..EMBEDDING).map(|_| random.random_range(-1.0f32..1.0));
    numbers.flat_map(f32::to_le_bytes).collect()
}
