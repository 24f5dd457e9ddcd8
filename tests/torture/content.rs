//! What is in the library and in the folder that is a source, told apart by hashes; live, or where a backup was restored to.

use std::fs;
use std::path::Path;

use backup_engine::Engine;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub library: String,
    pub documents: String,
}

impl Content {
    /// What is live. Errors: something that is not sound.
    pub fn live(home: &Path, engine: &Engine) -> Result<Self, String> {
        // Opens a library that could not be opened at first.
        engine
            .library()
            .facts()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            library: rows(
                &home.join("data/library/library.db"),
                "SELECT id, json FROM assets ORDER BY id",
            )?,
            documents: Self::documents_of(&home.join("documents"))?,
        })
    }

    pub fn restored(folder: &Path) -> Result<Self, String> {
        Ok(Self {
            library: rows(
                &folder.join("library.db"),
                "SELECT id, json FROM assets ORDER BY id",
            )?,
            documents: Self::documents_of(&folder.join("documents"))?,
        })
    }

    pub fn documents_of(folder: &Path) -> Result<String, String> {
        let mut all = String::new();
        if folder.is_dir() {
            add_folder(folder, &mut all)?;
        }
        Ok(hex_of(all.as_bytes()))
    }
}

fn add_folder(folder: &Path, all: &mut String) -> Result<(), String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Where a restore keeps what it replaced, if the data folder is on another disk.
        if name == ".holdfast" {
            continue;
        }
        // They are folded into the database that they belong to.
        if name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal") {
            continue;
        }
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            all.push_str(&format!("{name}/\n"));
            add_folder(&path, all)?;
            all.push_str("..\n");
        } else if kind.is_symlink() {
            all.push_str(&format!("{name} -> {:?}\n", fs::read_link(&path).unwrap()));
        } else if !kind.is_file() {
            all.push_str(&format!("{name} {kind:?}\n"));
        } else if name.ends_with(".db") {
            all.push_str(&format!(
                "{name} {}\n",
                rows(&path, "SELECT 1, a FROM t ORDER BY rowid")?
            ));
        } else {
            all.push_str(&format!("{name} {}\n", hex_of(&fs::read(&path).unwrap())));
        }
    }
    Ok(())
}

/// A hash of the rows of a sound database.
fn rows(path: &Path, query: &str) -> Result<String, String> {
    let read = || -> Result<String, rusqlite::Error> {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_timeout(std::time::Duration::from_secs(10))?;
        let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Ok(format!("not sound: {verdict}"));
        }
        let mut statement = database.prepare(query)?;
        let mut rows = statement.query([])?;
        let mut all = String::new();
        while let Some(row) = rows.next()? {
            let key: rusqlite::types::Value = row.get(0)?;
            let key = match key {
                rusqlite::types::Value::Text(key) => key,
                other => format!("{other:?}"),
            };
            all.push_str(&format!("{key}\n{}\n", row.get::<_, String>(1)?));
        }
        Ok(hex_of(all.as_bytes()))
    };
    let hash = read().map_err(|error| format!("{}: {error}", path.display()))?;
    if hash.starts_with("not sound") {
        return Err(format!("{}: {hash}", path.display()));
    }
    Ok(hash)
}

pub fn hex_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
