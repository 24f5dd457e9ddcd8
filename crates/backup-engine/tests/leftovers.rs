//! What broken-off jobs leave behind, and what is done when the storage is not what its index says: no backup that is
//! listed may lean on something that is not there.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_engine::{CancelFlag, Engine, Error, Outcome, Step, Watch};
use common::*;
use rusqlite::Connection;

fn packs(home: &Home) -> Vec<PathBuf> {
    let folders = fs::read_dir(home.destination().join("databases/data")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.metadata().unwrap() {
            data if data.is_dir() => bytes(&entry.path()),
            data => data.len(),
        })
        .sum()
}

fn assert_restores(engine: &Engine, id: &backup_engine::BackupId, content: &str) {
    restore(engine, id);
    assert_eq!(dump(engine), content);
}

#[test]
fn a_pack_that_is_missing_is_stored_again_by_the_next_backup() {
    for damage in ["removed", "cut"] {
        let home = Home::new();
        let engine = home.open();
        fill(&engine, 400, 2_000);
        let content = dump(&engine);
        back_up(&engine);
        let pack = packs(&home).into_iter().max_by_key(|pack| bytes_of(pack));
        let pack = pack.unwrap();
        if damage == "removed" {
            fs::remove_file(pack).unwrap();
        } else {
            let sound = fs::read(&pack).unwrap();
            fs::write(&pack, &sound[..sound.len() / 2]).unwrap();
        }
        let next = back_up(&engine).id;
        assert_restores(&engine, &next, &content);
    }
}

fn bytes_of(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len()
}

#[test]
fn a_cancelled_backup_leaves_the_destination_as_it_was() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 500);
    back_up(&engine);
    fill(&engine, 5_000, 12_000);
    let before = bytes(&home.destination());
    for share in [0.3, 0.6, 0.95] {
        let flag = CancelFlag::default();
        let canceler = flag.clone();
        let watch = Watch::new(flag, move |step: Step| {
            if step.total > 0 && step.done as f64 > step.total as f64 * share {
                canceler.cancel();
            }
        });
        let ended = engine.back_up(&engine.new_backup_id(), &watch).unwrap();
        assert_eq!(ended, Outcome::Canceled);
        assert_eq!(bytes(&home.destination()), before, "cancelled at {share}");
    }
}

#[test]
fn what_a_killed_backup_stored_is_put_to_use_and_its_half_written_files_go() {
    let home = Home::new();
    let (engine, first) = {
        let engine = home.open();
        fill(&engine, 400, 2_000);
        let first = back_up(&engine);
        (engine, first)
    };
    let content = dump(&engine);
    // As after a kill between the last pack and the index: the packs are there, and nothing else.
    let databases = home.destination().join("databases");
    for folder in ["index", "snapshots"] {
        for entry in fs::read_dir(databases.join(folder)).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    let half = databases
        .join("data/00")
        .join(format!("{}-tmp-", "0".repeat(64)));
    fs::write(&half, "half").unwrap();
    drop(engine);

    let engine = home.open();
    let next = back_up(&engine);
    assert!(next.stored_bytes < first.stored_bytes / 4, "{next:?}");
    assert!(!half.exists());
    assert_restores(&engine, &next.id, &content);
}

#[test]
fn a_damaged_library_makes_no_backup_that_could_not_be_restored() {
    let home = Home::new();
    let good = {
        let engine = home.open();
        fill(&engine, 2_000, 2_000);
        back_up(&engine).id
    };
    // A page of the table, which counting through an index does not read.
    let mut file = fs::read(home.library()).unwrap();
    let page = 16 * 1024;
    let middle = file.len() / page / 2 * page;
    file[middle..middle + page].fill(0xA5);
    fs::write(home.library(), file).unwrap();

    let engine = home.open();
    let made = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(made.unwrap_err().code(), "library-damaged");
    assert_eq!(engine.backups().unwrap().len(), 1);
    restore(&engine, &good);
    assert_sound(&home.data());
}

#[test]
fn records_that_cannot_be_read_are_counted_and_none_at_all_is_no_empty_list() {
    let home = Home::new();
    {
        let engine = home.open();
        fill(&engine, 20, 500);
        back_up(&engine);
        back_up(&engine);
    }
    let folder = home.destination().join("databases/snapshots");
    let records: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let engine = home.open();
    fs::write(&records[0], "cut").unwrap();
    // What was read before is known without them.
    let reopen = |engine: Engine| {
        drop(engine);
        fs::remove_file(home.data().join("catalog.db")).unwrap();
        home.open()
    };
    let engine = reopen(engine);
    assert_eq!(engine.backups().unwrap().len(), 1);
    let error = engine.destination_state().error.unwrap();
    assert!(matches!(error, Error::DamagedRecords(1)), "{error:?}");

    fs::write(&records[1], "cut").unwrap();
    let engine = reopen(engine);
    let error = engine.backups().unwrap_err();
    assert!(matches!(error, Error::DamagedRecords(2)), "{error:?}");
    let content = dump(&engine);
    let made = back_up(&engine);
    assert_eq!(
        engine.backups().unwrap().as_slice(),
        std::slice::from_ref(&made)
    );
    assert_restores(&engine, &made.id, &content);
}

#[test]
fn every_destination_that_was_in_use_is_remembered() {
    let home = Home::new();
    let with = |name: &str| {
        let mut options = home.options();
        options.destination = home.folder.path().join(name);
        Engine::open(options).unwrap()
    };
    for name in ["first", "second"] {
        let engine = with(name);
        fill(&engine, 20, 500);
        back_up(&engine);
    }
    fs::rename(
        home.folder.path().join("first"),
        home.folder.path().join("away"),
    )
    .unwrap();
    fs::create_dir(home.folder.path().join("first")).unwrap();
    let engine = with("first");
    let error = engine.destination_state().error.unwrap();
    assert_eq!(error.code(), "destination-unreachable");
    let made = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(made.unwrap_err().code(), "destination-unreachable");
}

#[test]
fn a_library_that_another_program_has_open_is_restored_and_undone_with_its_log() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 200, 1_000);
    let (original, id) = (dump(&engine), back_up(&engine).id);
    put(&engine, 7, 1);
    let changed = dump(&engine);
    // A reader in the middle of a transaction keeps the log from being brought into the file.
    let other = Connection::open(home.library()).unwrap();
    other.execute_batch("BEGIN").unwrap();
    let count: i64 = other
        .query_row("SELECT count(*) FROM assets", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 200);
    put(&engine, 8, 1);
    let newer = dump(&engine);
    assert_ne!(newer, changed);

    restore(&engine, &id);
    assert_eq!(dump(&engine), original);
    assert_sound(&home.data());
    engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(dump(&engine), newer);
    assert_sound(&home.data());
    drop(engine);
    assert_eq!(dump(&home.open()), newer);
}

