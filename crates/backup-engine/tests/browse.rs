//! Looking into backups: lists page by page, content byte for byte, and nothing wrong where something is damaged.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;

use std::collections::BTreeMap;
use std::fs;

use backup_engine::{BackupId, CancelFlag, Engine, EntryKind, Error, Watch};
use common::*;
use damage::{DAMAGES, damage, objects};
use folders::{Stored, database, put_folders};
use sha2::{Digest, Sha256};

/// More than two of the longest chunks that there can be.
const LARGE: usize = 20_000_000;

/// A backup with 30 items, a folder of some files and a database.
fn prepared(home: &Home) -> (Engine, BackupId) {
    let engine = home.open();
    fill(&engine, 30, 2_000);
    let id = back_up(&engine).id;
    let (files, databases) = (home.folder.path().join("f"), home.folder.path().join("d"));
    for folder in [&files.join("sub/deep"), &databases.join("sub")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(files.join("large"), text(1, LARGE)).unwrap();
    fs::write(files.join("empty"), "").unwrap();
    fs::write(files.join("sub/deep/ü \\ \" odd"), "odd").unwrap();
    fs::write(files.join("sub/zz"), "z").unwrap();
    std::os::unix::fs::symlink("large", files.join("link")).unwrap();
    database(&databases.join("sub/notes.db"), 200);
    let stored = Stored {
        id: "docs",
        files: &files,
        databases: Some(&databases),
    };
    put_folders(home, &id, &[stored]);
    (engine, id)
}

fn read(engine: &Engine, id: &BackupId, path: &str) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    engine.read(id, path, &mut content, &Watch::unwatched())?;
    Ok(content)
}

fn names(engine: &Engine, id: &BackupId, path: &str) -> Vec<(String, EntryKind)> {
    let page = engine
        .list(id, path, None, 1_000, &Watch::unwatched())
        .unwrap();
    assert_eq!(page.next, None);
    let items = page.items.into_iter();
    items.map(|entry| (entry.name, entry.kind)).collect()
}

#[test]
fn both_repositories_and_the_library_are_one_tree() {
    use EntryKind::*;
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let listed = |path| names(&engine, &id, path);
    let expect = |names: &[(&str, EntryKind)]| -> Vec<(String, EntryKind)> {
        names
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect()
    };
    assert_eq!(
        listed(""),
        expect(&[
            ("docs", Folder),
            ("library", Folder),
            ("library.db", Database)
        ])
    );
    assert_eq!(
        listed("docs"),
        expect(&[
            ("empty", File),
            ("large", File),
            ("link", Link),
            ("sub", Folder)
        ])
    );
    assert_eq!(
        listed("docs/sub"),
        expect(&[("deep", Folder), ("notes.db", Database), ("zz", File)])
    );
    let items = engine
        .list(&id, "library", Some("asset-000009"), 5, &Watch::unwatched())
        .unwrap();
    let first = &items.items[0];
    assert_eq!(first.path, "library/asset-000010");
    assert_eq!(first.title.as_deref(), Some("Snippet 10"));
    assert_eq!(first.bytes, item(10, 2_000).json.len() as u64);
    assert_eq!(items.next.as_deref(), Some("asset-000014"));

    let odd = engine
        .list(&id, "docs/sub/deep", None, 10, &Watch::unwatched())
        .unwrap();
    assert_eq!(odd.items.len(), 1);
    assert_eq!(read(&engine, &id, &odd.items[0].path).unwrap(), b"odd");
}

