//! The catalog: listing reads no snapshot twice and works while the destination is away, and whatever becomes of
//! `catalog.db`, the list is what the destination holds.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cloned_ref_to_slice_refs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_engine::{
    BackupId, BackupRecord, Engine, EngineOptions, Error, KeyState, Secret, Watch,
};
use common::*;
use rusqlite::Connection;

fn catalog(home: &Home) -> PathBuf {
    home.data().join("catalog.db")
}

fn snapshots(destination: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(destination.join("databases/snapshots")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A home with backups whose list is in the catalog, newest first, and no engine.
fn warm(home: &Home, backups: usize) -> Vec<BackupRecord> {
    let engine = home.open();
    fill(&engine, 20, 200);
    let mut made: Vec<_> = (0..backups).map(|_| back_up(&engine)).collect();
    made.reverse();
    assert_eq!(*engine.backups().unwrap(), made);
    made
}

fn away(home: &Home) -> PathBuf {
    home.folder.path().join("away")
}

fn unplug(home: &Home) {
    fs::rename(home.destination(), away(home)).unwrap();
}

fn plug_in(home: &Home) {
    fs::rename(away(home), home.destination()).unwrap();
}

fn state(engine: &Engine) -> Option<&'static str> {
    engine.destination_state().error.map(|error| error.code())
}

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
            engine.preview(&all_of(id)).unwrap_err(),
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
fn whatever_becomes_of_the_catalog_the_list_is_what_the_destination_holds() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 9] = [
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("garbage", |file| {
            fs::write(file, "not a database ".repeat(9_000)).unwrap();
        }),
        ("empty", |file| fs::write(file, "").unwrap()),
        ("cut", |file| {
            let content = fs::read(file).unwrap();
            fs::write(file, &content[..content.len() / 2]).unwrap();
        }),
        ("a folder", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
            fs::write(file.join("somebody's"), "own").unwrap();
        }),
        ("of a newer schema", |file| {
            let file = Connection::open(file).unwrap();
            file.execute_batch("DROP TABLE snapshots; PRAGMA user_version = 99;")
                .unwrap();
        }),
        ("of another program", |file| {
            fs::remove_file(file).unwrap();
            let file = Connection::open(file).unwrap();
            file.execute_batch("CREATE TABLE snapshots (a); PRAGMA user_version = 1;")
                .unwrap();
        }),
        ("another text", |file| {
            let file = Connection::open(file).unwrap();
            let changed = file.execute(
                "UPDATE snapshots SET text = replace(text, 'Test device', 'Best device')",
                [],
            );
            assert!(changed.unwrap() > 0);
        }),
        ("a row less", |file| {
            let file = Connection::open(file).unwrap();
            let one = "DELETE FROM snapshots WHERE id = (SELECT min(id) FROM snapshots)";
            assert_eq!(file.execute(one, []).unwrap(), 1);
        }),
    ];
    let home = Home::new();
    let made = warm(&home, 3);
    for (harm, happens) in harms {
        happens(&catalog(&home));
        let engine = home.open();
        assert_eq!(*engine.backups().unwrap(), made, "{harm}");
        assert_eq!(state(&engine), None, "{harm}");
        drop(engine);
        // It was made anew, except where what is in its place is not a file of ours.
        unplug(&home);
        let listed = home.open().backups();
        if harm == "a folder" {
            assert!(catalog(&home).join("somebody's").exists());
            assert_eq!(listed.unwrap_err().code(), "destination-unreachable");
            fs::remove_dir_all(catalog(&home)).unwrap();
        } else {
            assert_eq!(*listed.unwrap(), made, "{harm}");
        }
        plug_in(&home);
        assert_eq!(*home.open().backups().unwrap(), made);
    }
}

