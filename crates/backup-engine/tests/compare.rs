//! How two versions differ: by name, in order, page by page.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/folders.rs"]
mod folders;

use std::fs;
use std::path::PathBuf;

use backup_engine::{
    BackupId, CancelFlag, Change, Difference, Engine, Error, Item, NewSource, SourceKind, Version,
    Watch,
};
use common::*;
use damage::{Damage, damage, objects};
use folders::{Stored, database, put_folders};

use Change::{Added, Changed, Removed};

/// All differences, in pages of this length.
fn paged(
    engine: &Engine,
    (older, newer): (&Version, &Version),
    scope: &str,
    limit: usize,
) -> Vec<Difference> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = engine
            .compare(
                older,
                newer,
                scope,
                after.as_deref(),
                limit,
                &Watch::unwatched(),
            )
            .unwrap();
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn named(differences: &[Difference]) -> Vec<(&str, Change)> {
    let each = differences.iter();
    each.map(|one| (one.path.as_str(), one.change)).collect()
}

fn backup(id: &BackupId) -> Version {
    Version::Backup(id.clone())
}

/// Three items more, two others, one less.
fn change(engine: &Engine) {
    let named = |item: Item, name: &str| Item {
        name: Some(name.into()),
        ..item
    };
    let items = [
        named(item(100, 50), "First new"),
        named(item(101, 50), "Second new"),
        named(item(102, 50), "Third new"),
        named(versioned(3, 1, 70), "Changed"),
        versioned(25, 1, 500),
    ];
    engine.library().put(&items).unwrap();
    engine.library().delete("asset-000017").unwrap();
}

const OF_ITEMS: [(&str, Change); 6] = [
    ("library/asset-000003", Changed),
    ("library/asset-000017", Removed),
    ("library/asset-000025", Changed),
    ("library/asset-000100", Added),
    ("library/asset-000101", Added),
    ("library/asset-000102", Added),
];

#[test]
fn libraries_differ_by_items_and_these_have_names() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 40, 500);
    let older = backup(&back_up(&engine).id);
    change(&engine);
    let newer = backup(&back_up(&engine).id);
    for limit in [1, 2, 5, 1_000] {
        for sides in [(&older, &newer), (&older, &Version::Now)] {
            for scope in ["library", ""] {
                assert_eq!(named(&paged(&engine, sides, scope, limit)), OF_ITEMS);
            }
        }
    }
    for expected in OF_ITEMS {
        let one = paged(&engine, (&older, &newer), expected.0, 1);
        assert_eq!(named(&one), [expected]);
    }
    assert_eq!(
        paged(&engine, (&older, &newer), "library/asset-000004", 1),
        []
    );
    for sides in [(&older, &newer), (&older, &Version::Now), (&older, &older)] {
        let none = engine.compare(
            sides.0,
            sides.1,
            "library/none",
            None,
            1,
            &Watch::unwatched(),
        );
        let same = sides.0 == sides.1;
        assert_eq!(none.is_ok(), same, "{none:?}");
    }
    let all = paged(&engine, (&older, &newer), "library", 10);
    let titles: Vec<_> = all
        .iter()
        .map(|one| one.title.as_deref().unwrap())
        .collect();
    assert_eq!(
        titles,
        [
            "Changed",
            "Snippet 17",
            "Snippet 25",
            "First new",
            "Second new",
            "Third new"
        ]
    );
    let bytes = |number: usize| (all[number].bytes_before, all[number].bytes_after);
    assert_eq!(
        bytes(0),
        (
            Some(item(3, 500).json.len() as u64),
            Some(versioned(3, 1, 70).json.len() as u64)
        )
    );
    assert_eq!(bytes(1), (Some(item(17, 500).json.len() as u64), None));
    assert_eq!(bytes(3), (None, Some(item(100, 50).json.len() as u64)));

    // The other way round, what was added is removed.
    let back = paged(&engine, (&newer, &older), "library", 4);
    assert_eq!(back.iter().filter(|one| one.change == Removed).count(), 3);
    assert_eq!(paged(&engine, (&Version::Now, &older), "library", 4), back);
    for same in [
        (&newer, &Version::Now),
        (&newer, &newer),
        (&Version::Now, &Version::Now),
    ] {
        assert!(paged(&engine, same, "", 10).is_empty(), "{same:?}");
    }
}

