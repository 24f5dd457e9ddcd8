//! `catalog.db` in the data folder: what the destinations of this folder held at the last look, so that a start reads no
//! snapshot and a list can be shown while its destination is away. It can be deleted at any time: whatever is wrong with
//! it, it is made anew, and where that cannot be done, everything is read from the destination again.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use rustic_core::repofile::{SnapshotFile, SnapshotId};
use sha2::{Digest, Sha256};

use crate::durable::remove_if_there;
use crate::failpoint::failpoint;

/// The schema (`user_version`). One of any other number is removed, not upgraded.
const SCHEMA: i64 = 1;
/// How long another program may have the file locked; a listing waits for it.
const BUSY: Duration = Duration::from_millis(250);

/// What was noted of one repository.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub snapshots: Vec<(SnapshotId, SnapshotFile)>,
    /// Whether these are all that there were at the last look.
    pub complete: bool,
    pub stored_bytes: Option<u64>,
    pub opened_with: Option<String>,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// Not what this version would have written: made anew.
    #[error("{0}")]
    Damaged(String),
    /// It may be fine, but not now: left alone.
    #[error("{0}")]
    Unusable(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::*;
        match error.sqlite_error_code() {
            Some(
                CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | OutOfMemory
                | PermissionDenied | ReadOnly | SystemIoFailure,
            ) => Self::Unusable(error.to_string()),
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// The file, opened anew for each use: one that was deleted or replaced in between is noticed.
#[derive(Debug)]
pub(super) struct CatalogFile {
    path: PathBuf,
    /// The destination's folder. A repository is known by its content, wherever it lies; only while it is away does the
    /// place tell which one it was.
    place: String,
}

impl CatalogFile {
    pub(super) fn new(data_dir: &Path, place: &Path) -> Self {
        Self {
            path: data_dir.join("catalog.db"),
            place: place.to_string_lossy().into_owned(),
        }
    }

    /// What is known of this repository.
    pub(super) fn load(&self, repository: &str) -> Noted {
        self.with(|file| load(file, repository)).unwrap_or_default()
    }

    /// Notes that this repository is at the place now.
    pub(super) fn note_place(&self, repository: &str) {
        if self.last_here().as_deref() != Some(repository) {
            self.with(|file| note_place(file, &self.place, repository));
        }
    }

    /// The repository that was at the place at the last look.
    pub(super) fn last_here(&self) -> Option<String> {
        let query = "SELECT repository FROM places WHERE place = ?1";
        self.with(|file| {
            let row = file.query_row(query, [&self.place], |row| row.get(0));
            Ok(row.optional()?)
        })
        .flatten()
    }

    /// Notes that the repository holds these snapshots and no others, with the texts of those that were read since the last
    /// time. They are all of them where they are `count`. False: it could not be noted.
    pub(super) fn save(
        &self,
        repository: &str,
        held: &HashSet<SnapshotId>,
        count: usize,
        new: &HashMap<SnapshotId, String>,
    ) -> bool {
        self.with(|file| {
            let change = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
            save(&change, repository, held, count, new)?;
            note_place(&change, &self.place, repository)?;
            failpoint("catalog-save").map_err(unusable)?;
            change.commit()?;
            failpoint("catalog-saved").map_err(unusable)
        })
        .is_some()
    }

    /// Notes what the repository takes with the snapshots that were saved last.
    pub(super) fn save_stored_bytes(&self, repository: &str, bytes: u64) {
        let update = "UPDATE destinations SET stored_bytes = ?2 WHERE repository = ?1";
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.with(|file| Ok(file.execute(update, params![repository, bytes])?));
    }

    /// Notes which key opens the repository.
    pub(super) fn save_opened_with(&self, repository: &str, key: &str) {
        let update = "UPDATE destinations SET opened_with = ?2 WHERE repository = ?1";
        self.with(|file| Ok(file.execute(update, [repository, key])?));
    }

    /// Works with the file, a second time with a new one where it is damaged. `None`: it cannot be used at the moment.
    fn with<T>(&self, work: impl Fn(&mut Connection) -> Result<T, Trouble>) -> Option<T> {
        let attempt = || open(&self.path).and_then(|mut file| work(&mut file));
        let done = attempt().or_else(|trouble| match trouble {
            Trouble::Damaged(why) => {
                tracing::warn!(%why, "the catalog is made anew");
                remove(&self.path)
                    .map_err(unusable)
                    .and_then(|()| attempt())
            }
            Trouble::Unusable(_) => Err(trouble),
        });
        let noted = "the catalog cannot be used now; the destination is read instead";
        done.inspect_err(|why| tracing::warn!(%why, noted)).ok()
    }
}

fn unusable(error: io::Error) -> Trouble {
    Trouble::Unusable(error.to_string())
}

/// Opens the file, made where there is none.
fn open(path: &Path) -> Result<Connection, Trouble> {
    failpoint("catalog-open").map_err(unusable)?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(Trouble::Unusable("it is not a file".into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).map_err(unusable)?,
        Err(error) => return Err(unusable(error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(BUSY)?;
    file.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;",
    )?;
    let (schema, tables): (i64, i64) = file.query_row(
        "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match (schema, tables) {
        (SCHEMA, _) => Ok(file),
        (0, 0) => set_up(&file).map(|()| file),
        _ => Err(Trouble::Damaged(format!("it has schema {schema}"))),
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn set_up(file: &Connection) -> Result<(), Trouble> {
    Ok(file.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE destinations (
             id INTEGER PRIMARY KEY,
             repository TEXT NOT NULL UNIQUE,
             snapshots INTEGER NOT NULL, -- how many rows it has: fewer than that are not all
             stored_bytes INTEGER, -- with these snapshots; null where it was not measured
             opened_with TEXT -- hash of the file of the key that opened it, as that file is kept
         );
         CREATE TABLE places (place TEXT PRIMARY KEY, repository TEXT NOT NULL);
         CREATE TABLE snapshots (
             destination INTEGER NOT NULL REFERENCES destinations (id),
             id TEXT NOT NULL,
             text TEXT NOT NULL, -- as in the repository: what it is, each version reads out of it anew
             proof BLOB NOT NULL, -- hash of id and text, because SQLite does not notice every damage
             UNIQUE (destination, id)
         );
         PRAGMA user_version = {SCHEMA};
         COMMIT;"
    ))?)
}

/// Removes the file, its log first: a log without its file would be taken for the next one's.
fn remove(path: &Path) -> io::Result<()> {
    for ending in ["-journal", "-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        remove_if_there(Path::new(&name))?;
    }
    Ok(())
}

fn load(file: &mut Connection, repository: &str) -> Result<Noted, Trouble> {
    let mut destination = file.prepare(
        "SELECT id, snapshots, stored_bytes, opened_with FROM destinations WHERE repository = ?1",
    )?;
    let mut destination = destination.query([repository])?;
    let Some(row) = destination.next()? else {
        return Ok(Noted::default());
    };
    let (destination, count): (i64, i64) = (row.get(0)?, row.get(1)?);
    let (stored_bytes, opened_with): (Option<i64>, _) = (row.get(2)?, row.get(3)?);
    let mut statement =
        file.prepare("SELECT id, text, proof FROM snapshots WHERE destination = ?1")?;
    let mut rows = statement.query([destination])?;
    let mut snapshots = Vec::new();
    while let Some(row) = rows.next()? {
        let damaged = || Trouble::Damaged("a snapshot in it is damaged".into());
        let [id, text] = [row.get_ref(0)?, row.get_ref(1)?].map(|text| text.as_str());
        let (id, text) = (id.map_err(|_| damaged())?, text.map_err(|_| damaged())?);
        if row.get_ref(2)?.as_bytes().ok() != Some(&proof(id, text)) {
            return Err(damaged());
        }
        let snapshot = serde_json::from_str(text).map_err(|_| damaged())?;
        snapshots.push((id.parse().map_err(|_| damaged())?, snapshot));
    }
    Ok(Noted {
        complete: i64::try_from(snapshots.len()).ok() == Some(count),
        snapshots,
        stored_bytes: stored_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        opened_with,
    })
}

fn save(
    file: &Connection,
    repository: &str,
    held: &HashSet<SnapshotId>,
    count: usize,
    new: &HashMap<SnapshotId, String>,
) -> Result<(), Trouble> {
    let destination: i64 = file.query_row(
        "INSERT INTO destinations (repository, snapshots) VALUES (?1, ?2)
         ON CONFLICT (repository) DO UPDATE SET snapshots = excluded.snapshots, stored_bytes = NULL
         RETURNING id",
        params![repository, i64::try_from(count).unwrap_or(i64::MAX)],
        |row| row.get(0),
    )?;
    let held: HashSet<String> = held.iter().map(hex).collect();
    let noted: Vec<String> = file
        .prepare("SELECT id FROM snapshots WHERE destination = ?1")?
        .query_map([destination], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut delete = file.prepare("DELETE FROM snapshots WHERE destination = ?1 AND id = ?2")?;
    for gone in noted.iter().filter(|id| !held.contains(*id)) {
        delete.execute(params![destination, gone])?;
    }
    let mut insert = file.prepare(
        "INSERT OR REPLACE INTO snapshots (destination, id, text, proof) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (id, text) in new {
        let id = hex(id);
        insert.execute(params![destination, id, text, proof(&id, text)])?;
    }
    Ok(())
}

fn note_place(file: &Connection, place: &str, repository: &str) -> Result<(), Trouble> {
    let note = "INSERT OR REPLACE INTO places (place, repository) VALUES (?1, ?2)";
    file.execute(note, [place, repository])?;
    Ok(())
}

/// All of it: as text, an id is shortened.
fn hex(id: &SnapshotId) -> String {
    id.to_hex().as_str().to_owned()
}

fn proof(id: &str, text: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(id)
        .chain_update(text)
        .finalize()
        .into()
}