#[test]
fn what_is_read_is_what_was_stored() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let here = home.folder.path();
    for (path, original) in [
        ("docs/large", here.join("f/large")),
        ("docs/empty", here.join("f/empty")),
        ("docs/sub/notes.db", here.join("d/sub/notes.db")),
    ] {
        let content = read(&engine, &id, path).unwrap();
        assert!(content == fs::read(original).unwrap(), "{path}");
    }
    let json = read(&engine, &id, "library/asset-000007").unwrap();
    assert_eq!(json, item(7, 2_000).json.as_bytes());
    let library = read(&engine, &id, "library.db").unwrap();
    assert_eq!(
        library.len() as u64,
        engine
            .list(&id, "", None, 9, &Watch::unwatched())
            .unwrap()
            .items[2]
            .bytes
    );
    assert_eq!(&library[..15], b"SQLite format 3");

    let code = |path: &str| read(&engine, &id, path).unwrap_err().code();
    for folder in ["", "docs", "docs/sub", "library", "docs/link"] {
        assert_eq!(code(folder), "not-a-file", "{folder}");
    }
    for nothing in [
        "no",
        "docs/no",
        "docs/large/no",
        "library/no",
        "docs/../docs/large",
        "/docs",
    ] {
        assert_eq!(code(nothing), "unknown-path", "{nothing}");
    }
    let code = |path: &str| {
        engine
            .list(&id, path, None, 1, &Watch::unwatched())
            .unwrap_err()
            .code()
    };
    for file in [
        "docs/large",
        "library.db",
        "library/asset-000001",
        "docs/link",
    ] {
        assert_eq!(code(file), "not-a-folder", "{file}");
    }
    for nothing in ["no", "docs/no", "docs/large/no", "library/no", "docs/"] {
        assert_eq!(code(nothing), "unknown-path", "{nothing}");
    }
}

#[test]
fn paging_through_a_large_folder_gives_each_entry_once_and_in_order() {
    let home = Home::new();
    let engine = home.open();
    let id = back_up(&engine).id;
    let files = home.folder.path().join("many");
    fs::create_dir(&files).unwrap();
    let mut expected: Vec<String> = (0..5_000u32).map(|n| format!("{n}-é")).collect();
    for name in &expected {
        fs::write(files.join(name), name).unwrap();
    }
    let stored = Stored {
        id: "many",
        files: &files,
        databases: None,
    };
    put_folders(&home, &id, &[stored]);
    expected.sort();
    for limit in [37, 999, 100_000] {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = engine
                .list(&id, "many", after.as_deref(), limit, &Watch::unwatched())
                .unwrap();
            assert!(page.items.len() <= limit.min(1_000));
            found.extend(page.items.into_iter().map(|entry| entry.name));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
    // An entry that is not there is as good a place to go on as one that is.
    let page = engine
        .list(&id, "many", Some("4999"), 1, &Watch::unwatched())
        .unwrap();
    assert_eq!(page.items[0].name, "4999-é");
    assert_eq!(
        engine
            .list(&id, "many", None, 0, &Watch::unwatched())
            .unwrap()
            .items
            .len(),
        1
    );
}

#[test]
fn what_is_damaged_is_an_error_that_names_the_backup_and_never_wrong_bytes() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let paths = [
        "docs/large",
        "docs/sub/notes.db",
        "library/asset-000003",
        "library.db",
    ];
    let read_all = |engine: &Engine| -> BTreeMap<&str, Result<Vec<u8>, Error>> {
        // A job that begins drops what is kept, so that all is read from the destination.
        let _ = engine.undo(&Watch::unwatched());
        paths
            .into_iter()
            .map(|path| (path, read(engine, &id, path)))
            .collect()
    };
    let sound = read_all(&engine);
    let all = objects(&home.destination());
    let mut found = 0;
    for object in &all {
        for kind in DAMAGES {
            let Some(mend) = damage(object, kind, &all) else {
                continue;
            };
            let what = format!("{} {kind:?}", object.display());
            let fresh = read_all(&engine);
            let listed = engine
                .list(&id, "docs/sub", None, 10, &Watch::unwatched())
                .map(|_| Vec::new());
            let every = fresh.into_iter().chain([("list", listed)]);
            for (path, content) in every {
                match content {
                    Ok(_) if path == "list" => {}
                    Ok(content) => {
                        assert!(content == *sound[path].as_ref().unwrap(), "{what}: {path}")
                    }
                    Err(error) => {
                        found += 1;
                        let names = matches!(&error, Error::Damaged { backup: Some(named), .. } if *named == id);
                        let other = matches!(
                            error,
                            Error::UnknownBackup(_)
                                | Error::Unreachable(_)
                                | Error::NewerLayout { .. }
                        ) || object.ends_with("holdfast.json");
                        assert!(names || other, "{what}: {path}: {error:?}");
                    }
                }
            }
            mend();
        }
    }
    assert!(found > 50, "only {found} damages were met");
    assert!(read_all(&engine)["docs/large"].is_ok());
}

