//! The library: the service's own SQLite database of assets. Each keeps the JSON that arrived; a few fields are read
//! out of it for order and search. Backups read its pages; a restore replaces its file whole.

mod connections;
mod inspect;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{PageReader, Proof, Soundness};
use crate::durable::create_private_folder;
use crate::failpoint::failpoint;
use crate::{Error, Outcome, Watch};

use connections::{Connections, lock, open_reader};
pub(crate) use inspect::{Inspected, inspect, recognise};
use schema::schema;
pub(crate) use schema::{APPLICATION_ID, SCHEMA};

/// Connections for reading that are kept open; each holds a cache of some two megabytes.
const READERS_KEPT: usize = 4;
/// A page of items ends where it holds so much text, so that large items do not add up in memory.
const PAGE_TEXT: usize = 1024 * 1024;

/// One item, as text that is kept byte for byte and what was read out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub name: Option<String>,
    /// RFC 3339, as the client wrote it.
    pub created: String,
    /// RFC 3339, as the client wrote it.
    pub updated: String,
    pub json: String,
}

/// What a library holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibraryFacts {
    pub assets: u64,
    pub bytes: u64,
    /// The newest `updated` of its assets, RFC 3339.
    pub updated: Option<String>,
}

/// Which state of the library it is, to this process: SQLite counts the changes for a connection that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LibraryVersion {
    generation: u64,
    changes: i64,
}

/// One version of the library: its pages, and what it holds.
pub(crate) struct LibraryPages {
    pub reader: PageReader,
    pub facts: LibraryFacts,
    pub schema: i64,
    pub proof: LibraryProof,
}

/// That a version of the library is sound: a backup of a damaged one could not be restored.
pub(crate) struct LibraryProof(Proof);

impl LibraryProof {
    /// Of what this reader reads. To be asked for once.
    pub(crate) fn of(reader: &mut PageReader) -> Self {
        Self(reader.proof())
    }

    /// Waits for SQLite's verdict. Errors: `LibraryDamaged`.
    pub(crate) fn wait(self) -> Result<Outcome<()>, Error> {
        match self.0.wait() {
            Soundness::Sound => Ok(Outcome::Completed(())),
            Soundness::Canceled => Ok(Outcome::Canceled),
            Soundness::Damaged(why) | Soundness::Unjudged(why) | Soundness::Unchecked(why) => {
                Err(Error::LibraryDamaged(why))
            }
        }
    }
}

/// The library as it is seen by a connection of its own, as long as its file is not replaced.
pub(crate) struct Observed {
    reader: Connection,
    changes: i64,
}

impl Observed {
    pub(crate) fn is_unchanged(&self) -> Result<bool, Error> {
        Ok(changes(&self.reader)? == self.changes)
    }
}

fn changes(observer: &Connection) -> Result<i64, Error> {
    Ok(observer.query_row("PRAGMA data_version", [], |row| row.get(0))?)
}

/// The open library. Reads run beside each other and beside one writer; a replacement waits for all of them.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    /// `None` while the file is being replaced, and when it is damaged.
    open: RwLock<Option<Connections>>,
    /// How often its file may have been replaced.
    generation: AtomicU64,
}

