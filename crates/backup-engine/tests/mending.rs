//! Damage inside of packs: a full verification finds it, the next backup mends what the sources still have, and what was
//! good beside it stays.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backup_engine::{
    BackupId, Depth, Engine, EngineOptions, NewSource, Outcome, Place, RestoreRequest, SourceKind,
    VerifyReport, Watch, What, export_key, import_key,
};
use common::*;
use damage::{objects, overwrite};
use folders::repository;
use rustic_core::repofile::SnapshotFile;
use rustic_core::{IndexedFullStatus, PackedId, Repository};

/// A destination with two backups of a library and of a folder. `gone.txt` is only in the older.
struct Kept {
    home: Home,
    engine: Engine,
    older: BackupId,
    newer: BackupId,
    known: BTreeMap<BackupId, Content>,
}

/// What a backup restores to: its files, and the rows of its databases.
type Content = BTreeMap<PathBuf, Vec<u8>>;

impl Kept {
    fn new() -> Self {
        let home = Home::new();
        let engine = home.open();
        fill(&engine, 60, 2_000);
        let folder = home.folder.path().join("documents");
        fs::create_dir_all(folder.join("notes")).unwrap();
        for number in 0..8 {
            let file = folder.join(format!("notes/{number}.txt"));
            fs::write(file, text(number, 3_000)).unwrap();
        }
        fs::write(folder.join("gone.txt"), text(100, 3_000)).unwrap();
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
        fs::remove_file(folder.join("gone.txt")).unwrap();
        let newer = back_up(&engine).id;
        known.insert(newer.clone(), restored(&engine, &newer).unwrap());
        assert_eq!(known[&older].len(), known[&newer].len() + 1);
        Self {
            home,
            engine,
            older,
            newer,
            known,
        }
    }

    /// Makes a backup, which has to restore to what is there.
    fn back_up(&self) -> BackupId {
        let id = back_up(&self.engine).id;
        assert_eq!(
            restored(&self.engine, &id).unwrap(),
            self.known[&self.newer]
        );
        id
    }

    fn assert_restores(&self, id: &BackupId) {
        assert_eq!(restored(&self.engine, id).unwrap(), self.known[id]);
    }

    fn verify(&self) -> VerifyReport {
        verify(&self.engine, None)
    }

