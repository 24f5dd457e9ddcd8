//! Verifying backups: damage is found, the right backups are named, and what is proven is seen everywhere.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use backup_engine::{
    BackupId, CancelFlag, Depth, Engine, EngineOptions, EntryKind, Outcome, Phase, VerifyReport,
    Watch, export_key, import_key,
};
use common::*;
use damage::{DAMAGES, Damage, damage, objects};
use folders::{Stored, database, put_folders};

const DEPTHS: [Depth; 3] = [Depth::Quick, Depth::Full, Depth::Rehearsal];

/// Two backups of a library, the older with a folder too.
fn prepared(home: &Home) -> (Engine, BackupId, BackupId) {
    let engine = home.open();
    fill(&engine, 60, 2_000);
    let older = back_up(&engine).id;
    let (files, databases) = (home.folder.path().join("f"), home.folder.path().join("d"));
    for folder in [&files.join("sub"), &databases.join("sub")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(files.join("sub/large"), text(1, 400_000)).unwrap();
    fs::write(files.join("empty"), "").unwrap();
    database(&databases.join("sub/notes.db"), 50);
    let stored = Stored {
        id: "docs",
        files: &files,
        databases: Some(&databases),
    };
    put_folders(home, &older, &[stored]);
    engine.library().put(&[versioned(1, 1, 90_000)]).unwrap();
    let newer = back_up(&engine).id;
    assert_eq!(engine.backups().unwrap().len(), 2);
    (engine, older, newer)
}

fn verify(engine: &Engine, what: Option<&BackupId>, depth: Depth) -> VerifyReport {
    match engine.verify(what, depth, &Watch::unwatched()).unwrap() {
        Outcome::Completed(report) => report,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

fn named(report: &VerifyReport) -> BTreeSet<BackupId> {
    report.damaged.iter().map(|(id, _)| id.clone()).collect()
}

/// Reads everything of a backup. False: something of it cannot be read.
fn reads_whole(engine: &Engine, id: &BackupId) -> bool {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let Ok(page) = engine.list(id, &folder, None, 1_000, &Watch::unwatched()) else {
            return false;
        };
        for entry in page.items {
            match entry.kind {
                EntryKind::Folder if entry.path != "library" => folders.push(entry.path),
                EntryKind::File | EntryKind::Database => {
                    let read =
                        engine.read(id, &entry.path, &mut std::io::sink(), &Watch::unwatched());
                    if read.is_err() {
                        return false;
                    }
                }
                _ => {}
            }
        }
    }
    true
}

/// The listed backups that cannot be read whole from the destination as it is.
fn broken(engine: &Engine) -> BTreeSet<BackupId> {
    // A job that begins drops what is kept.
    let _ = engine.undo(&Watch::unwatched());
    let Ok(backups) = engine.backups() else {
        return BTreeSet::new();
    };
    let ids = backups.iter().map(|record| record.id.clone());
    ids.filter(|id| !reads_whole(engine, id)).collect()
}

#[test]
fn what_is_sound_passes_at_every_depth() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    for depth in DEPTHS {
        let report = verify(&engine, None, depth);
        assert_eq!((report.depth, report.backups), (depth, 2));
        assert_eq!(
            (report.damaged.len(), report.unreadable),
            (0, 0),
            "{report:?}"
        );
        assert_eq!(report.bytes_read > 200_000, depth != Depth::Quick);
        assert_eq!(verify(&engine, Some(&newer), depth).backups, 1);
    }
    assert!(!home.data().join("rehearsal").exists());
    assert!(broken(&engine).is_empty());
    restore(&engine, &older);
}

#[test]
fn every_damage_is_found_and_names_those_who_need_what_is_damaged() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    let all = objects(&home.destination());
    let mut found = [0, 0];
    for object in &all {
        let mut needed_by = BTreeSet::new();
        // What is removed shows who needs it.
        for kind in [Damage::Removed].into_iter().chain(DAMAGES) {
            let Some(mend) = damage(object, kind, &all) else {
                continue;
            };
            let what = format!("{} {kind:?}", object.display());
            let broken = broken(&engine);
            if kind == Damage::Removed {
                needed_by.extend(broken.clone());
            }
            let verified = engine.verify(None, Depth::Full, &Watch::unwatched());
            match verified {
                // Nothing can be read without these, the list included.
                Err(error) => {
                    assert_ne!(error.code(), "failed", "{what}: {error:?}");
                    let needed_by_all = ["holdfast.json", "config"];
                    assert!(
                        needed_by_all.iter().any(|name| object.ends_with(name)),
                        "{what}: {error:?}"
                    );
                }
                Ok(Outcome::Canceled) => panic!("{what}: nobody cancelled"),
                Ok(Outcome::Completed(report)) => {
                    let named = named(&report);
                    assert!(broken.is_subset(&named), "{what}: {broken:?} {report:?}");
                    let may: BTreeSet<_> = needed_by.union(&broken).cloned().collect();
                    let record = object.parent().unwrap().ends_with("databases/snapshots");
                    // This program has the key already; no other one will have it.
                    let key = object.parent().unwrap().ends_with("keys");
                    assert!(
                        record || key || named.is_subset(&may),
                        "{what}: {may:?} {report:?}"
                    );
                    assert!(report.damaged.is_sorted_by(|a, b| a.0 >= b.0));
                    found[0] += usize::from(named.contains(&older));
                    found[1] += usize::from(named.contains(&newer));
                }
            }
            mend();
        }
    }
    assert!(found[0] > 30 && found[1] > 10, "{found:?}");
    assert!(verify(&engine, None, Depth::Full).damaged.is_empty());
}