#[test]
fn reading_stops_when_it_is_cancelled() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let flag = CancelFlag::default();
    let cancel = flag.clone();
    let watch = Watch::new(flag, move |step| {
        if step.done > 0 {
            cancel.cancel();
        }
    });
    let mut content = Vec::new();
    assert!(
        engine
            .read(&id, "docs/large", &mut content, &watch)
            .is_err()
    );
    assert!(
        !content.is_empty() && content.len() < LARGE,
        "{}",
        content.len()
    );
}

#[test]
fn libraries_that_are_read_leave_nothing_behind() {
    let home = Home::new();
    let scratch = home.data().join("browse");
    let count = || fs::read_dir(&scratch).map_or(0, |entries| entries.count());
    fs::create_dir_all(&scratch).unwrap();
    fs::write(scratch.join("7.db"), "left by a process that was killed").unwrap();
    {
        let engine = home.open();
        assert_eq!(count(), 0);
        let mut hashes = Vec::new();
        for round in 1..=4 {
            fill(&engine, round * 5, 100);
            let id = back_up(&engine).id;
            assert_eq!(
                engine
                    .list(&id, "library", None, 100, &Watch::unwatched())
                    .unwrap()
                    .items
                    .len() as u64,
                round * 5
            );
            engine
                .list(&id, "library", None, 100, &Watch::unwatched())
                .unwrap();
            hashes.push(Sha256::digest(read(&engine, &id, "library.db").unwrap()));
        }
        hashes.dedup();
        assert_eq!(hashes.len(), 4);
        assert_eq!(count(), 2, "more are kept than a comparison needs");
    }
    assert_eq!(count(), 0);
}

#[test]
fn a_backup_that_is_deleted_or_out_of_reach_is_not_shown_from_what_is_kept() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    engine
        .list(&id, "docs", None, 10, &Watch::unwatched())
        .unwrap();
    let away = home.folder.path().join("away");
    fs::rename(home.destination(), &away).unwrap();
    let error = engine
        .list(&id, "docs", None, 10, &Watch::unwatched())
        .unwrap_err();
    assert_eq!(error.code(), "destination-unreachable");
    fs::rename(&away, home.destination()).unwrap();
    engine
        .list(&id, "docs", None, 10, &Watch::unwatched())
        .unwrap();
    engine.delete(&id).unwrap();
    let error = engine
        .list(&id, "docs", None, 10, &Watch::unwatched())
        .unwrap_err();
    assert_eq!(error.code(), "unknown-backup");
}

#[test]
fn what_a_job_elsewhere_moved_is_found_by_a_new_index() {
    let home = Home::new();
    let (engine, id) = prepared(&home);
    let original = fs::read(home.folder.path().join("f/large")).unwrap();
    assert!(read(&engine, &id, "docs/large").unwrap() == original);
    let packs = || objects(&home.destination().join("files/data"));
    let before = packs();
    let options = rustic_core::PruneOptions::default()
        .max_repack(rustic_core::LimitOption::Unlimited)
        .repack_all(true)
        .instant_delete(true);
    let files = folders::repository(&home, "files");
    let plan = files.prune_plan(&options).unwrap();
    files.prune(&options, plan).unwrap();
    assert!(before.iter().all(|pack| !packs().contains(pack)));
    assert!(read(&engine, &id, "docs/large").unwrap() == original);
    assert_eq!(names(&engine, &id, "docs/sub").len(), 3);
}