    /// The files under `damaged/` in the destination, without those that lie in the other folder.
    fn damaged(&self, part: &str, kind: &str) -> Vec<PathBuf> {
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
    fn find(&self, part: &str, id: &BackupId, path: &str) -> Found {
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

struct Found {
    pack: PathBuf,
    at: usize,
}

impl Found {
    fn flip(&self) {
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

fn verify(engine: &Engine, what: Option<&BackupId>) -> VerifyReport {
    match engine
        .verify(what, Depth::Full, &Watch::unwatched())
        .unwrap()
    {
        Outcome::Completed(report) => report,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

fn named(report: &VerifyReport) -> BTreeSet<&BackupId> {
    report.damaged.iter().map(|(id, _)| id).collect()
}

/// Restores everything into a folder of its own and reads it.
fn restored(engine: &Engine, id: &BackupId) -> Result<Content, backup_engine::Error> {
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

#[test]
fn what_the_sources_still_have_is_stored_again_and_what_lay_beside_it_stays() {
    let cases = [
        ("files", "documents/notes/3.txt"),
        ("files", "documents/notes"),
        ("databases", "library.db"),
        ("databases", "documents/app.db"),
        ("databases", "documents"),
        ("databases", ""),
    ];
    each(&cases, |part, path| {
        let kept = Kept::new();
        let damaged = kept.find(part, &kept.newer, path);
        damaged.flip();
        let report = kept.verify();
        assert!(named(&report).contains(&kept.newer), "{report:?}");
        assert_eq!(kept.damaged(part, "noted").len(), 1);

        kept.back_up();
        let report = kept.verify();
        assert!(report.damaged.is_empty(), "{part} {path}: {report:?}");
        kept.assert_restores(&kept.newer);
        kept.assert_restores(&kept.older);
        let aside = kept.damaged(part, "data");
        assert_eq!(aside[0].file_name(), damaged.pack.file_name());
        assert!(!damaged.pack.exists());
        assert!(kept.damaged(part, "noted").is_empty());
    });
}

/// A folder that has changed since the older backup: as it was then, no source has it.
#[test]
fn a_folder_as_it_is_now_is_stored_again_and_what_lay_beside_it_stays() {
    each(&[("files", "documents"), ("files", "")], |part, path| {
        let kept = Kept::new();
        kept.find(part, &kept.older, path).flip();
        assert_eq!(named(&kept.verify()), BTreeSet::from([&kept.older]));
        kept.back_up();
        assert_eq!(named(&kept.verify()), BTreeSet::from([&kept.older]));
        kept.assert_restores(&kept.newer);

        let kept = Kept::new();
        kept.find(part, &kept.newer, path).flip();
        assert_eq!(named(&kept.verify()), BTreeSet::from([&kept.newer]));
        kept.back_up();
        assert!(kept.verify().damaged.is_empty());
        kept.assert_restores(&kept.older);
        kept.assert_restores(&kept.newer);
    });
}

/// At the same time: each waits for its files to settle.
fn each(cases: &[(&str, &str)], check: impl Fn(&str, &str) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for (part, path) in cases {
            scope.spawn(move || check(part, path));
        }
    });
}

#[test]
fn only_what_no_source_has_any_more_stays_damaged() {
    let kept = Kept::new();
    kept.find("files", &kept.older, "documents/gone.txt").flip();
    assert_eq!(named(&kept.verify()), BTreeSet::from([&kept.older]));
    let newest = kept.back_up();
    assert_eq!(named(&kept.verify()), BTreeSet::from([&kept.older]));
    for id in [&kept.newer, &newest] {
        assert_eq!(restored(&kept.engine, id).unwrap(), kept.known[&kept.newer]);
    }
    // The chunks beside it, and the folders.
    for (path, content) in &kept.known[&kept.older] {
        let name = path.to_str().unwrap();
        let mut read = Vec::new();
        let outcome = kept
            .engine
            .read(&kept.older, name, &mut read, &Watch::unwatched());
        assert_eq!(outcome.is_ok(), name != "documents/gone.txt", "{name}");
        assert!(outcome.is_err() || read == *content, "{name}");
    }
    // It is not looked for again.
    assert!(kept.damaged("files", "noted").is_empty());
    kept.back_up();
    assert_eq!(kept.damaged("files", "data").len(), 1);
}

#[test]
fn a_pack_that_is_damaged_between_its_chunks_loses_nothing() {
    let kept = Kept::new();
    let mut damaged = kept.find("files", &kept.older, "documents/gone.txt");
    // In the header, which lies at the end.
    damaged.at = fs::metadata(&damaged.pack).unwrap().len() as usize - 10;
    damaged.flip();
    assert!(named(&kept.verify()).contains(&kept.older));
    kept.back_up();
    assert!(kept.verify().damaged.is_empty());
    kept.assert_restores(&kept.older);
    assert_eq!(kept.damaged("files", "data").len(), 1);
}

#[test]
fn what_is_left_of_a_cut_pack_stays() {
    let kept = Kept::new();
    let gone = kept.find("files", &kept.older, "documents/gone.txt");
    let there = kept.find("files", &kept.older, "documents/notes/7.txt");
    assert_eq!(gone.pack, there.pack);
    assert!(
        gone.at < there.at,
        "the one that is cut off is in no source"
    );
    let bytes = fs::read(&there.pack).unwrap();
    overwrite(&there.pack, &bytes[..there.at]);
    assert_eq!(kept.verify().damaged.len(), 2);
    kept.back_up();
    assert!(kept.verify().damaged.is_empty());
    kept.assert_restores(&kept.older);
}

#[test]
fn packs_that_have_changed_places_lose_nothing() {
    let kept = Kept::new();
    let gone = kept.find("files", &kept.older, "documents/gone.txt");
    let folder = kept.find("files", &kept.older, "documents");
    let contents = [&gone, &folder].map(|found| fs::read(&found.pack).unwrap());
    overwrite(&gone.pack, &contents[1]);
    overwrite(&folder.pack, &contents[0]);
    assert!(!kept.verify().damaged.is_empty());
    kept.back_up();
    assert!(kept.verify().damaged.is_empty());
    kept.assert_restores(&kept.older);
}

#[test]
fn what_no_backup_has_any_more_is_not_taken_for_stored_either() {
    let kept = Kept::new();
    let gone = kept.find("files", &kept.older, "documents/gone.txt");
    let content = kept.known[&kept.older][Path::new("documents/gone.txt")].clone();
    kept.engine.delete(&kept.older).unwrap();
    gone.flip();
    assert!(kept.verify().damaged.is_empty());
    assert_eq!(kept.damaged("files", "noted").len(), 1);
    let file = kept.home.folder.path().join("documents/gone.txt");
    fs::write(file, content).unwrap();
    let id = back_up(&kept.engine).id;
    assert_eq!(
        restored(&kept.engine, &id).unwrap(),
        kept.known[&kept.older]
    );
}

#[test]
fn a_note_of_a_sound_pack_and_what_is_no_note_lose_nothing() {
    let kept = Kept::new();
    let sound = kept.find("files", &kept.older, "documents/gone.txt").pack;
    let noted = kept.home.destination().join("damaged/files/noted");
    fs::create_dir_all(&noted).unwrap();
    let name = sound.file_name().unwrap().to_str().unwrap();
    let strange = ["readme", "..hidden", &name[1..], &name.to_uppercase()];
    for name in strange.into_iter().chain([name, &"0".repeat(64)]) {
        fs::write(noted.join(name), "anything").unwrap();
    }
    kept.back_up();
    let left: BTreeSet<_> = objects(&noted).into_iter().collect();
    assert_eq!(left, strange.map(|name| noted.join(name)).into());
    assert!(sound.exists());
    assert!(kept.damaged("files", "data").is_empty());
    kept.assert_restores(&kept.older);
}

#[test]
fn what_one_device_finds_another_one_mends_as_far_as_it_can() {
    let kept = Kept::new();
    let damaged = kept.find("files", &kept.newer, "documents/notes/3.txt");
    damaged.flip();
    assert_eq!(verify(&kept.engine, Some(&kept.newer)).damaged.len(), 1);
    let key = export_key(&kept.home.data(), None).unwrap();
    let device = Home::new();
    let options = EngineOptions {
        destination: kept.home.destination(),
        ..device.options()
    };
    import_key(&options, &key).unwrap();
    let other = Engine::open(options).unwrap();
    let folder = device.folder.path().join("other");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), text(7, 2_000)).unwrap();
    let source = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    other.add_source(source).unwrap();
    back_up(&other);
    assert!(!damaged.pack.exists());
    assert_eq!(named(&kept.verify()).len(), 2);

    kept.back_up();
    assert!(kept.verify().damaged.is_empty());
    kept.assert_restores(&kept.older);
}

#[test]
fn damage_is_told_where_it_cannot_be_noted() {
    let kept = Kept::new();
    kept.find("files", &kept.newer, "documents/notes/3.txt")
        .flip();
    // A file in the way: a mode would not keep out an administrator.
    fs::write(kept.home.destination().join("damaged"), "").unwrap();
    let report = kept.verify();
    assert_eq!(named(&report).len(), 2);
    assert!(
        report.damaged[0].1.contains("cannot be noted"),
        "{report:?}"
    );
}