#[test]
fn a_catalog_that_was_harmed_while_the_destination_is_away_never_shows_a_part_as_the_whole() {
    let home = Home::new();
    let made = warm(&home, 2);
    for query in [
        "DELETE FROM snapshots WHERE id = (SELECT min(id) FROM snapshots)",
        "DELETE FROM places",
        "UPDATE snapshots SET proof = x'00'",
        "UPDATE destinations SET snapshots = 'x'",
    ] {
        unplug(&home);
        Connection::open(catalog(&home))
            .unwrap()
            .execute(query, [])
            .unwrap();
        let engine = home.open();
        let error = engine.backups().unwrap_err();
        assert_eq!(error.code(), "destination-unreachable", "{query}");
        plug_in(&home);
        assert_eq!(*engine.backups().unwrap(), made, "{query}");
        unplug(&home);
        drop(engine);
        assert_eq!(*home.open().backups().unwrap(), made, "{query}");
        plug_in(&home);
    }
}

#[test]
fn a_catalog_that_is_locked_or_cannot_be_written_to_delays_no_list() {
    let home = Home::new();
    let made = warm(&home, 2);
    let other = Connection::open(catalog(&home)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let engine = home.open();
    assert_eq!(*engine.backups().unwrap(), made);
    let third = back_up(&engine);
    assert_eq!(engine.backups().unwrap()[0], third);
    other.execute_batch("ROLLBACK").unwrap();
    // What could not be saved is saved with the next change.
    let fourth = back_up(&engine);
    drop(engine);
    unplug(&home);
    let listed = home.open().backups().unwrap();
    assert_eq!(listed[..2], [fourth, third]);
    assert_eq!(listed[2..], made);
    plug_in(&home);

    // A folder where the database's log has to be: it reads, and takes nothing.
    fs::create_dir(home.data().join("catalog.db-journal")).unwrap();
    let engine = home.open();
    assert_eq!(*engine.backups().unwrap(), *listed);
    let fifth = back_up(&engine);
    assert_eq!(engine.backups().unwrap()[0], fifth);
    drop(engine);
    let engine = home.open();
    assert_eq!(engine.backups().unwrap().len(), 5);
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
fn a_snapshot_in_the_place_of_another_is_not_taken_for_it() {
    let home = Home::new();
    let made = warm(&home, 2);
    let files = snapshots(&home.destination());
    let contents: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    fs::write(&files[0], &contents[1]).unwrap();
    // Known already: it is listed until it is needed, and is not what is restored.
    let engine = home.open();
    assert_eq!(*engine.backups().unwrap(), made);
    let ended: Vec<_> = made
        .iter()
        .map(|record| engine.restore(&all_of(&record.id), &Watch::unwatched()))
        .collect();
    let damaged = |ended: &&Result<_, Error>| ended.as_ref().is_err_and(|e| e.code() == "damaged");
    assert_eq!(ended.iter().filter(damaged).count(), 1, "{ended:?}");
    assert_eq!(engine.backups().unwrap().len(), 1);
    assert_eq!(state(&engine), Some("damaged-records"));
    drop(engine);
    // Not known: it is not learnt, and asked for again.
    fs::remove_file(catalog(&home)).unwrap();
    let engine = home.open();
    assert_eq!(engine.backups().unwrap().len(), 1);
    assert_eq!(state(&engine), Some("damaged-records"));
    fs::write(&files[0], &contents[0]).unwrap();
    assert_eq!(*engine.backups().unwrap(), made);
}

#[test]
fn records_of_which_none_can_be_read_are_no_empty_list_while_the_destination_is_away() {
    let home = Home::new();
    warm(&home, 2);
    fs::remove_file(catalog(&home)).unwrap();
    for file in snapshots(&home.destination()) {
        fs::write(file, "cut").unwrap();
    }
    let engine = home.open();
    assert_eq!(engine.backups().unwrap_err().code(), "damaged-records");
    unplug(&home);
    let error = engine.backups().unwrap_err();
    assert_eq!(error.code(), "destination-unreachable");
    drop(engine);
    let error = home.open().backups().unwrap_err();
    assert_eq!(error.code(), "destination-unreachable");
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
