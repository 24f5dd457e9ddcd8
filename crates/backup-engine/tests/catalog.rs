//! The catalog: listing reads no snapshot twice, works while the destination is away, and shows nothing of what another
//! key or another destination holds.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cloned_ref_to_slice_refs)]

mod common;
#[path = "common/listed.rs"]
mod listed;

use std::fs;

use backup_engine::{
    BackupId, BackupRecord, Engine, EngineOptions, Error, KeyState, Secret, Watch,
};
use common::*;
use listed::*;

#[test]
fn a_start_with_a_warm_catalog_reads_no_snapshot() {
    let home = Home::new();
    let made = warm(&home, 3);
    let files = snapshots(&home.destination());
    let contents: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    // No key derivation either: the keys of the repository are gone as well.
    let keys = home.destination().join("databases/keys");
    fs::rename(&keys, home.folder.path().join("keys")).unwrap();
    files.iter().for_each(|file| fs::write(file, "").unwrap());
    let engine = home.open();
    assert_eq!(*engine.backups().unwrap(), made);
    assert_eq!(state(&engine), None);
    // One that is new to this folder is read, and only then is one that cannot be read missed.
    fs::remove_file(&files[0]).unwrap();
    assert_eq!(engine.backups().unwrap().len(), 2);
    fs::write(&files[0], "").unwrap();
    assert!(engine.backups().is_err(), "it has to be asked for again");

    fs::rename(home.folder.path().join("keys"), &keys).unwrap();
    assert_eq!(engine.backups().unwrap().len(), 2);
    assert_eq!(state(&engine), Some("damaged-records"));
    for (file, content) in files.iter().zip(contents) {
        fs::write(file, content).unwrap();
    }
    assert_eq!(*engine.backups().unwrap(), made);
    assert_eq!(state(&engine), None);
}

