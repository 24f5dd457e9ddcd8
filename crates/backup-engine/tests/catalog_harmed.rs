//! Whatever becomes of `catalog.db` or of the records in the destination, the list is what the destination holds.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/listed.rs"]
mod listed;

use std::fs;
use std::path::Path;

use backup_engine::{Error, Watch};
use common::*;
use listed::*;
use rusqlite::Connection;

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