/// Two backups of a folder that changed in between.
fn prepared(home: &Home) -> (Engine, BackupId, BackupId) {
    let engine = home.open();
    fill(&engine, 40, 500);
    let here = |name: &str| -> PathBuf { home.folder.path().join(name) };
    let write = |path: &str, content: &str| {
        fs::create_dir_all(here(path).parent().unwrap()).unwrap();
        fs::write(here(path), content).unwrap();
    };
    for path in [
        "f/a/one",
        "f/a/two",
        "f/a-b",
        "f/gone/x",
        "f/same/deep/file",
        "f/touched",
        "f/kind/z",
        "f/mode",
    ] {
        write(path, path);
    }
    write("f/large", &text(1, 2_000_000));
    std::os::unix::fs::symlink("one", here("f/link")).unwrap();
    fs::create_dir_all(here("d/a")).unwrap();
    database(&here("d/a/notes.db"), 20);
    database(&here("d/kept.db"), 20);
    let store = |id: &BackupId| {
        let (files, databases) = (here("f"), here("d"));
        let stored = Stored {
            id: "zoo",
            files: &files,
            databases: Some(&databases),
        };
        put_folders(home, id, &[stored]);
    };
    let older = back_up(&engine).id;
    store(&older);

    change(&engine);
    write("f/a/two", "f/a/TWO");
    write("f/a-b", "longer than it was");
    write("f/new/n", "new");
    write("f/touched", "f/touched");
    write("f/large", &text(2, 2_000_000));
    fs::remove_dir_all(here("f/gone")).unwrap();
    fs::remove_dir_all(here("f/kind")).unwrap();
    write("f/kind", "a file now");
    fs::remove_file(here("f/link")).unwrap();
    std::os::unix::fs::symlink("two", here("f/link")).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(here("f/mode"), private).unwrap();
    database(&here("d/a/notes.db"), 1);
    let newer = back_up(&engine).id;
    store(&newer);
    (engine, older, newer)
}

const OF_FOLDERS: [(&str, Change); 12] = [
    ("zoo/a/notes.db", Changed),
    ("zoo/a/two", Changed),
    ("zoo/a-b", Changed),
    ("zoo/gone", Removed),
    ("zoo/gone/x", Removed),
    ("zoo/kind", Changed),
    ("zoo/kind/z", Removed),
    ("zoo/large", Changed),
    ("zoo/link", Changed),
    ("zoo/mode", Changed),
    ("zoo/new", Added),
    ("zoo/new/n", Added),
];

#[test]
fn folders_differ_by_content_and_not_by_time() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    let sides = (&backup(&older), &backup(&newer));
    for limit in [1, 3, 1_000] {
        assert_eq!(named(&paged(&engine, sides, "zoo", limit)), OF_FOLDERS);
        // Everything: the library comes before the zoo.
        let all = [&OF_ITEMS[..], &OF_FOLDERS[..]].concat();
        assert_eq!(named(&paged(&engine, sides, "", limit)), all);
    }
    assert_eq!(named(&paged(&engine, sides, "zoo/a", 1)), OF_FOLDERS[..2]);
    assert_eq!(
        named(&paged(&engine, sides, "zoo/gone", 1)),
        OF_FOLDERS[3..5]
    );
    assert_eq!(
        named(&paged(&engine, sides, "zoo/a-b", 1)),
        OF_FOLDERS[2..3]
    );
    assert!(paged(&engine, sides, "zoo/same", 1).is_empty());
    for nothing in ["zoo/no", "no", "zoo/"] {
        let error = engine
            .compare(sides.0, sides.1, nothing, None, 1, &Watch::unwatched())
            .unwrap_err();
        assert_eq!(error.code(), "unknown-path", "{nothing}");
    }
}

#[test]
fn damage_met_by_a_comparison_names_the_backup_that_has_it() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    let sides = (backup(&older), backup(&newer));
    let sound = engine
        .compare(&sides.0, &sides.1, "", None, 1_000, &Watch::unwatched())
        .unwrap();
    let all = objects(&home.destination());
    let mut found = 0;
    for object in &all {
        for kind in [Damage::Flipped, Damage::Removed] {
            let Some(mend) = damage(object, kind, &all) else {
                continue;
            };
            // A job that begins drops what is kept.
            let _ = engine.undo(&Watch::unwatched());
            match engine.compare(&sides.0, &sides.1, "", None, 1_000, &Watch::unwatched()) {
                Ok(page) => assert_eq!(page, sound),
                Err(Error::Damaged { backup, .. }) => {
                    found += 1;
                    let named = backup.unwrap_or_else(|| panic!("{}", object.display()));
                    assert!(named == older || named == newer);
                }
                Err(error) => assert!(
                    matches!(error, Error::UnknownBackup(_) | Error::Unreachable(_))
                        || object.ends_with("holdfast.json"),
                    "{}: {error:?}",
                    object.display()
                ),
            }
            mend();
        }
    }
    assert!(found > 10, "only {found} damages were met");
}

