//! A world for one trial: a data folder with a library, a folder source with files and a live database, and a destination
//! with backups whose contents are known. It is a copy of one that is made once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backup_engine::{BackupId, Engine, EngineOptions, Item, NewSource, Outcome, SourceKind, Watch};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use crate::cheap_key::make_cheap;

pub struct World {
    /// Removed when the trial ends.
    folder: tempfile::TempDir,
    /// Every backup that was acknowledged, and the content of the library in it.
    pub known: BTreeMap<BackupId, String>,
    /// The content of the library, whose last change is in no backup.
    pub now: String,
    /// Keeps the database live: its log is not empty, and the backups read beside it.
    _database: Connection,
}

/// What a world begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing was ever backed up.
    Fresh,
    /// Two backups, and changes since.
    BackedUp,
}

struct Template {
    folder: tempfile::TempDir,
    known: BTreeMap<BackupId, String>,
    now: String,
}

const ITEMS: u64 = 40;

impl World {
    pub fn new(kind: Kind) -> Self {
        static TEMPLATES: [OnceLock<Template>; 2] = [OnceLock::new(), OnceLock::new()];
        let template = TEMPLATES[kind as usize].get_or_init(|| Template::make(kind));
        Self::copy_of(template.folder.path(), &template.known, &template.now)
    }

    pub fn copy_of(from: &Path, known: &BTreeMap<BackupId, String>, now: &str) -> Self {
        let folder = temporary();
        copy(from, folder.path());
        for name in ["data/destination.json", "data/sources.json"] {
            let path = folder.path().join(name);
            if let Ok(text) = fs::read_to_string(&path) {
                let moved = text.replace(from.to_str().unwrap(), folder.path().to_str().unwrap());
                fs::write(path, moved).unwrap();
            }
        }
        let database = live_database(folder.path(), 1_000);
        Self {
            folder,
            known: known.clone(),
            now: now.to_owned(),
            _database: database,
        }
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The backup that is restored: the oldest one.
    pub fn oldest(&self) -> Option<&BackupId> {
        self.known.keys().next()
    }
}

impl Template {
    fn make(kind: Kind) -> Self {
        let folder = temporary();
        let home = folder.path();
        let engine = Engine::open(options(home)).unwrap();
        engine.library().put(&items(0..ITEMS, 0)).unwrap();
        let database = live_database(home, 0);
        for number in 0..6 {
            write_file(home, number, 0);
        }
        let source = NewSource {
            kind: SourceKind::Folder,
            path: home.join("documents"),
            excludes: Vec::new(),
        };
        engine.add_source(source).unwrap();
        let mut known = BTreeMap::new();
        if kind == Kind::BackedUp {
            for version in 1..3 {
                let content = dump(&engine);
                known.insert(back_up(&engine).unwrap(), content);
                engine
                    .library()
                    .put(&items(version * 5..ITEMS / 2, version))
                    .unwrap();
                write_file(home, version, version);
            }
        }
        let now = dump(&engine);
        drop((engine, database));
        if kind == Kind::BackedUp {
            let password = fs::read_to_string(home.join("data/key.txt")).unwrap();
            for part in ["databases", "files"] {
                make_cheap(&home.join("destination").join(part), password.trim());
            }
        }
        Self { folder, known, now }
    }
}

/// In memory where there is such a place: no trial is about a power cut.
fn temporary() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}

pub fn options(home: &Path) -> EngineOptions {
    EngineOptions {
        data_dir: home.join("data"),
        destination: home.join("destination"),
        passphrase: None,
        use_keychain: false,
        device_name: "Torture".into(),
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn write_file(home: &Path, number: u64, version: u64) {
    let folder = home.join("documents/notes");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{number}.txt"));
    fs::write(path, text(500 + number * 10 + version, 3_000)).unwrap();
}

fn live_database(home: &Path, seed: u64) -> Connection {
    fs::create_dir_all(home.join("documents")).unwrap();
    let database = Connection::open(home.join("documents/app.db")).unwrap();
    let text = text(seed, 2_000);
    database
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE IF NOT EXISTS t (a TEXT);
             INSERT INTO t VALUES ('{text}');"
        ))
        .unwrap();
    database
}

/// Text that does not repeat.
pub fn text(seed: u64, length: usize) -> String {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}

pub fn items(numbers: std::ops::Range<u64>, version: u64) -> Vec<Item> {
    let item = |number: u64| {
        let (id, time) = (format!("asset-{number:04}"), "2026-01-02T03:04:05Z");
        let body = text(number * 1_000 + version, 1_500);
        Item {
            json: format!("{{\"id\":\"{id}\",\"version\":{version},\"text\":\"{body}\"}}"),
            id,
            name: Some(format!("Snippet {number}")),
            created: time.into(),
            updated: time.into(),
        }
    };
    numbers.map(item).collect()
}

pub fn back_up(engine: &Engine) -> Result<BackupId, backup_engine::Error> {
    let id = engine.new_backup_id();
    match engine.back_up(&id, &Watch::unwatched())? {
        Outcome::Completed(record) => Ok(record.id),
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

pub fn restore(
    engine: &Engine,
    id: &BackupId,
    watch: &Watch,
) -> Result<Outcome<()>, backup_engine::Error> {
    engine.restore(id, watch)
}

/// A hash of everything the library holds, in order.
pub fn dump(engine: &Engine) -> String {
    let (mut all, mut after) = (String::new(), None::<String>);
    loop {
        let page = engine.library().page(after.as_deref(), 500).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (id, json) in &page {
            all.push_str(&format!("{id}\n{json}\n"));
        }
    }
    hex_of(all.as_bytes())
}

pub fn hex_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SQLite's own verdict on the library's file, read beside the engine.
pub fn verdict(home: &Path) -> String {
    let path = home.join("data/library/library.db");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap()
}
