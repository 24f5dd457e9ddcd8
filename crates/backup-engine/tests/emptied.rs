//! A source that has become empty, as the place of a disk does that is not mounted.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use backup_engine::{Change, NewSource, SourceKind, Version, Watch};
use common::*;

#[test]
fn a_source_that_has_become_empty_is_named_until_something_is_in_it() {
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("disk");
    let fill = || {
        fs::create_dir_all(folder.join("work")).unwrap();
        fs::write(folder.join("work/one.txt"), "five years").unwrap();
        fs::write(folder.join("two.txt"), "of work").unwrap();
    };
    let named = || {
        let record = back_up(&engine);
        let source = record.sources.into_iter().next().unwrap();
        assert_eq!(source.unread_count, source.unread.len() as u64);
        let named = source.unread.into_iter().next();
        named.map(|named| (named.path == source.id, named.why))
    };
    fs::create_dir(&folder).unwrap();
    let new = NewSource {
        kind: SourceKind::Folder,
        path: folder.clone(),
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
    assert_eq!(named(), None, "it was never anything but empty");
    fill();
    assert_eq!(named(), None);
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let why = "nothing is in it, and 2 files were before: is its disk there?";
    for _ in 0..2 {
        assert_eq!(named(), Some((true, why.to_owned())));
    }
    fill();
    assert_eq!(named(), None);
    // Were it taken for what the folder should be, a restore would empty it.
    let backups = engine.backups().unwrap();
    let empty = backups
        .iter()
        .find(|record| record.sources[0].unread_count > 0);
    restore(&engine, &empty.unwrap().id);
    assert_eq!(
        fs::read(folder.join("work/one.txt")).unwrap(),
        b"five years"
    );
    assert_eq!(fs::read(folder.join("two.txt")).unwrap(), b"of work");
}

#[test]
fn a_comparison_with_a_source_that_has_become_empty_names_all_that_was_in_it() {
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("docs");
    fs::create_dir_all(folder.join("work")).unwrap();
    fs::write(folder.join("work/one.txt"), "five years").unwrap();
    fs::write(folder.join("two.txt"), "of work").unwrap();
    let new = NewSource {
        kind: SourceKind::Folder,
        path: folder.clone(),
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
    let full = Version::Backup(back_up(&engine).id);
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let empty = back_up(&engine);
    assert_eq!(empty.sources[0].unread_count, 1);
    let empty = Version::Backup(empty.id);
    let named = |older: &Version, newer: &Version| {
        let page = engine.compare(older, newer, "", None, 1_000, &Watch::unwatched());
        let items = page.unwrap().items.into_iter();
        items.map(|one| (one.path, one.change)).collect::<Vec<_>>()
    };
    let all = |change: Change| {
        let paths = ["docs/two.txt", "docs/work", "docs/work/one.txt"];
        paths.map(|path| (path.to_owned(), change)).to_vec()
    };
    assert_eq!(named(&full, &empty), all(Change::Removed));
    assert_eq!(named(&empty, &full), all(Change::Added));
}
