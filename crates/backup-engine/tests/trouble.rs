//! Damage, absence, newer versions and lost keys: an error that helps, and nothing lost.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_engine::{Engine, Error, ErrorKind, KeyState, Outcome, Secret, Watch};
use common::*;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found.sort();
    found
}

/// An engine with one backup, and a library changed since.
fn prepared(home: &Home) -> (Engine, backup_engine::BackupId) {
    let engine = home.open();
    fill(&engine, 400, 2_000);
    let id = back_up(&engine).id;
    engine.library().put(&[versioned(1, 1, 20)]).unwrap();
    (engine, id)
}

#[test]
fn a_flipped_bit_in_any_pack_is_found_and_the_library_stays() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let now = dump(&engine);
    for pack in files(&home.destination().join("databases/data")) {
        let sound = fs::read(&pack).unwrap();
        for at in [0, sound.len() / 3, sound.len() / 2, sound.len() * 2 / 3] {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            fs::write(&pack, damaged).unwrap();
            match engine.restore(&all_of(&id), &Watch::unwatched()) {
                Ok(_) => assert_eq!(dump(&engine), {
                    engine.undo(&Watch::unwatched()).unwrap();
                    restore_sound(&engine, &id, &pack, &sound)
                }),
                Err(error) => {
                    assert_eq!(error.code(), "damaged", "{error:?}");
                    assert!(error.message().contains(id.as_str()));
                    assert_eq!(dump(&engine), now);
                    assert!(!home.data().join("restore/staged").exists());
                }
            }
        }
        fs::write(&pack, sound).unwrap();
    }
    restore(&engine, &id);
}

/// A flip in a part that no restore needs may pass; the content must then be right all the same.
fn restore_sound(
    engine: &Engine,
    id: &backup_engine::BackupId,
    pack: &Path,
    sound: &[u8],
) -> String {
    fs::write(pack, sound).unwrap();
    restore(engine, id);
    let expected = dump(engine);
    engine.undo(&Watch::unwatched()).unwrap();
    expected
}

#[test]
fn a_missing_or_cut_object_is_found_and_named() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let now = dump(&engine);
    for object in files(&home.destination().join("databases")) {
        let sound = fs::read(&object).unwrap();
        for damage in ["removed", "cut"] {
            if damage == "removed" {
                fs::remove_file(&object).unwrap()
            } else {
                fs::write(&object, &sound[..sound.len() / 2]).unwrap()
            }
            // The object may be one that this engine has already read, or one that this restore does not need.
            if let Err(error) = engine.restore(&all_of(&id), &Watch::unwatched()) {
                let names =
                    matches!(&error, Error::Damaged { backup: Some(named), .. } if *named == id);
                // A record that is not there any more is a backup that is not there any more.
                let gone = matches!(error, Error::UnknownBackup(_)) && damage == "removed";
                assert!(names || gone, "{} {damage}: {error:?}", object.display());
            } else {
                engine.undo(&Watch::unwatched()).unwrap();
            }
            assert_eq!(dump(&engine), now, "{} {damage}", object.display());
            fs::write(&object, &sound).unwrap();
        }
    }
    restore(&engine, &id);
}

#[test]
fn a_destination_that_was_there_and_is_not_is_unreachable_and_never_made_anew() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let elsewhere = home.folder.path().join("unplugged");
    fs::rename(home.destination(), &elsewhere).unwrap();
    for empty_mount_point in [false, true] {
        if empty_mount_point {
            fs::create_dir(home.destination()).unwrap();
        }
        let error = engine
            .back_up(&engine.new_backup_id(), &Watch::unwatched())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(engine.backups().unwrap()[0].id, id);
        let state = engine.destination_state().error.unwrap();
        assert_eq!(state.kind(), ErrorKind::Unreachable);
        assert!(!home.destination().join("holdfast.json").exists());
    }
    fs::remove_dir(home.destination()).unwrap();
    fs::rename(elsewhere, home.destination()).unwrap();
    restore(&engine, &id);
}

#[test]
fn a_newer_layout_is_refused_and_nothing_is_written() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    fs::write(
        home.destination().join("holdfast.json"),
        "{\"layout\":7,\"later\":true}",
    )
    .unwrap();
    let before = files(&home.destination());
    let now = dump(&engine);
    let errors = [
        engine
            .back_up(&engine.new_backup_id(), &Watch::unwatched())
            .err()
            .unwrap(),
        engine
            .restore(&all_of(&id), &Watch::unwatched())
            .unwrap_err(),
        engine.backups().unwrap_err(),
        engine.delete(&id).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Newer);
        assert!(error.message().contains("layout 7"), "{}", error.message());
    }
    assert_eq!(files(&home.destination()), before);
    assert_eq!(dump(&engine), now);
}