#[test]
fn a_source_is_compared_with_what_is_in_it_now() {
    let home = Home::new();
    let engine = home.open();
    let zoo = home.folder.path().join("zoo");
    let write = |path: &str, content: &[u8]| {
        fs::create_dir_all(zoo.join(path).parent().unwrap()).unwrap();
        fs::write(zoo.join(path), content).unwrap();
    };
    write("a/one", b"one");
    write("a/two", b"two");
    write("gone", b"gone");
    write("left.tmp", b"by the rules");
    // Begins as a database does, and is none.
    write(
        "odd",
        &[b"SQLite format 3\0".to_vec(), vec![1; 700]].concat(),
    );
    database(&zoo.join("notes.db"), 20);
    let source = engine
        .add_source(NewSource {
            kind: SourceKind::Folder,
            path: zoo.clone(),
            excludes: vec!["*.tmp".into()],
        })
        .unwrap();
    let id = source.id.to_string();
    let older = backup(&back_up(&engine).id);
    let now = |scope: &str| paged(&engine, (&older, &Version::Now), scope, 3);
    assert_eq!(now(""), []);

    write("a/two", b"TWO");
    write("a/one", b"one");
    write("other.tmp", b"by the rules");
    write("new/file", b"new");
    fs::remove_file(zoo.join("gone")).unwrap();
    database(&zoo.join("notes.db"), 1);
    let expected = ["a/two", "gone", "new", "new/file", "notes.db"];
    let found = now(&id);
    let paths: Vec<_> = found.iter().map(|one| one.path.clone()).collect();
    assert_eq!(paths, expected.map(|path| format!("{id}/{path}")));
    let changes: Vec<_> = found.iter().map(|one| one.change).collect();
    assert_eq!(changes, [Changed, Removed, Added, Added, Changed]);
    assert_eq!(now(""), found);

    // A disk that is away is not a folder that is empty.
    fs::rename(&zoo, home.folder.path().join("away")).unwrap();
    let away = engine.compare(&older, &Version::Now, &id, None, 10, &Watch::unwatched());
    assert!(away.is_err(), "{away:?}");
}

#[test]
fn what_could_not_be_read_for_a_backup_is_not_told_as_removed() {
    let home = Home::new();
    let engine = home.open();
    let zoo = home.folder.path().join("zoo");
    fs::create_dir_all(&zoo).unwrap();
    fs::write(zoo.join("lion"), b"roars").unwrap();
    fs::write(zoo.join("owl"), b"hoots").unwrap();
    let source = engine.add_source(NewSource {
        kind: SourceKind::Folder,
        path: zoo.clone(),
        excludes: Vec::new(),
    });
    let id = source.unwrap().id.to_string();
    let there = backup(&back_up(&engine).id);
    let elsewhere = home.folder.path().join("elsewhere");
    fs::rename(&zoo, &elsewhere).unwrap();
    let away = backup(&back_up(&engine).id);
    for scope in ["", &id] {
        assert_eq!(paged(&engine, (&there, &away), scope, 10), []);
        assert_eq!(paged(&engine, (&away, &there), scope, 10), []);
    }
    fs::rename(&elsewhere, &zoo).unwrap();
    assert_eq!(paged(&engine, (&away, &Version::Now), &id, 10), []);
    fs::remove_file(zoo.join("lion")).unwrap();
    let gone = backup(&back_up(&engine).id);
    let lion = format!("{id}/lion");
    let found = paged(&engine, (&there, &gone), "", 10);
    assert_eq!(named(&found), [(lion.as_str(), Removed)]);
}

#[test]
fn a_look_that_is_cancelled_ends_and_the_next_one_is_whole() {
    let home = Home::new();
    let (engine, older, newer) = prepared(&home);
    let sides = (backup(&older), backup(&newer));
    let cancel = CancelFlag::default();
    let cancelled = Watch::new(cancel.clone(), |_| {});
    assert!(cancel.cancel());
    let code = |error: Error| error.code();
    for scope in ["", "library", "zoo"] {
        let found = engine.compare(&sides.0, &sides.1, scope, None, 10, &cancelled);
        assert_eq!(found.map_err(code), Err("canceled"), "{scope}");
        let listed = engine.list(&older, "library", None, 10, &cancelled);
        assert_eq!(listed.map_err(code), Err("canceled"), "{scope}");
    }
    let preview = engine.preview(&all_of(&older), &cancelled);
    assert_eq!(preview.map_err(code), Err("canceled"));
    let all = [&OF_ITEMS[..], &OF_FOLDERS[..]].concat();
    let sides = (&sides.0, &sides.1);
    assert_eq!(named(&paged(&engine, sides, "", 10)), all);
}
