//! The small files without which nothing of a destination can be read: damage to them is found and mended while it can be.
#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;
#[path = "common/kept.rs"]
mod kept;

use std::fs;
use std::path::PathBuf;

use backup_engine::{Depth, Engine, NewSource, Outcome, SourceKind, VerifyReport, Watch};
use common::*;
use damage::{objects, overwrite};
use folders::repository;
use kept::{Kept, named, restored};
use rustic_core::KeyOptions;

fn key_file(home: &Home, part: &str) -> PathBuf {
    let keys = objects(&home.destination().join(part).join("keys"));
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

fn verified(engine: &Engine, depth: Depth) -> VerifyReport {
    match engine.verify(None, depth, &Watch::unwatched()).unwrap() {
        Outcome::Completed(report) => report,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

#[test]
fn a_damaged_key_file_is_found_and_mended_with_the_one_of_the_other_part() {
    let kept = Kept::new();
    let key = |part| key_file(&kept.home, part);
    for part in ["databases", "files"] {
        let file = key(part);
        let sound = fs::read(&file).unwrap();
        for damaged in [Some("not any more"), None] {
            fs::remove_file(&file).unwrap();
            if let Some(text) = damaged {
                fs::write(&file, text).unwrap();
            }
            for depth in [Depth::Quick, Depth::Full] {
                let report = verified(&kept.engine, depth);
                let all = named(&report).len() as u64 == report.backups;
                assert!(all, "{part} {depth:?}: {report:?}");
                assert!(report.damaged[0].1.contains("key"), "{report:?}");
            }
            back_up(&kept.engine);
            assert_eq!(fs::read(&file).unwrap(), sound);
            assert!(verified(&kept.engine, Depth::Quick).damaged.is_empty());
        }
    }
}

#[test]
fn a_backup_notices_a_key_file_that_nothing_can_mend() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    back_up(&engine);
    overwrite(&key_file(&home, "databases"), b"not any more");
    let refused = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(refused.unwrap_err().code(), "damaged");
    assert_eq!(named(&verified(&engine, Depth::Quick)).len(), 1);
}

#[test]
fn what_other_programs_put_beside_the_keys_keeps_no_backup_from_being_made() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    back_up(&engine);
    let keys = home.destination().join("databases/keys");
    let strange = [".DS_Store", "Thumbs.db", ".nfs000000000001"];
    for name in strange {
        fs::write(keys.join(name), name).unwrap();
    }
    let folder = home.folder.path().join("documents");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "text").unwrap();
    let source = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    engine.add_source(source).unwrap();
    back_up(&engine);
    key_file(&home, "files");
    assert!(verified(&engine, Depth::Full).damaged.is_empty());
    drop(engine);
    back_up(&home.open());
}

/// A copy of the key made the other repository: the same password, and all else another.
#[test]
fn another_disk_with_the_same_password_is_opened_without_a_new_start() {
    let (home, other) = (Home::new(), Home::new());
    let engine = home.open();
    fill(&engine, 5, 100);
    let first = back_up(&engine).id;
    let second = {
        fs::create_dir_all(other.data()).unwrap();
        fs::copy(home.data().join("key.txt"), other.data().join("key.txt")).unwrap();
        let engine = other.open();
        fill(&engine, 7, 100);
        back_up(&engine).id
    };
    let aside = home.folder.path().join("aside");
    fs::rename(home.destination(), &aside).unwrap();
    fs::rename(other.destination(), home.destination()).unwrap();
    let listed = engine.backups().unwrap();
    assert_eq!(listed[0].id, second);
    restore(&engine, &second);
    back_up(&engine);
    fs::rename(home.destination(), other.destination()).unwrap();
    fs::rename(&aside, home.destination()).unwrap();
    restore(&engine, &first);
}