#[test]
fn without_its_passphrase_a_destination_is_locked_and_keeps_its_key() {
    let home = Home::new();
    let passphrase = |text: &str| Some(Secret::new(text.into()));
    let id = {
        let engine = Engine::open(backup_engine::EngineOptions {
            passphrase: passphrase("right"),
            ..home.options()
        })
        .unwrap();
        fill(&engine, 10, 100);
        assert_eq!(engine.key_protection(), KeyState::NotYet);
        let id = back_up(&engine).id;
        assert_eq!(engine.key_protection(), KeyState::Passphrase);
        id
    };
    for wrong in [None, passphrase("wrong")] {
        let engine = Engine::open(backup_engine::EngineOptions {
            passphrase: wrong,
            ..home.options()
        })
        .unwrap();
        assert_eq!(engine.backups().unwrap_err().kind(), ErrorKind::Locked);
        assert_eq!(
            engine.back_up(&id, &Watch::unwatched()).unwrap_err().kind(),
            ErrorKind::Locked
        );
        assert_eq!(
            engine
                .restore(&all_of(&id), &Watch::unwatched())
                .unwrap_err()
                .kind(),
            ErrorKind::Locked
        );
        assert_eq!(engine.key_protection(), KeyState::Missing);
    }
    let engine = Engine::open(backup_engine::EngineOptions {
        passphrase: passphrase("right"),
        ..home.options()
    })
    .unwrap();
    restore(&engine, &id);
}

#[test]
fn a_new_data_folder_does_not_open_the_destination_of_another_key() {
    let home = Home::new();
    drop(prepared(&home));
    let other = Home::new();
    let engine = Engine::open(backup_engine::EngineOptions {
        destination: home.destination(),
        ..other.options()
    })
    .unwrap();
    let before = files(&home.destination());
    assert_eq!(engine.backups().unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(
        engine
            .back_up(&engine.new_backup_id(), &Watch::unwatched())
            .unwrap_err()
            .kind(),
        ErrorKind::Locked
    );
    let after: Vec<_> = files(&home.destination());
    assert_eq!(after, before);
}

#[test]
fn a_destination_that_cannot_be_made_is_an_error_and_the_library_goes_on() {
    let home = Home::new();
    fs::write(home.destination(), "a file where the folder should be").unwrap();
    let engine = home.open();
    fill(&engine, 3, 10);
    let error = engine
        .back_up(&engine.new_backup_id(), &Watch::unwatched())
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert_eq!(engine.library().facts().unwrap().assets, 3);
}

#[test]
fn a_damaged_library_does_not_keep_its_backup_from_being_restored() {
    let home = Home::new();
    let (original, id) = {
        let engine = home.open();
        fill(&engine, 200, 1_000);
        (dump(&engine), back_up(&engine).id)
    };
    fs::write(
        home.library(),
        "not a database at all, whatever its name says ".repeat(50),
    )
    .unwrap();
    let engine = home.open();
    let damaged = |engine: &Engine| engine.library().facts().unwrap_err().code();
    assert_eq!(damaged(&engine), "library-damaged");
    let preview = engine.preview(&all_of(&id), &Watch::unwatched()).unwrap();
    assert_eq!((preview.library.assets, preview.newer), (0, 0));
    restore(&engine, &id);
    assert_eq!(dump(&engine), original);
    assert_sound(&home.data());

    // Undoing brings the damage back, because that is what was there, and the backup still restores.
    engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(damaged(&engine), "library-damaged");
    restore(&engine, &id);
    assert_eq!(dump(&engine), original);
}

#[test]
fn a_damaged_library_is_not_backed_up_and_its_backups_stay() {
    let home = Home::new();
    let id = {
        let engine = home.open();
        fill(&engine, 400, 2_000);
        back_up(&engine).id
    };
    let mut bytes = fs::read(home.library()).unwrap();
    let at = bytes.len() / 2 / 16_384 * 16_384;
    bytes[at..at + 64].fill(0xee);
    fs::write(home.library(), bytes).unwrap();
    let repository = home.destination().join("databases");
    let before = files(&repository);
    let engine = home.open();
    let error = engine
        .back_up(&engine.new_backup_id(), &Watch::unwatched())
        .unwrap_err();
    assert_eq!(error.code(), "library-damaged");
    assert_eq!(engine.backups().unwrap().len(), 1);
    assert_eq!(files(&repository), before);
    restore(&engine, &id);
    assert_sound(&home.data());
}

#[test]
fn leftovers_of_an_interrupted_start_are_cleared_and_nothing_else() {
    let home = Home::new();
    let (now, id) = {
        let (engine, id) = prepared(&home);
        (dump(&engine), id)
    };
    fs::create_dir_all(home.data().join("restore/staged")).unwrap();
    fs::write(home.data().join("restore/staged/library.db"), "half").unwrap();
    let engine = home.open();
    assert_eq!(dump(&engine), now);
    assert!(!home.data().join("restore/staged").exists());
    assert!(matches!(
        engine.restore(&all_of(&id), &Watch::unwatched()),
        Ok(Outcome::Completed(()))
    ));
}