fn put(engine: &Engine, number: u64, version: u64) {
    let item = versioned(number, version, 1_000);
    engine.library().put(&[item]).unwrap();
}

/// Flips a bit in a file of the index of `databases/`. The repository library makes its files read-only.
fn damage_index(home: &Home) -> PathBuf {
    let mut files = fs::read_dir(home.destination().join("databases/index")).unwrap();
    let path = files.next().unwrap().unwrap().path();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_damaged_index_file_is_set_aside_and_made_anew_from_the_packs() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 200, 2_000);
    let (content, first) = (dump(&engine), back_up(&engine).id);
    engine.library().put(&[versioned(1, 1, 2_000)]).unwrap();
    let damaged = damage_index(&home);
    let bytes = fs::read(&damaged).unwrap();
    let next = back_up(&engine).id;
    let aside = home.destination().join("damaged/databases/index");
    let aside = aside.join(damaged.file_name().unwrap());
    assert_eq!(fs::read(aside).unwrap(), bytes, "it is kept as it was");
    let now = dump(&engine);
    for (id, content) in [(&first, content), (&next, now)] {
        restore(&engine, id);
        assert_eq!(dump(&engine), content);
    }
}

#[test]
fn an_index_that_was_made_anew_stays_when_its_backup_is_cancelled() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 200, 2_000);
    let (content, first) = (dump(&engine), back_up(&engine).id);
    fill(&engine, 400, 2_000);
    damage_index(&home);
    let flag = CancelFlag::default();
    let asked = flag.clone();
    let watch = Watch::new(flag, move |step: Step| {
        if step.done > 0 {
            asked.cancel();
        }
    });
    let outcome = engine.back_up(&engine.new_backup_id(), &watch).unwrap();
    assert_eq!(outcome, Outcome::Canceled);
    restore(&engine, &first);
    assert_eq!(dump(&engine), content);
}

#[test]
fn a_pack_that_is_cut_to_nothing_is_stored_again_by_the_next_backup() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 200, 2_000);
    back_up(&engine);
    for pack in packs(&home) {
        fs::remove_file(&pack).unwrap();
        fs::write(pack, "").unwrap();
    }
    engine.library().put(&[versioned(1, 1, 2_000)]).unwrap();
    let (content, next) = (dump(&engine), back_up(&engine).id);
    engine.library().put(&[versioned(2, 1, 2_000)]).unwrap();
    restore(&engine, &next);
    assert_eq!(dump(&engine), content);
}