#[test]
fn a_disk_with_another_key_locks_only_itself() {
    let (home, other) = (Home::new(), Home::new());
    let engine = home.open();
    fill(&engine, 5, 100);
    let own = back_up(&engine).id;
    {
        let engine = other.open();
        fill(&engine, 7, 100);
        back_up(&engine);
    }
    let aside = home.folder.path().join("aside");
    for _ in 0..2 {
        fs::rename(home.destination(), &aside).unwrap();
        fs::rename(other.destination(), home.destination()).unwrap();
        for _ in 0..2 {
            assert_eq!(engine.backups().unwrap_err().code(), "locked");
        }
        fs::rename(home.destination(), other.destination()).unwrap();
        fs::rename(&aside, home.destination()).unwrap();
        assert_eq!(engine.backups().unwrap()[0].id, own);
        assert!(verified(&engine, Depth::Quick).damaged.is_empty());
        restore(&engine, &own);
    }
}

#[test]
fn a_damaged_key_file_locks_nobody_out_as_long_as_the_other_part_has_it() {
    let kept = Kept::new();
    let key = backup_engine::export_key(&kept.home.data(), None).unwrap();
    let Kept {
        home,
        mut engine,
        newer,
        ..
    } = kept;
    for part in ["databases", "files"] {
        let file = key_file(&home, part);
        let sound = fs::read(&file).unwrap();
        for damaged in [Some("not any more"), None] {
            fs::remove_file(&file).unwrap();
            if let Some(text) = damaged {
                fs::write(&file, text).unwrap();
            }
            drop(engine);
            let other = Home::new();
            let options = backup_engine::EngineOptions {
                destination: home.destination(),
                ..other.options()
            };
            backup_engine::import_key(&options, &key).unwrap();
            engine = home.open();
            restored(&engine, &newer).unwrap();
            back_up(&engine);
            assert_eq!(fs::read(&file).unwrap(), sound, "{part} {damaged:?}");
        }
    }
}

/// Nothing but the backup opens a part after the start.
#[test]
fn a_missing_key_file_is_mended_by_a_backup_right_after_a_start() {
    let Kept {
        home, mut engine, ..
    } = Kept::new();
    for part in ["databases", "files"] {
        let file = key_file(&home, part);
        let sound = fs::read(&file).unwrap();
        for folder_too in [false, true] {
            drop(engine);
            fs::remove_file(&file).unwrap();
            if folder_too {
                fs::remove_dir(file.parent().unwrap()).unwrap();
            }
            engine = home.open();
            back_up(&engine);
            assert_eq!(fs::read(&file).unwrap(), sound, "{part} {folder_too}");
        }
    }
}

#[test]
fn a_key_file_is_not_copied_into_a_part_that_it_does_not_open() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    back_up(&engine);
    drop(engine);
    // With a key of its own, as earlier versions made it.
    repository(&home, "files");
    let file = key_file(&home, "files");
    fs::remove_file(&file).unwrap();
    let engine = home.open();
    let refused = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(refused.unwrap_err().code(), "damaged");
    assert!(objects(file.parent().unwrap()).is_empty());
}

/// As `restic key add` makes them.
fn add_keys(home: &Home, part: &str) -> Vec<PathBuf> {
    let own = key_file(home, part);
    for password in ["one", "two", "three"] {
        let part = repository(home, part);
        part.add_key(password, &KeyOptions::default()).unwrap();
    }
    let all = objects(own.parent().unwrap()).into_iter();
    all.filter(|file| *file != own).collect()
}

#[test]
fn damaged_key_files_beside_one_that_opens_the_part_are_in_nobodys_way() {
    let Kept {
        home,
        engine,
        newer,
        ..
    } = Kept::new();
    drop(engine);
    let own = ["databases", "files"].map(|part| key_file(&home, part));
    for part in ["databases", "files"] {
        for (at, added) in add_keys(&home, part).iter().enumerate() {
            if at > 0 {
                overwrite(added, b"not any more");
            }
        }
        let engine = home.open();
        back_up(&engine);
        restored(&engine, &newer).unwrap();
        let report = verified(&engine, Depth::Full);
        assert!(report.damaged.is_empty(), "{part}: {report:?}");
    }
    // What is left is whole, and another password opens it.
    let engine = home.open();
    back_up(&engine);
    own.iter().for_each(|file| overwrite(file, b"not any more"));
    let refused = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(refused.unwrap_err().code(), "damaged");
    let report = verified(&engine, Depth::Quick);
    assert_eq!(named(&report).len() as u64, report.backups, "{report:?}");
}
