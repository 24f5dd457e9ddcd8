//! An engine in a folder of its own, with a library of real rows, for the tests of this crate.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use backup_engine::{
    BackupId, BackupRecord, Engine, EngineOptions, Item, Outcome, Place, RestoreRequest, Watch,
    What,
};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

pub struct Home {
    pub folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The library's own file.
    pub fn library(&self) -> PathBuf {
        self.data().join("library/library.db")
    }

    pub fn destination(&self) -> PathBuf {
        self.folder.path().join("destination")
    }

    pub fn options(&self) -> EngineOptions {
        EngineOptions {
            data_dir: self.data(),
            destination: self.destination(),
            passphrase: None,
            use_keychain: false,
            device_name: "Test device".into(),
        }
    }

    pub fn open(&self) -> Engine {
        Engine::open(self.options()).unwrap()
    }
}

/// Text that does not repeat and compresses about as well as source code.
pub fn text(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 12);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("let x{:x} = {};\\n", state & 0xffff, state >> 40));
    }
    text
}

pub fn item(number: u64, length: usize) -> Item {
    versioned(number, 0, length)
}

pub fn versioned(number: u64, version: u64, length: usize) -> Item {
    let (id, time) = (format!("asset-{number:06}"), "2026-01-02T03:04:05Z");
    let body = text(number * 1_000 + version, length);
    let json = format!("{{\"id\":\"{id}\", \"version\":{version},\"text\":\"{body}\"}}");
    Item {
        id,
        name: Some(format!("Snippet {number}")),
        created: time.into(),
        updated: time.into(),
        json,
    }
}

pub fn fill(engine: &Engine, count: u64, length: usize) {
    let items: Vec<Item> = (0..count).map(|number| item(number, length)).collect();
    engine.library().put(&items).unwrap();
}

pub fn back_up(engine: &Engine) -> BackupRecord {
    let id = engine.new_backup_id();
    match engine.back_up(&id, &Watch::unwatched()).unwrap() {
        Outcome::Completed(record) => record,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

/// All of a backup, to where it was.
pub fn all_of(backup: &BackupId) -> RestoreRequest {
    RestoreRequest {
        backup: backup.clone(),
        what: What::Everything,
        place: Place::InPlace,
    }
}

pub fn restore(engine: &Engine, id: &BackupId) {
    assert_eq!(
        engine.restore(&all_of(id), &Watch::unwatched()).unwrap(),
        Outcome::Completed(())
    );
}

/// A hash of everything the library holds, in order, read through the engine.
pub fn dump(engine: &Engine) -> String {
    let (mut hash, mut after) = (Sha256::new(), None::<String>);
    loop {
        let page = engine.library().page(after.as_deref(), 500).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        page.iter()
            .for_each(|(id, json)| hash.update(format!("{id}\n{json}\n")));
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// SQLite's own verdict on the library's file, and its rows, read beside the engine.
pub fn assert_sound(data: &Path) {
    let path = data.join("library/library.db");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}