impl Library {
    /// Opens the library, creating an empty one where there is none. One that is damaged opens as well, and then answers
    /// every call with `LibraryDamaged` until a restore replaces it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            create_private_folder(folder).map_err(Error::io("making the library's folder"))?;
        }
        let library = Self {
            path: path.to_owned(),
            open: RwLock::new(None),
            generation: AtomicU64::new(0),
        };
        match Connections::open(path) {
            Ok(connections) => {
                *library.open.write().unwrap_or_else(PoisonError::into_inner) = Some(connections);
            }
            // A library that is beyond reading must not keep its backups from being restored.
            Err(Error::LibraryDamaged(detail)) => {
                tracing::error!(%detail, "the library is damaged; a backup can be restored in its place");
            }
            Err(error) => return Err(error),
        }
        Ok(library)
    }

    /// Adds items, or replaces those with the same id, all or none. An item that is there as it is stays untouched.
    /// Returns how many were given.
    pub fn put(&self, items: &[Item]) -> Result<u64, Error> {
        self.with(|connections| {
            let mut writer = lock(&connections.writer);
            let change = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut statement = change.prepare_cached(
                    "INSERT INTO assets (id, name, created, updated, stored, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (id) DO UPDATE SET name = excluded.name, created = excluded.created,
                         updated = excluded.updated, stored = excluded.stored, json = excluded.json
                     WHERE json <> excluded.json",
                )?;
                let now = Utc::now().timestamp_millis();
                for item in items {
                    let (created, updated) = (moment(&item.created), moment(&item.updated));
                    statement.execute(params![item.id, item.name, created, updated, now, item.json])?;
                }
            }
            change.commit()?;
            Ok(items.len() as u64)
        })
    }

    /// The JSON of one item.
    pub fn get(&self, id: &str) -> Result<Option<String>, Error> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("SELECT json FROM assets WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        })
    }

    /// The next items in the order of their ids, as (id, JSON), at most so many and about a megabyte of them: to walk a
    /// library of any size in small steps.
    pub fn page(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "SELECT id, json FROM assets WHERE id > ?1 OR ?1 IS NULL ORDER BY id LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![after, limit])?;
            let (mut page, mut text) = (Vec::new(), 0);
            while text < PAGE_TEXT
                && let Some(row) = rows.next()?
            {
                let (id, json): (String, String) = (row.get(0)?, row.get(1)?);
                text += json.len();
                page.push((id, json));
            }
            Ok(page)
        })
    }

    /// Removes one item. False: there was none.
    pub fn delete(&self, id: &str) -> Result<bool, Error> {
        self.with(|connections| {
            let writer = lock(&connections.writer);
            Ok(writer.execute("DELETE FROM assets WHERE id = ?1", [id])? > 0)
        })
    }

    pub fn facts(&self) -> Result<LibraryFacts, Error> {
        self.read(facts)
    }

    /// Its own file.
    pub(crate) fn file(&self) -> &Path {
        &self.path
    }

    /// Tells whether anything was stored since: another version means that it may have been.
    pub(crate) fn version(&self) -> Result<LibraryVersion, Error> {
        let generation = self.generation();
        self.with(|connections| {
            let mut observer = lock(&connections.observer);
            let observer = match &mut *observer {
                Some(observer) => observer,
                empty => empty.insert(open_reader(&self.path)?),
            };
            let changes = changes(observer)?;
            Ok(LibraryVersion {
                generation,
                changes,
            })
        })
    }

    /// Begins to notice whether anything is stored from now on, for somebody who does not have the library at hand.
    pub(crate) fn observe(&self) -> Result<Observed, Error> {
        let reader = open_reader(&self.path)?;
        let changes = changes(&reader)?;
        Ok(Observed { reader, changes })
    }

    /// Another number means that the library may have been replaced in between: what was read before and after does not belong
    /// together.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How many items were stored after this moment, and the names of the newest of them.
    pub(crate) fn newer_than(
        &self,
        at: DateTime<Utc>,
        names: usize,
    ) -> Result<(u64, Vec<String>), Error> {
        let at = at.timestamp_millis();
        self.read(|reader| {
            let count: i64 =
                reader.query_row("SELECT count(*) FROM assets WHERE stored > ?1", [at], |row| row.get(0))?;
            let mut statement = reader.prepare_cached(
                "SELECT coalesce(name, id) FROM assets WHERE stored > ?1 ORDER BY stored DESC, id LIMIT ?2",
            )?;
            let limit = i64::try_from(names).unwrap_or(i64::MAX);
            let rows = statement.query_map([at, limit], |row| row.get(0))?;
            Ok((count.unsigned_abs(), rows.collect::<Result<_, _>>()?))
        })
    }

    /// A consistent view of the library's pages, unmoved by what is written meanwhile, and the proof of it, which runs
    /// beside the reading until `watch` cancels it. No item is stored between the beginnings of the two.
    pub(crate) fn pages(&self, watch: &Watch) -> Result<LibraryPages, Error> {
        self.with(|connections| {
            let writer = lock(&connections.writer);
            let mut reader = PageReader::of_ours(&self.path, watch)?;
            drop(writer);
            let (facts, schema) = reader.view(|view| Ok((facts(view)?, schema(view)?)))?;
            let proof = LibraryProof::of(&mut reader);
            Ok(LibraryPages {
                reader,
                facts,
                schema,
                proof,
            })
        })
    }

    /// Closes the library, lets `swap` put another folder in its place, and opens what is there then. All readers and
    /// writers wait. Where `swap` fails, what is there is opened all the same, and its error returned.
    pub(crate) fn replace<T>(&self, swap: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = open.take() {
            connections.close();
        }
        let closed = failpoint("library-closed").map_err(Error::io("closing the library"));
        let swapped = closed.and_then(|()| swap());
        // Before anybody can read what is there now.
        self.generation.fetch_add(1, Ordering::AcqRel);
        match self.reopened() {
            Ok(connections) => *open = Some(connections),
            // It says so to whoever needs it; the swap itself ended as it did.
            Err(error) => tracing::error!(%error, "the library in place cannot be opened"),
        }
        swapped
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.with(|connections| {
            let pooled = lock(&connections.readers).pop();
            let reader = match pooled {
                Some(reader) => reader,
                None => open_reader(&self.path)?,
            };
            let result = work(&reader);
            let mut readers = lock(&connections.readers);
            if readers.len() < READERS_KEPT {
                readers.push(reader);
            }
            result
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Connections) -> Result<T, Error>) -> Result<T, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = open.as_ref() {
            return work(connections);
        }
        drop(open);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let connections = match open.take() {
            Some(connections) => connections,
            // What kept it from being opened may have passed.
            None => self.reopened()?,
        };
        work(open.insert(connections))
    }

    /// Opens the library that is there. A new, empty one in the place of one that is missing would keep the next start from
    /// settling what is to be there.
    fn reopened(&self) -> Result<Connections, Error> {
        failpoint("library-open").map_err(Error::io("opening the library"))?;
        let there = self.path.try_exists();
        if !there.map_err(Error::io("looking for the library"))? {
            return Err(Error::LibraryDamaged("its file is missing".into()));
        }
        Connections::open(&self.path)
    }
}

fn facts(reader: &Connection) -> Result<LibraryFacts, Error> {
    let (assets, updated): (i64, Option<i64>) = reader.query_row(
        "SELECT (SELECT count(*) FROM assets), (SELECT max(updated) FROM assets)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let bytes: i64 = reader.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    let updated = updated
        .and_then(DateTime::from_timestamp_millis)
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    Ok(LibraryFacts {
        assets: assets.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
        updated,
    })
}

fn moment(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.timestamp_millis())
}