/// Packs of file content, found by their being the largest.
fn largest(home: &Home, part: &str) -> PathBuf {
    let packs = objects(&home.destination().join(part).join("data"));
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    packs.into_iter().max_by_key(size).unwrap()
}

#[test]
fn reading_all_content_finds_what_a_look_at_sizes_cannot() {
    let home = Home::new();
    let (engine, older, _) = prepared(&home);
    let pack = largest(&home, "files");
    let mend = damage(&pack, Damage::Flipped, &[]).unwrap();
    assert!(verify(&engine, None, Depth::Quick).damaged.is_empty());
    for depth in [Depth::Full, Depth::Rehearsal] {
        let report = verify(&engine, None, depth);
        assert_eq!(
            named(&report),
            BTreeSet::from([older.clone()]),
            "{report:?}"
        );
    }
    mend();
    for kind in [Damage::Cut, Damage::Removed] {
        let mend = damage(&pack, kind, &[]).unwrap();
        let report = verify(&engine, None, Depth::Quick);
        assert_eq!(
            named(&report),
            BTreeSet::from([older.clone()]),
            "{report:?}"
        );
        let reason = &report.damaged[0].1;
        assert!(reason.contains("pack") && !reason.contains('/'), "{reason}");
        mend();
    }
}

#[test]
fn a_record_that_cannot_be_read_is_named_where_it_is_remembered_and_else_counted() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    let records = objects(&home.destination().join("databases/snapshots"));
    let key = export_key(&home.data(), None).unwrap();
    drop(engine);
    let _mend = damage(&records[0], Damage::Flipped, &[]).unwrap();
    let engine = home.open();
    let report = verify(&engine, None, Depth::Quick);
    assert_eq!(
        report.damaged.len() as u64 + report.unreadable,
        1,
        "{report:?}"
    );

    let other = Home::new();
    let options = EngineOptions {
        destination: home.destination(),
        ..other.options()
    };
    import_key(&options, &key).unwrap();
    let engine = Engine::open(options).unwrap();
    let report = verify(&engine, None, Depth::Quick);
    assert_eq!((report.backups, report.unreadable), (1, 1));
    let errors =
        [older, newer].map(|id| engine.verify(Some(&id), Depth::Quick, &Watch::unwatched()));
    assert_eq!(errors.iter().filter(|one| one.is_err()).count(), 1);
}

#[test]
fn a_rehearsal_is_noted_where_every_device_sees_it() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    assert!(
        engine
            .backups()
            .unwrap()
            .iter()
            .all(|record| record.proven.is_none())
    );
    let before = chrono::Utc::now();
    let report = verify(&engine, Some(&older), Depth::Rehearsal);
    assert!(report.damaged.is_empty(), "{report:?}");
    assert!(report.bytes_read > 400_000);
    assert!(!home.data().join("rehearsal").exists());

    let key = export_key(&home.data(), None).unwrap();
    drop(engine);
    let other = Home::new();
    let options = EngineOptions {
        destination: home.destination(),
        ..other.options()
    };
    import_key(&options, &key).unwrap();
    let engine = Engine::open(options).unwrap();
    let backups = engine.backups().unwrap();
    assert_eq!(backups.len(), 2);
    assert!(engine.backup(&older).unwrap().proven.unwrap() >= before);
    assert_eq!(engine.backup(&newer).unwrap().proven, None);
    assert!(verify(&engine, None, Depth::Full).damaged.is_empty());
    assert!(reads_whole(&engine, &older));
    let records = objects(&home.destination().join("databases/snapshots"));
    assert_eq!(records.len(), 2, "the record from before stays");
}

