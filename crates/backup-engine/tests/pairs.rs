//! Things of a source that belong together, and sources that lie in one another: whole in a backup and after a restore.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use backup_engine::{Depth, NewSource, Outcome, SourceKind, Watch};
use common::*;

fn add(engine: &backup_engine::Engine, path: &std::path::Path) {
    let new = NewSource {
        kind: SourceKind::Folder,
        path: path.to_owned(),
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
}

#[test]
fn a_database_that_is_stored_with_its_journal_is_proven_and_restored_with_it() {
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("documents");
    fs::create_dir_all(&folder).unwrap();
    let mut content = b"SQLite format 3\0".to_vec();
    content.resize(4_096, 7);
    let (database, journal) = (folder.join("hot.db"), folder.join("hot.db-journal"));
    fs::write(&database, &content).unwrap();
    fs::write(&journal, b"a journal of its own").unwrap();
    add(&engine, &folder);
    let id = back_up(&engine).id;
    let report = engine.verify(Some(&id), Depth::Rehearsal, &Watch::unwatched());
    let Outcome::Completed(report) = report.unwrap() else {
        panic!("nobody cancelled");
    };
    assert_eq!(report.damaged, []);

    let is_whole = |how: &str| {
        assert_eq!(fs::read(&database).unwrap(), content, "{how}");
        assert_eq!(
            fs::read(&journal).unwrap(),
            b"a journal of its own",
            "{how}"
        );
    };
    restore(&engine, &id);
    is_whole("nothing had changed");
    fs::remove_file(&database).unwrap();
    restore(&engine, &id);
    is_whole("the database was gone");
    let other = [&content[..], &content[..]].concat();
    fs::write(&database, &other).unwrap();
    restore(&engine, &id);
    is_whole("the database was another");
    engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(fs::read(&database).unwrap(), other);
    assert_eq!(fs::read(&journal).unwrap(), b"a journal of its own");
    fs::remove_dir_all(&folder).unwrap();
    restore(&engine, &id);
    is_whole("all was gone");
}

#[test]
fn a_source_in_another_source_is_restored_with_it() {
    let home = Home::new();
    let engine = home.open();
    let outer = home.folder.path().join("outer");
    let inner = outer.join("some/inner");
    fs::create_dir_all(&inner).unwrap();
    let (one, two) = (outer.join("one.txt"), inner.join("two.txt"));
    let fill = |text: &str| [&one, &two].map(|file| fs::write(file, text).unwrap());
    fill("as it was");
    add(&engine, &outer);
    add(&engine, &inner);
    let id = back_up(&engine).id;
    let is_whole = |how: &str| {
        let texts = [&one, &two].map(|file| fs::read_to_string(file).unwrap());
        assert_eq!(texts, ["as it was", "as it was"], "{how}");
    };
    fill("changed");
    restore(&engine, &id);
    is_whole("both were changed");
    let undone = engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(undone, Outcome::Completed(()));
    assert_eq!(fs::read_to_string(&two).unwrap(), "changed");
    fs::remove_dir_all(&inner).unwrap();
    restore(&engine, &id);
    is_whole("the inner one was gone");
    fs::remove_dir_all(&outer).unwrap();
    restore(&engine, &id);
    is_whole("both were gone");
}
