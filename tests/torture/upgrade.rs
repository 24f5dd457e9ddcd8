//! What earlier versions left on disk is read, restored and gone on with; what later versions will leave is refused, and
//! nothing is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use backup_engine::{BackupId, Engine, ErrorKind, NewSource, Place, SourceKind, Watch};

use crate::by_hand::change_record;
use crate::content::{Content, hex_of};
use crate::judge::restores_to;
use crate::world::{Kind, World, back_up, copy, options, restore};

/// A home of layout 1, with what is in its backups.
fn layout_1() -> World {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(fixtures.join("layout-1.tar.gz"))
        .arg("-C")
        .arg(folder.path())
        .status();
    assert!(unpacked.unwrap().success());
    let places = folder.path().join("data/destination.json");
    let text = fs::read_to_string(&places).unwrap();
    fs::write(
        places,
        text.replace("HOME", folder.path().to_str().unwrap()),
    )
    .unwrap();
    let content = |library: &str| Content {
        library: library.to_owned(),
        documents: Content::documents_of(Path::new("/nowhere")).unwrap(),
    };
    let expected = fs::read_to_string(fixtures.join("layout-1.expected")).unwrap();
    let mut known: BTreeMap<BackupId, Content> = BTreeMap::new();
    let mut now = None;
    for (name, hash) in expected.lines().filter_map(|line| line.split_once(' ')) {
        match BackupId::parse(name) {
            Some(id) => drop(known.insert(id, content(hash))),
            None => now = Some(content(hash)),
        }
    }
    World::copy_of(folder.path(), &known, &now.unwrap())
}

#[test]
fn what_the_first_layout_left_is_read_restored_undone_and_gone_on_with() {
    let world = layout_1();
    let engine = Engine::open(options(world.home())).unwrap();
    assert_eq!(Content::live(world.home(), &engine).unwrap(), world.now);
    let listed: Vec<BackupId> = engine
        .backups()
        .unwrap()
        .iter()
        .rev()
        .map(|record| record.id.clone())
        .collect();
    assert_eq!(listed, world.known.keys().cloned().collect::<Vec<_>>());
    // The last restore of the old version is undone by this one.
    engine.undo(&Watch::unwatched()).unwrap();
    let newest = world.known.values().next_back().unwrap();
    assert_eq!(Content::live(world.home(), &engine).unwrap(), *newest);
    for (id, content) in &world.known {
        restores_to(&world, &engine, id, content).unwrap();
    }

    // Without a folder it stays what the old version can read; with one it is upgraded.
    let note = || fs::read_to_string(world.home().join("destination/holdfast.json")).unwrap();
    back_up(&engine).unwrap();
    assert_eq!(note(), "{\"layout\":1}");
    let folder = world.home().join("documents");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.txt"), "a").unwrap();
    let source = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    engine.add_source(source).unwrap();
    let next = back_up(&engine).unwrap();
    assert_eq!(note(), "{\"layout\":2}");
    let now = Content::live(world.home(), &engine).unwrap();
    restores_to(&world, &engine, &next, &now).unwrap();
    for (id, content) in &world.known {
        restores_to(&world, &engine, id, content).unwrap();
    }
}

#[test]
fn a_newer_layout_is_refused_and_nothing_is_written() {
    refused(|home, _| {
        fs::write(home.join("destination/holdfast.json"), "{\"layout\":3}").unwrap();
    });
}

#[test]
fn a_newer_record_is_refused_and_nothing_is_written() {
    restore_is_refused(|home, id| change_record(home, id, |details| details["format"] = 3.into()));
}

#[test]
fn a_newer_library_in_a_backup_is_refused_and_nothing_is_written() {
    restore_is_refused(|home, id| {
        change_record(home, id, |details| details["library"]["schema"] = 2.into());
    });
}

#[test]
fn a_newer_library_in_the_data_folder_is_refused_and_nothing_is_written() {
    let world = World::new(Kind::BackedUp);
    let library = world.home().join("data/library/library.db");
    let database = rusqlite::Connection::open(&library).unwrap();
    database.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(database);
    let before = fs::read(&library).unwrap();
    let error = Engine::open(options(world.home())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Newer, "{error:?}");
    assert_eq!(fs::read(&library).unwrap(), before);
}

fn refused(newer: impl Fn(&Path, &BackupId)) {
    let world = World::new(Kind::BackedUp);
    let id = world.oldest().unwrap();
    newer(world.home(), id);
    let before = state(&world.home().join("destination"));
    let engine = Engine::open(options(world.home())).unwrap();
    let folder = Place::Folder(world.home().join("target"));
    let watch = Watch::unwatched();
    let errors = [
        engine.backups().map(drop).unwrap_err(),
        back_up(&engine).map(drop).unwrap_err(),
        restore(&engine, id, folder, &watch).map(drop).unwrap_err(),
        engine.delete(id).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Newer, "{error:?}");
    }
    assert_eq!(state(&world.home().join("destination")), before);
    assert!(!world.home().join("target").exists());
}

fn restore_is_refused(newer: impl Fn(&Path, &BackupId)) {
    let mut world = World::new(Kind::BackedUp);
    world.quit();
    let id = world.oldest().unwrap().clone();
    newer(world.home(), &id);
    let engine = Engine::open(options(world.home())).unwrap();
    let parts = ["destination", "documents", "data/library"];
    let all = || parts.map(|part| state(&world.home().join(part)));
    let before = all();
    for place in [Place::InPlace, Place::Folder(world.home().join("target"))] {
        let error = restore(&engine, &id, place, &Watch::unwatched()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Newer, "{error:?}");
    }
    assert_eq!(all(), before);
    assert!(!world.home().join("target").exists());
    // It does no harm to the others.
    let newest = world.known.keys().next_back().unwrap();
    restores_to(&world, &engine, newest, &world.known[newest]).unwrap();
    back_up(&engine).unwrap();
}

fn state(folder: &Path) -> BTreeMap<PathBuf, String> {
    let aside = tempfile::tempdir().unwrap();
    // A copy, so that nothing that is looked at is opened for long.
    copy(folder, aside.path());
    fn scan(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scan(&path, root, found);
            } else if !path.ends_with("library.db-shm") {
                let content = fs::read(&path).unwrap_or_default();
                found.insert(
                    path.strip_prefix(root).unwrap().to_owned(),
                    hex_of(&content),
                );
            }
        }
    }
    let mut found = BTreeMap::new();
    scan(aside.path(), aside.path(), &mut found);
    found
}
