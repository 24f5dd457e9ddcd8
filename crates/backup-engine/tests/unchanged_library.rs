//! A library that has not changed is not read, but where what the last backup has of it cannot be read either.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use backup_engine::{CancelFlag, Engine, Phase, Step, Watch};
use common::*;
use damage::{objects, overwrite};
use rusqlite::Connection;

/// A backup whose folders cannot be read any more, of a library that is as it was.
fn backed_up() -> (Home, Engine) {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 2_000, 2_000);
    Connection::open(home.library())
        .unwrap()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    back_up(&engine);
    let packs = objects(&home.destination().join("databases/data"));
    let bytes = |pack: &PathBuf| fs::metadata(pack).unwrap().len();
    let folders = packs.into_iter().min_by_key(bytes).unwrap();
    let mut content = fs::read(&folders).unwrap();
    content[20] ^= 1;
    overwrite(&folders, &content);
    (home, engine)
}

#[test]
fn it_is_checked_where_it_is_read_all_the_same() {
    let (home, engine) = backed_up();
    // A page of the table, which counting through an index does not read.
    let file = fs::File::options()
        .write(true)
        .open(home.library())
        .unwrap();
    let page = 16 * 1024;
    let middle = file.metadata().unwrap().len() / page / 2 * page;
    file.write_all_at(&[0xA5; 16 * 1024], middle).unwrap();
    let made = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
    assert_eq!(made.unwrap_err().code(), "library-damaged");
}

#[test]
fn another_version_does_not_take_its_place() {
    let (_home, engine) = backed_up();
    let engine = Arc::new(engine);
    let stores = engine.clone();
    let watch = Watch::new(CancelFlag::default(), move |step: Step| {
        if step.phase == Phase::Storing && step.done == 0 {
            // Of the same size.
            stores.library().put(&[versioned(7, 1, 2_000)]).unwrap();
        }
    });
    let made = engine.back_up(&engine.new_backup_id(), &watch);
    assert!(made.is_err(), "{made:?}");
    assert_eq!(engine.backups().unwrap().len(), 1);
    // The next one reads it anew.
    back_up(&engine);
}