#[test]
fn the_catalog_is_private() {
    let home = Home::new();
    warm(&home, 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(catalog(&home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn while_the_destination_is_away_its_backups_are_listed_and_cannot_be_worked_with() {
    let home = Home::new();
    let made = warm(&home, 2);
    let id = &made[0].id;
    let running = home.open();
    assert_eq!(*running.backups().unwrap(), made);
    unplug(&home);
    fn assert_away(engine: &Engine, made: &[BackupRecord]) {
        assert_eq!(*engine.backups().unwrap(), made);
        assert_eq!(state(engine), Some("destination-unreachable"));
        let id = &made[0].id;
        assert_eq!(engine.backup(id).unwrap(), made[0]);
        let later = BackupId::parse("0.1.0_20991231T235959999Z").unwrap();
        let watch = Watch::unwatched();
        let refused = [
            engine.present_backup(id).unwrap_err(),
            engine
                .preview(&all_of(id), &Watch::unwatched())
                .unwrap_err(),
            engine.restore(&all_of(id), &watch).unwrap_err(),
            engine.delete(id).unwrap_err(),
            engine.back_up(&later, &watch).unwrap_err(),
            // It may have been made on another device.
            engine.backup(&later).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code(), "destination-unreachable", "{error:?}");
        }
    }
    assert_away(&running, &made);
    drop(running);
    let started = home.open();
    assert_away(&started, &made);
    // An empty folder is what is left of a disk that was pulled out.
    fs::create_dir(home.destination()).unwrap();
    assert_away(&started, &made);
    fs::remove_dir(home.destination()).unwrap();

    plug_in(&home);
    assert_eq!(*started.backups().unwrap(), made);
    assert_eq!(state(&started), None);
    restore(&started, id);
}

#[test]
fn a_backup_is_in_the_catalog_as_soon_as_it_is_made_and_out_of_it_as_soon_as_it_is_deleted() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 50);
    let (first, second) = (back_up(&engine), back_up(&engine));
    drop(engine);
    unplug(&home);
    let listed = home.open().backups().unwrap();
    assert_eq!(*listed, [second.clone(), first.clone()]);
    plug_in(&home);
    let engine = home.open();
    engine.delete(&second.id).unwrap();
    unplug(&home);
    assert_eq!(*engine.backups().unwrap(), [first.clone()]);
    plug_in(&home);
    engine.undelete(&second.id).unwrap();
    drop(engine);
    unplug(&home);
    assert_eq!(*home.open().backups().unwrap(), [second, first]);
}

#[test]
fn a_destination_that_is_locked_or_was_never_seen_shows_nothing_while_it_is_away() {
    let home = Home::new();
    let with = |passphrase: Option<&str>| {
        Engine::open(EngineOptions {
            passphrase: passphrase.map(|text| Secret::new(text.into())),
            ..home.options()
        })
        .unwrap()
    };
    let made = {
        let engine = with(Some("correct horse"));
        fill(&engine, 5, 50);
        back_up(&engine)
    };
    for wrong in [None, Some("battery staple")] {
        let engine = with(wrong);
        assert_eq!(engine.backups().unwrap_err().code(), "locked", "{wrong:?}");
        assert_eq!(engine.backup(&made.id).unwrap_err().code(), "locked");
        assert_eq!(engine.key_protection(), KeyState::Missing);
        assert_eq!(state(&engine), Some("locked"));
        unplug(&home);
        let error = engine.backups().unwrap_err();
        assert_eq!(error.code(), "destination-unreachable");
        // The passphrase can come while it is away.
        if wrong.is_none() {
            let right = Secret::new("correct horse".into());
            engine.give_passphrase(right).unwrap();
            assert_eq!(*engine.backups().unwrap(), [made.clone()]);
        }
        plug_in(&home);
    }
    unplug(&home);
    fs::remove_file(catalog(&home)).unwrap();
    let error = with(Some("correct horse")).backups().unwrap_err();
    assert_eq!(error.code(), "destination-unreachable");
}

#[test]
fn a_key_that_does_not_open_the_destination_shows_nothing_of_what_another_one_opened() {
    let home = Home::new();
    let made = warm(&home, 1);
    let file = home.data().join("key.txt");
    let key = fs::read(&file).unwrap();
    fs::write(&file, "0".repeat(64)).unwrap();
    let engine = home.open();
    assert_eq!(engine.backups().unwrap_err().code(), "locked");
    assert_eq!(engine.backups().unwrap_err().code(), "locked");
    drop(engine);
    unplug(&home);
    let error = home.open().backups().unwrap_err();
    assert_eq!(error.code(), "destination-unreachable");
    plug_in(&home);
    fs::write(&file, &key).unwrap();
    // Also where it comes while another one has the destination open.
    let engine = home.open();
    restore(&engine, &made[0].id);
    fs::write(&file, "0".repeat(64)).unwrap();
    assert_eq!(engine.backups().unwrap_err().code(), "locked");
    drop(engine);
    assert_eq!(home.open().backups().unwrap_err().code(), "locked");
    fs::write(&file, key).unwrap();
    let engine = home.open();
    assert_eq!(*engine.backups().unwrap(), made);
    // The same key, kept in another way.
    let passphrase = || Secret::new("correct horse".into());
    engine.give_passphrase(passphrase()).unwrap();
    assert!(!file.exists());
    assert_eq!(*engine.backups().unwrap(), made);
    drop(engine);
    let engine = Engine::open(EngineOptions {
        passphrase: Some(passphrase()),
        ..home.options()
    });
    assert_eq!(*engine.unwrap().backups().unwrap(), made);
}

#[test]
fn two_destinations_in_turn_and_one_mounted_elsewhere_are_kept_apart() {
    let home = Home::new();
    let at = |name: &str| {
        Engine::open(EngineOptions {
            destination: home.folder.path().join(name),
            ..home.options()
        })
        .unwrap()
    };
    let make = |name: &str| {
        let engine = at(name);
        fill(&engine, 5, 50);
        back_up(&engine)
    };
    let (one, two) = (make("one"), make("two"));
    let rename = |from: &str, to: &str| {
        let path = |name: &str| home.folder.path().join(name);
        fs::rename(path(from), path(to)).unwrap();
    };
    // From here on nothing can be read from either.
    for name in ["one", "two"] {
        let destination = home.folder.path().join(name);
        for file in snapshots(&destination) {
            fs::write(file, "").unwrap();
        }
    }
    for _ in 0..2 {
        assert_eq!(*at("one").backups().unwrap(), [one.clone()]);
        assert_eq!(*at("two").backups().unwrap(), [two.clone()]);
    }
    // Under one engine and one path, one after the other.
    let engine = at("one");
    assert_eq!(*engine.backups().unwrap(), [one.clone()]);
    rename("one", "elsewhere");
    rename("two", "one");
    assert_eq!(*engine.backups().unwrap(), [two.clone()]);
    rename("one", "two");
    assert_eq!(*engine.backups().unwrap(), [two.clone()]);
    assert_eq!(state(&engine), Some("destination-unreachable"));
    drop(engine);
    assert_eq!(*at("elsewhere").backups().unwrap(), [one.clone()]);
    rename("elsewhere", "gone");
    assert!(at("elsewhere").backups().unwrap().is_empty(), "never used");
    rename("two", "one");
    assert_eq!(*at("one").backups().unwrap(), [two]);
}

#[test]
fn what_another_device_deletes_or_makes_shows_up_at_the_next_look() {
    let home = Home::new();
    let mut made = warm(&home, 2);
    let other = Home::new();
    let options = EngineOptions {
        destination: home.destination(),
        ..other.options()
    };
    let key = backup_engine::export_key(&home.data(), None).unwrap();
    backup_engine::import_key(&options, &key).unwrap();
    let second = Engine::open(options).unwrap();
    let first = home.open();
    assert_eq!(*first.backups().unwrap(), made);
    assert_eq!(*second.backups().unwrap(), made);

    second.delete(&made[0].id).unwrap();
    let gone = made.remove(0);
    assert_eq!(*first.backups().unwrap(), made);
    let unknown = first
        .restore(&all_of(&gone.id), &Watch::unwatched())
        .unwrap_err();
    assert!(matches!(unknown, Error::UnknownBackup(_)), "{unknown:?}");
    fill(&second, 9, 90);
    made.insert(0, back_up(&second));
    assert_eq!(*first.backups().unwrap(), made);
    drop(first);

    // Also between two starts.
    second.delete(&made[1].id).unwrap();
    made.pop();
    made.insert(0, back_up(&second));
    let first = home.open();
    assert_eq!(*first.backups().unwrap(), made);
    drop(first);
    unplug(&home);
    assert_eq!(*home.open().backups().unwrap(), made);
}

#[test]
fn what_is_stored_is_measured_once_and_again_when_the_list_has_changed() {
    let home = Home::new();
    warm(&home, 1);
    let stored = |engine: &Engine| engine.destination_state().stored_bytes.unwrap();
    let engine = home.open();
    let measured = stored(&engine);
    assert!(measured > 0);
    let extra = home.destination().join("databases/data/extra");
    fs::write(&extra, [0; 5_000]).unwrap();
    assert_eq!(stored(&engine), measured);
    drop(engine);
    let engine = home.open();
    assert_eq!(stored(&engine), measured, "not measured at a start");
    let made = back_up(&engine);
    assert!(stored(&engine) > measured + 5_000);
    fs::remove_file(extra).unwrap();
    engine.delete(&made.id).unwrap();
    assert!(stored(&engine) < measured + 5_000);
}
