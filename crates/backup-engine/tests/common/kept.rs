//! A destination with backups whose content is known, and where in it what lies.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backup_engine::{
    BackupId, Depth, Engine, NewSource, Outcome, Place, RestoreRequest, SourceKind, VerifyReport,
    Watch, What,
};
use rustic_core::repofile::SnapshotFile;
use rustic_core::{IndexedFullStatus, PackedId, Repository};

use super::damage::{objects, overwrite};
use super::folders::{self, repository};
use super::{Home, back_up, fill, text};

/// Files that the source has no more.
const GONE: [&str; 2] = ["gone.txt", "gone-too.txt"];

/// A destination with two backups of a library and of a folder. [`GONE`] is only in the older.
pub struct Kept {
    pub home: Home,
    pub engine: Engine,
    pub older: BackupId,
    pub newer: BackupId,
    pub known: BTreeMap<BackupId, Content>,
}

/// What a backup restores to: its files, and the rows of its databases.
pub type Content = BTreeMap<PathBuf, Vec<u8>>;

impl Kept {
    pub fn new() -> Self {
        let home = Home::new();
        let engine = home.open();
        fill(&engine, 60, 2_000);
        let folder = home.folder.path().join("documents");
        fs::create_dir_all(folder.join("notes")).unwrap();
        for number in 0..8 {
            let file = folder.join(format!("notes/{number}.txt"));
            fs::write(file, text(number, 3_000)).unwrap();
        }
        for (seed, name) in GONE.into_iter().enumerate() {
            fs::write(folder.join(name), text(100 + seed as u64, 3_000)).unwrap();
        }
        folders::database(&folder.join("app.db"), 200);
        let source = NewSource {
            kind: SourceKind::Folder,
            path: folder.clone(),
            excludes: Vec::new(),
        };
        engine.add_source(source).unwrap();
        settle(&folder);
        let mut known = BTreeMap::new();
        let older = back_up(&engine).id;
        known.insert(older.clone(), restored(&engine, &older).unwrap());
        for name in GONE {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let newer = back_up(&engine).id;
        known.insert(newer.clone(), restored(&engine, &newer).unwrap());
        assert_eq!(known[&older].len(), known[&newer].len() + GONE.len());
        Self {
            home,
            engine,
            older,
            newer,
            known,
        }
    }

    /// Makes a backup, which has to restore to what is there.
    pub fn back_up(&self) -> BackupId {
        let id = back_up(&self.engine).id;
        assert_eq!(
            restored(&self.engine, &id).unwrap(),
            self.known[&self.newer]
        );
        id
    }

    pub fn assert_restores(&self, id: &BackupId) {
        assert_eq!(restored(&self.engine, id).unwrap(), self.known[id]);
    }

    pub fn verify(&self) -> VerifyReport {
        verify(&self.engine, None)
    }

    /// The files under `damaged/` in the destination, without those that lie in the other folder.
    pub fn damaged(&self, part: &str, kind: &str) -> Vec<PathBuf> {
        let folder = self
            .home
            .destination()
            .join("damaged")
            .join(part)
            .join(kind);
        match folder.is_dir() {
            true => objects(&folder),
            false => Vec::new(),
        }
    }

    /// The pack with what lies at this path of a backup, and where in it: the content of a file, or the list of a folder.
    pub fn find(&self, part: &str, id: &BackupId, path: &str) -> Found {
        let repository = repository(&self.home, part).to_indexed().unwrap();
        let snapshot = snapshot(&repository, id);
        let Some(name) = Some(path).filter(|path| !path.is_empty()) else {
            return self.found(part, &repository, &snapshot.tree);
        };
        let node = repository
            .node_from_path(snapshot.tree, Path::new(name))
            .unwrap();
        match node.subtree {
            Some(folder) => self.found(part, &repository, &folder),
            None => self.found(part, &repository, &node.content.unwrap()[0]),
        }
    }

    fn found(
        &self,
        part: &str,
        repository: &Repository<IndexedFullStatus>,
        id: &impl PackedId,
    ) -> Found {
        let entry = repository.get_index_entry(id).unwrap();
        let name = entry.pack.to_hex();
        let data = self.home.destination().join(part).join("data");
        Found {
            pack: data.join(&name.as_str()[..2]).join(name.as_str()),
            at: (entry.location.offset + entry.location.length / 2) as usize,
        }
    }
}

pub struct Found {
    pub pack: PathBuf,
    pub at: usize,
}

impl Found {
    pub fn flip(&self) {
        let mut bytes = fs::read(&self.pack).unwrap();
        bytes[self.at] ^= 0x10;
        overwrite(&self.pack, &bytes);
    }
}

/// Until nothing in this folder is so new that every backup stores it with another time of its last change.
fn settle(folder: &Path) {
    for file in objects(folder) {
        let age = || {
            let metadata = fs::metadata(&file).unwrap();
            let changed = UNIX_EPOCH + Duration::from_secs(metadata.ctime() as u64 + 1);
            SystemTime::now()
                .duration_since(changed)
                .unwrap_or_default()
        };
        while age() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn snapshot(repository: &Repository<IndexedFullStatus>, id: &BackupId) -> SnapshotFile {
    let all = repository.get_all_snapshots().unwrap();
    let of_backup = |snapshot: &SnapshotFile| {
        let text = snapshot.description.as_deref().unwrap_or_default();
        text.contains(id.as_str())
    };
    all.into_iter().find(of_backup).unwrap()
}

pub fn verify(engine: &Engine, what: Option<&BackupId>) -> VerifyReport {
    match engine
        .verify(what, Depth::Full, &Watch::unwatched())
        .unwrap()
    {
        Outcome::Completed(report) => report,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

pub fn named(report: &VerifyReport) -> BTreeSet<&BackupId> {
    report.damaged.iter().map(|(id, _)| id).collect()
}

/// Restores everything into a folder of its own and reads it.
pub fn restored(engine: &Engine, id: &BackupId) -> Result<Content, backup_engine::Error> {
    let folder = tempfile::tempdir().unwrap();
    let request = RestoreRequest {
        backup: id.clone(),
        what: What::Everything,
        place: Place::Folder(folder.path().join("restored")),
    };
    engine.restore(&request, &Watch::unwatched())?;
    let root = folder.path().join("restored");
    let files = objects(&root).into_iter();
    Ok(files
        .map(|file| {
            (
                file.strip_prefix(&root).unwrap().to_owned(),
                fs::read(file).unwrap(),
            )
        })
        .collect())
}
