//! Damage inside of packs: a full verification finds it, the next backup mends what the sources still have, and what was
//! good beside it stays.
#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;
#[path = "common/kept.rs"]
mod kept;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use backup_engine::{
    CancelFlag, Depth, Engine, EngineOptions, NewSource, Outcome, Phase, SourceKind, Watch,
    export_key, import_key,
};
use common::*;
use damage::{objects, overwrite};
use kept::{Kept, named, restored, verify};

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
    // What lay beside it, also what no source has.
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

/// The folder lies in a pack of the older backup, and what leads to it in one of the newer: an archiver that builds on the newer
/// one finds it unchanged.
#[test]
fn a_folder_that_is_missing_below_others_is_stored_again() {
    let kept = Kept::new();
    let folder = kept.find("files", &kept.newer, "documents/notes");
    assert_ne!(
        folder.pack,
        kept.find("files", &kept.newer, "documents").pack
    );
    fs::remove_file(folder.pack).unwrap();
    kept.back_up();
    kept.assert_restores(&kept.newer);
    kept.back_up();
}

/// A backup without the folders stores nothing of what was lost in them: the next one with them must not build on one from
/// before the loss.
#[test]
fn a_loss_is_remembered_until_the_folders_are_backed_up_again() {
    let kept = Kept::new();
    kept.find("files", &kept.newer, "documents/notes").flip();
    assert!(!kept.verify().damaged.is_empty());
    let flag = CancelFlag::default();
    let cancel = flag.clone();
    let watch = Watch::new(flag, move |step| {
        if step.phase == Phase::Storing {
            cancel.cancel();
        }
    });
    let canceled = kept.engine.back_up(&kept.engine.new_backup_id(), &watch);
    assert_eq!(canceled.unwrap(), Outcome::Canceled);
    assert!(kept.damaged("files", "noted").is_empty(), "it is mended");

    let source = kept.engine.sources().unwrap().remove(0);
    kept.engine.remove_source(&source.id).unwrap();
    back_up(&kept.engine);
    let source = NewSource {
        kind: source.kind,
        path: source.path,
        excludes: source.excludes,
    };
    kept.engine.add_source(source).unwrap();
    kept.back_up();
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
    fs::write(file, &content).unwrap();
    let id = back_up(&kept.engine).id;
    let restored = restored(&kept.engine, &id).unwrap();
    assert_eq!(restored[Path::new("documents/gone.txt")], content);
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
fn what_a_rehearsal_finds_is_mended_too() {
    let kept = Kept::new();
    kept.find("files", &kept.newer, "documents/notes/3.txt")
        .flip();
    let outcome = kept
        .engine
        .verify(Some(&kept.older), Depth::Rehearsal, &Watch::unwatched());
    let Outcome::Completed(report) = outcome.unwrap() else {
        panic!("nobody cancelled");
    };
    assert_eq!(named(&report), BTreeSet::from([&kept.older]));
    kept.back_up();
    assert!(kept.verify().damaged.is_empty());
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

#[test]
fn a_backup_whose_list_of_files_cannot_be_read_can_be_deleted() {
    let kept = Kept::new();
    let lists = objects(&kept.home.destination().join("files/snapshots"));
    fs::remove_file(&lists[0]).unwrap();
    overwrite(&lists[1], b"not any more");
    for id in [&kept.older, &kept.newer] {
        kept.engine.delete(id).unwrap();
    }
    assert!(kept.engine.backups().unwrap().is_empty());
    // What there was comes back, and nothing else.
    kept.engine.undelete(&kept.newer).unwrap();
    assert_eq!(kept.engine.backups().unwrap().len(), 1);
    let restored = restored(&kept.engine, &kept.newer);
    assert_eq!(restored.unwrap_err().code(), "damaged");
    kept.engine.delete(&kept.newer).unwrap();
    kept.back_up();
}

#[test]
fn a_damaged_record_is_set_aside_and_what_it_may_belong_to_stays() {
    let kept = Kept::new();
    let records = objects(&kept.home.destination().join("databases/snapshots"));
    overwrite(&records[0], b"not any more");
    fs::remove_file(kept.home.data().join("catalog.db")).unwrap();
    let Kept { home, engine, .. } = kept;
    drop(engine);
    let engine = home.open();
    let state = || engine.destination_state().error.map(|error| error.code());
    assert_eq!(engine.backups().unwrap().len(), 1);
    assert_eq!(state(), Some("damaged-records"));
    for _ in 0..2 {
        back_up(&engine);
    }
    assert_eq!(state(), None);
    let aside = home.destination().join("damaged/databases/snapshots");
    assert_eq!(objects(&aside)[0].file_name(), records[0].file_name());
    let lists = objects(&home.destination().join("files/snapshots"));
    assert_eq!(lists.len(), 4, "its list of files may be read by a person");
}

/// The next backup takes it for stored.
#[test]
fn what_no_backup_needs_any_more_is_read_and_mended() {
    let cases = [
        ("files", "documents/notes/3.txt"),
        ("databases", "library.db"),
        ("databases", "documents/app.db"),
    ];
    for unlisted in [false, true] {
        each(&cases, |part, path| {
            let kept = Kept::new();
            kept.find(part, &kept.newer, path).flip();
            for id in [&kept.older, &kept.newer] {
                kept.engine.delete(id).unwrap();
            }
            if unlisted {
                // As a backup leaves them that is killed before it writes what it has stored.
                remove_index(&kept.home, part);
            }
            let report = kept.verify();
            assert_eq!((report.backups, report.damaged.len()), (0, 0));
            assert!(report.bytes_read > 100_000, "{report:?}");
            assert_eq!(kept.damaged(part, "noted").len(), 1, "{part} {path}");
            kept.back_up();
            assert!(kept.verify().damaged.is_empty());
        });
    }
}

fn remove_index(home: &Home, part: &str) {
    let files = objects(&home.destination().join(part).join("index"));
    assert!(!files.is_empty());
    for file in files {
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn files_are_read_where_no_backup_has_any() {
    let kept = Kept::new();
    kept.find("files", &kept.newer, "documents/notes/3.txt")
        .flip();
    for id in [&kept.older, &kept.newer] {
        kept.engine.delete(id).unwrap();
    }
    let source = kept.engine.sources().unwrap().remove(0);
    kept.engine.remove_source(&source.id).unwrap();
    back_up(&kept.engine);
    let report = kept.verify();
    assert_eq!((report.backups, report.damaged.len()), (1, 0));
    assert_eq!(kept.damaged("files", "noted").len(), 1);
    let again = NewSource {
        kind: SourceKind::Folder,
        path: kept.home.folder.path().join("documents"),
        excludes: Vec::new(),
    };
    kept.engine.add_source(again).unwrap();
    kept.back_up();
}

#[test]
fn a_part_that_no_backup_needs_and_nobody_can_read_is_told() {
    let kept = Kept::new();
    for id in [&kept.older, &kept.newer] {
        kept.engine.delete(id).unwrap();
    }
    overwrite(
        &kept.home.destination().join("files/config"),
        b"not any more",
    );
    let verify = |depth| kept.engine.verify(None, depth, &Watch::unwatched());
    verify(Depth::Quick).unwrap();
    assert_eq!(verify(Depth::Full).unwrap_err().code(), "damaged");
}

#[test]
fn a_pack_that_leaves_the_index_while_packs_are_read_is_not_passed_over() {
    let kept = Kept::new();
    let index = kept.home.destination().join("files/index");
    let watch = Watch::new(CancelFlag::default(), move |step| {
        if step.phase == Phase::Verifying {
            for file in objects(&index) {
                fs::remove_file(file).unwrap();
            }
        }
    });
    let verified = kept.engine.verify(None, Depth::Full, &watch).unwrap();
    let Outcome::Completed(report) = verified else {
        panic!("nobody cancelled");
    };
    let both = BTreeSet::from([&kept.older, &kept.newer]);
    assert_eq!(named(&report), both, "{report:?}");
    assert!(kept.damaged("files", "noted").is_empty());
}
