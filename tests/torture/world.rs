//! A world for one trial: a data folder with a library, a folder source with files and a live database, and a destination
//! with backups whose contents are known. It is a copy of one that is made once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backup_engine::{
    BackupId, Engine, EngineOptions, Error, Item, NewSource, Outcome, Place, RestoreRequest,
    SourceKind, Watch, What,
};
use rusqlite::Connection;

use crate::cheap_key::make_cheap;
use crate::content::Content;

pub struct World {
    /// Removed when the trial ends.
    folder: Folder,
    /// Every backup that was acknowledged.
    pub known: BTreeMap<BackupId, Content>,
    /// What is live now: its last changes are in no backup.
    pub now: Content,
    /// Keeps the database live: its log is not empty, and the backups read beside it.
    database: Option<Connection>,
}

enum Folder {
    Own(tempfile::TempDir),
    Others(PathBuf),
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
    known: BTreeMap<BackupId, Content>,
    now: Content,
}

const ITEMS: u64 = 40;

impl World {
    pub fn new(kind: Kind) -> Self {
        static TEMPLATES: [OnceLock<Template>; 2] = [OnceLock::new(), OnceLock::new()];
        let template = TEMPLATES[kind as usize].get_or_init(|| Template::make(kind));
        Self::copy_of(template.folder.path(), &template.known, &template.now)
    }

    /// A copy of the world in this folder.
    pub fn copy_of(from: &Path, known: &BTreeMap<BackupId, Content>, now: &Content) -> Self {
        let folder = temporary();
        copy_world(from, folder.path());
        let mut world = Self {
            folder: Folder::Own(folder),
            known: known.clone(),
            now: now.clone(),
            database: None,
        };
        if from.join("documents").is_dir() {
            world.database = Some(live_database(world.home(), 1_000));
            world.now.documents = Content::documents_of(&world.home().join("documents")).unwrap();
        }
        world
    }

    /// The same in another folder, which is not there yet and is not removed.
    pub fn moved_to(mut self, home: &Path) -> Self {
        let was_live = self.database.take().is_some();
        copy_world(self.home(), home);
        let mut world = Self::in_place(home, self.known.clone(), self.now.clone());
        if was_live {
            world.database = Some(live_database(home, 2_000));
            world.now.documents = Content::documents_of(&home.join("documents")).unwrap();
        }
        world
    }

    /// The world of another process, as it is.
    pub fn in_place(home: &Path, known: BTreeMap<BackupId, Content>, now: Content) -> Self {
        Self {
            folder: Folder::Others(home.to_owned()),
            known,
            now,
            database: None,
        }
    }

    /// The program that has the database open ends: a restore of its folder would wait for that.
    pub fn quit(&mut self) {
        self.database = None;
    }

    pub fn home(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Others(folder) => folder,
        }
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
        fs::create_dir(home.join("documents/empty")).unwrap();
        std::os::unix::fs::symlink("notes/0.txt", home.join("documents/link")).unwrap();
        let source = NewSource {
            kind: SourceKind::Folder,
            path: home.join("documents"),
            excludes: Vec::new(),
        };
        engine.add_source(source).unwrap();
        let mut known = BTreeMap::new();
        if kind == Kind::BackedUp {
            for version in 1..3 {
                let content = Content::live(home, &engine).unwrap();
                known.insert(back_up(&engine).unwrap(), content);
                engine
                    .library()
                    .put(&items(version * 5..ITEMS / 2, version))
                    .unwrap();
                write_file(home, version, version);
                insert(&database, version);
            }
        }
        let now = Content::live(home, &engine).unwrap();
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

/// In memory where there is such a place: a trial about a power cut moves to a disk.
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
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// With what it knows of its own place.
fn copy_world(from: &Path, to: &Path) {
    copy(from, to);
    for name in ["data/destination.json", "data/sources.json"] {
        let path = to.join(name);
        if let Ok(text) = fs::read_to_string(&path) {
            let moved = text.replace(from.to_str().unwrap(), to.to_str().unwrap());
            fs::write(path, moved).unwrap();
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
    let set_up = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
        CREATE TABLE IF NOT EXISTS t (a TEXT);";
    database.execute_batch(set_up).unwrap();
    insert(&database, seed);
    database
}

fn insert(database: &Connection, seed: u64) {
    let insert = "INSERT INTO t VALUES (?1)";
    database.execute(insert, [text(seed, 2_000)]).unwrap();
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

pub fn back_up(engine: &Engine) -> Result<BackupId, Error> {
    let id = engine.new_backup_id();
    match engine.back_up(&id, &Watch::unwatched())? {
        Outcome::Completed(record) => Ok(record.id),
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

/// Everything, in its place or into a folder.
pub fn restore(
    engine: &Engine,
    id: &BackupId,
    place: Place,
    watch: &Watch,
) -> Result<Outcome<()>, Error> {
    let request = RestoreRequest {
        backup: id.clone(),
        what: What::Everything,
        place,
    };
    engine.restore(&request, watch)
}
