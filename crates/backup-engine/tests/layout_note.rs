//! The note of the layout, gone or damaged: what it says can be told without it, so it keeps no backup from being read.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use backup_engine::{Engine, EngineOptions, ErrorKind, Watch, export_key, import_key};
use common::*;

/// What can be left of it.
const LEFT: [Option<&str>; 3] = [None, Some(""), Some("{\"lay")];

fn leave(home: &Home, left: Option<&str>) {
    let note = home.destination().join("holdfast.json");
    match left {
        Some(text) => fs::write(note, text).unwrap(),
        None => fs::remove_file(note).unwrap(),
    }
}

fn note(home: &Home) -> Option<String> {
    fs::read_to_string(home.destination().join("holdfast.json")).ok()
}

#[test]
fn without_its_note_a_destination_is_read_and_the_next_backup_writes_it_again() {
    let home = Home::new();
    let mut engine = home.open();
    fill(&engine, 5, 100);
    let id = back_up(&engine).id;
    for left in LEFT {
        leave(&home, left);
        drop(engine);
        engine = home.open();
        assert!(engine.backups().unwrap().iter().any(|one| one.id == id));
        assert!(engine.destination_state().error.is_none());
        restore(&engine, &id);
        assert_eq!(note(&home).as_deref(), left);
        back_up(&engine);
        assert_eq!(note(&home).unwrap(), "{\"layout\":1}");
    }
}

#[test]
fn without_its_note_a_destination_opens_with_its_own_key_only() {
    let home = Home::new();
    let key = {
        let engine = home.open();
        fill(&engine, 5, 100);
        back_up(&engine);
        export_key(&home.data(), None).unwrap()
    };
    for left in LEFT {
        leave(&home, left);
        let other = Home::new();
        let options = EngineOptions {
            destination: home.destination(),
            ..other.options()
        };
        let engine = Engine::open(options.clone()).unwrap();
        assert_eq!(engine.backups().unwrap_err().kind(), ErrorKind::Locked);
        let refused = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
        drop(engine);
        import_key(&options, &key).unwrap();
        assert_eq!(Engine::open(options).unwrap().backups().unwrap().len(), 1);
        assert_eq!(note(&home).as_deref(), left);
        fs::write(home.destination().join("holdfast.json"), "{\"layout\":1}").unwrap();
    }
}

#[test]
fn a_note_that_may_be_of_a_newer_version_is_not_written_over() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    back_up(&engine);
    for left in ["{\"layout\":9}", "{\"layout\":{\"major\":3}}"] {
        leave(&home, Some(left));
        assert!(engine.backups().is_err());
        let refused = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
        assert!(refused.is_err());
        assert_eq!(note(&home).unwrap(), left);
    }
}
