//! Verifying what is not any more as it was: proofs that hold no more, and what other devices did meanwhile.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;

use std::fs;
use std::path::PathBuf;

use backup_engine::{
    BackupId, CancelFlag, Depth, Engine, EngineOptions, NewSource, Outcome, Phase, SourceKind,
    VerifyReport, Watch, export_key, import_key,
};
use common::*;
use damage::{objects, overwrite};

fn verify(engine: &Engine, what: Option<&BackupId>, depth: Depth, watch: &Watch) -> VerifyReport {
    match engine.verify(what, depth, watch).unwrap() {
        Outcome::Completed(report) => report,
        Outcome::Canceled => panic!("nobody cancelled"),
    }
}

/// Two backups of a library.
fn two_backups(home: &Home) -> (Engine, BackupId, BackupId) {
    let engine = home.open();
    fill(&engine, 60, 2_000);
    let older = back_up(&engine).id;
    engine.library().put(&[versioned(1, 1, 9_000)]).unwrap();
    let newer = back_up(&engine).id;
    (engine, older, newer)
}

/// Another device with the same destination.
fn another_device(home: &Home, other: &Home) -> Engine {
    let options = EngineOptions {
        destination: home.destination(),
        ..other.options()
    };
    import_key(&options, &export_key(&home.data(), None).unwrap()).unwrap();
    Engine::open(options).unwrap()
}

/// Does this once, as soon as a job is in that phase.
fn once_in(phase: Phase, work: impl FnOnce() + Send + 'static) -> Watch {
    let work = std::sync::Mutex::new(Some(work));
    Watch::new(CancelFlag::default(), move |step| {
        if step.phase == phase
            && let Some(work) = work.lock().unwrap().take()
        {
            work();
        }
    })
}

#[test]
fn what_was_proven_and_is_found_damaged_is_proven_no_more() {
    let home = Home::new();
    let (engine, older, newer) = two_backups(&home);
    let unwatched = Watch::unwatched();
    let report = verify(&engine, None, Depth::Rehearsal, &unwatched);
    assert!(report.damaged.is_empty(), "{report:?}");
    let proven = |engine: &Engine, id: &BackupId| engine.backup(id).unwrap().proven;
    let before = proven(&engine, &newer);
    assert!(proven(&engine, &older).is_some() && before.is_some());

    let packs = objects(&home.destination().join("databases/data"));
    let size = |pack: &PathBuf| fs::metadata(pack).unwrap().len();
    let pack = packs.into_iter().max_by_key(size).unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    overwrite(&pack, &bytes);
    let report = verify(&engine, Some(&older), Depth::Full, &unwatched);
    assert_eq!(report.damaged.len(), 1, "{report:?}");
    assert_eq!(proven(&engine, &older), None);
    assert_eq!(proven(&engine, &newer), before, "nobody looked at it");
    drop(engine);
    let engine = home.open();
    assert_eq!(proven(&engine, &older), None);
    assert_eq!(engine.backups().unwrap().len(), 2);
    let records = objects(&home.destination().join("databases/snapshots"));
    assert_eq!(records.len(), 2, "the record from before stays");
}

#[test]
fn a_backup_that_another_device_deletes_meanwhile_is_not_damaged() {
    for (depth, phase) in [
        (Depth::Quick, Phase::Verifying),
        (Depth::Rehearsal, Phase::Staging),
    ] {
        let (home, other) = (Home::new(), Home::new());
        let (engine, older, newer) = two_backups(&home);
        let device = another_device(&home, &other);
        let watch = once_in(phase, move || device.delete(&older).unwrap());
        let report = verify(&engine, None, depth, &watch);
        assert_eq!(
            (report.damaged, report.backups),
            (Vec::new(), 1),
            "{depth:?}"
        );
        assert_eq!(engine.backups().unwrap()[0].id, newer);
    }
}

#[test]
fn a_backup_that_another_device_rehearses_meanwhile_is_not_damaged() {
    for (depth, phase) in [
        (Depth::Quick, Phase::Verifying),
        (Depth::Rehearsal, Phase::Staging),
    ] {
        let (home, other) = (Home::new(), Home::new());
        let (engine, older, _) = two_backups(&home);
        let device = another_device(&home, &other);
        let watch = once_in(phase, move || {
            let unwatched = Watch::unwatched();
            let report = verify(&device, Some(&older), Depth::Rehearsal, &unwatched);
            assert!(report.damaged.is_empty());
            assert!(device.backup(&older).unwrap().proven.is_some());
        });
        let report = verify(&engine, None, depth, &watch);
        assert_eq!(
            (report.damaged, report.backups),
            (Vec::new(), 2),
            "{depth:?}"
        );
    }
}

#[test]
fn a_damaged_key_file_is_told_where_no_backup_needs_its_part() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    let folder = home.folder.path().join("docs");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("one.txt"), "one").unwrap();
    let source = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    let source = engine.add_source(source).unwrap().id;
    let with_files = back_up(&engine).id;
    engine.remove_source(&source).unwrap();
    engine.delete(&with_files).unwrap();
    back_up(&engine);
    let keys = objects(&home.destination().join("files/keys"));
    overwrite(&keys[0], b"not any more");
    let found = engine.verify(None, Depth::Full, &Watch::unwatched());
    let told = found.unwrap_err();
    assert_eq!(told.code(), "damaged");
    assert!(told.to_string().contains("key"), "{told}");
}