#[test]
fn what_a_rehearsal_found_is_told_where_its_proof_cannot_be_noted() {
    let home = Home::new();
    let (engine, older, _) = prepared(&home);
    // In the way of a writer: a mode would not keep out an administrator.
    let lock = home.destination().join("holdfast.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let report = verify(&engine, Some(&older), Depth::Rehearsal);
    assert!(report.damaged.is_empty(), "{report:?}");
    assert!(report.bytes_read > 400_000);
    assert_eq!(engine.backup(&older).unwrap().proven, None);
}

#[test]
fn what_fails_its_rehearsal_is_not_proven() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    let id = back_up(&engine).id;
    let (files, databases) = (home.folder.path().join("f"), home.folder.path().join("d"));
    fs::create_dir(&files).unwrap();
    fs::create_dir(&databases).unwrap();
    // Stored as it is: every byte is what was stored, and still it is of no use.
    database(&databases.join("bad.db"), 200);
    let mut content = fs::read(databases.join("bad.db")).unwrap();
    content[8_192..16_384].fill(0xa5);
    fs::write(databases.join("bad.db"), content).unwrap();
    let stored = Stored {
        id: "docs",
        files: &files,
        databases: Some(&databases),
    };
    put_folders(&home, &id, &[stored]);
    assert!(verify(&engine, Some(&id), Depth::Full).damaged.is_empty());
    let report = verify(&engine, Some(&id), Depth::Rehearsal);
    assert_eq!(
        report.damaged,
        [(id.clone(), "a database in it is not sound".to_owned())]
    );
    assert_eq!(engine.backup(&id).unwrap().proven, None);
}

#[test]
fn a_cancel_ends_it_at_once_and_leaves_nothing() {
    let home = Home::new();
    let (engine, older, _) = prepared(&home);
    for depth in DEPTHS {
        for (phase, share) in [
            (Phase::Preparing, 0.0),
            (Phase::Staging, 0.3),
            (Phase::Verifying, 0.0),
            (Phase::Verifying, 0.6),
        ] {
            if phase == Phase::Staging && depth != Depth::Rehearsal {
                continue;
            }
            let flag = CancelFlag::default();
            let cancel = flag.clone();
            let watch = Watch::new(flag, move |step| {
                if step.phase == phase && step.done as f64 >= share * step.total as f64 {
                    cancel.cancel();
                }
            });
            let outcome = engine.verify(None, depth, &watch).unwrap();
            assert_eq!(outcome, Outcome::Canceled, "{depth:?} in {phase:?}");
            assert!(!home.data().join("rehearsal").exists());
            assert_eq!(engine.backup(&older).unwrap().proven, None);
        }
    }
}

#[test]
fn progress_never_goes_back_and_ends_at_its_total() {
    use std::sync::{Arc, Mutex};
    let home = Home::new();
    let (engine, _, _) = prepared(&home);
    for depth in DEPTHS {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = steps.clone();
        let watch = Watch::new(CancelFlag::default(), move |step| {
            seen.lock().unwrap().push(step)
        });
        engine.verify(None, depth, &watch).unwrap();
        let steps = steps.lock().unwrap();
        assert!(steps.windows(2).all(|pair| pair[0].done <= pair[1].done));
        let last = steps.last().unwrap();
        assert!(
            last.total > 0 && last.done == last.total,
            "{depth:?}: {last:?}"
        );
    }
}

#[test]
fn what_a_killed_rehearsal_left_is_removed_at_the_next_start() {
    let home = Home::new();
    drop(home.open());
    let left = home.data().join("rehearsal/0");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("0"), "somebody's file").unwrap();
    drop(home.open());
    assert!(!home.data().join("rehearsal").exists());
}
