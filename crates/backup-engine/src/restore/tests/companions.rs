//! Logs and journals: they come, go and stay with their database, also where a backup has only one of the two.

use std::fs;
use std::path::{Path, PathBuf};

use super::bench::{Bench, docs, noise, place, state, write};
use crate::destination::UnreadFile;
use crate::restore::What;

/// With a header, so that it counts as a database, and bytes of its own.
fn database(seed: u64) -> Vec<u8> {
    let mut bytes = noise(seed, 4096);
    bytes[..16].copy_from_slice(b"SQLite format 3\0");
    bytes
}

#[test]
fn the_log_of_a_database_that_could_not_be_read_stays() {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "one");
    let mut stored = bench.store();
    stored.details.sources[0].unread = vec![UnreadFile {
        path: "docs/locked.db".into(),
        why: "another program keeps this database locked".into(),
        missing: true,
    }];
    write(&bench.docs(), "locked.db", database(1));
    write(&bench.docs(), "locked.db-wal", "what was written since");
    write(
        &bench.docs(),
        "locked.db-journal",
        "what has to be rolled back",
    );
    write(&bench.docs(), "left-out.tmp", database(2));
    write(&bench.docs(), "left-out.tmp-journal", "of what is left out");
    let own = |at: &Path| at.as_os_str().is_empty();
    let entries = || {
        let all = state(&bench.docs()).into_iter();
        // The folder's own time is the backup's.
        all.filter(|(at, _)| !own(at)).collect::<Vec<_>>()
    };
    let before = entries();
    write(&bench.docs(), "extra-wal", "of nothing");
    bench.restore(&stored, docs());
    assert!(!bench.docs().join("extra-wal").exists());
    assert_eq!(entries(), before);
}

#[test]
fn the_log_of_a_database_that_is_left_out_is_not_put_beside_it() {
    let bench = Bench::new();
    write(&bench.docs(), "cache.tmp-wal", "a log of then");
    let stored = bench.store();
    write(&bench.docs(), "cache.tmp", database(1));
    for now in ["a log of now", ""] {
        let log = bench.docs().join("cache.tmp-wal");
        fs::remove_file(&log).unwrap();
        if !now.is_empty() {
            fs::write(&log, now).unwrap();
        }
        bench.restore(&stored, docs());
        assert_eq!(fs::read_to_string(&log).unwrap_or_default(), now);
        bench.restore(&stored, What::Paths(vec!["docs/cache.tmp-wal".into()]));
        assert_eq!(fs::read_to_string(&log).unwrap_or_default(), now);
        fs::write(&log, "").unwrap();
    }
}

#[test]
fn a_journal_that_was_stored_with_its_database_stays_with_it_and_comes_with_it() {
    let bench = Bench::new();
    write(&bench.docs(), "half.db", database(1));
    write(&bench.docs(), "half.db-journal", "how it was before");
    let (mut stored, original) = (bench.store(), state(&bench.docs()));
    stored.details.sources[0].unread = vec![UnreadFile {
        path: "docs/half.db".into(),
        why: "stored with its journal".into(),
        missing: true,
    }];
    let chosen = What::Paths(vec!["docs/half.db".into()]);
    for what in [docs(), chosen] {
        let restored = |how: &str| {
            bench.restore(&stored, what.clone());
            let now = state(&bench.docs());
            for path in ["half.db", "half.db-journal"].map(Path::new) {
                assert_eq!(
                    now.get(path),
                    original.get(path),
                    "{how}: {}",
                    path.display()
                );
            }
        };
        restored("nothing changed");
        fs::remove_file(bench.docs().join("half.db")).unwrap();
        restored("the database is gone");
        write(&bench.docs(), "half.db", database(2));
        restored("the database changed");
        write(&bench.docs(), "half.db-journal", "of another change");
        restored("the journal changed");
        fs::remove_file(bench.docs().join("half.db-journal")).unwrap();
        restored("the journal is gone");
    }
    fs::remove_dir_all(bench.docs()).unwrap();
    bench.restore(&stored, What::Paths(vec!["docs/half.db".into()]));
    assert!(bench.docs().join("half.db-journal").exists());
}

#[test]
fn a_journal_that_was_stored_with_its_database_is_left_alone_with_it_and_only_with_it() {
    for (line, now, stays) in [
        ("/x.db", None, true),
        ("/x.db", Some("of today"), true),
        ("*-journal", Some("of today"), false),
        ("/x.db*", Some("of today"), true),
    ] {
        let bench = Bench::new();
        write(&bench.docs(), "x.db", database(1));
        write(&bench.docs(), "x.db-journal", "how it was before");
        let (mut stored, original) = (bench.store(), files(&bench));
        stored.details.sources[0].unread = vec![UnreadFile {
            path: "docs/x.db".into(),
            why: "stored with its journal".into(),
            missing: true,
        }];
        write(&bench.docs(), "x.db", database(2));
        fs::remove_file(bench.docs().join("x.db-journal")).unwrap();
        if let Some(now) = now {
            write(&bench.docs(), "x.db-journal", now);
        }
        let before = files(&bench);
        let places = [place("docs", &bench.docs(), &[line])];
        bench.restore_to(&stored, &places, docs()).unwrap();
        let expected = if stays { before } else { original };
        assert_eq!(files(&bench), expected, "{line}, {now:?}");
    }
}

/// What is in the source. Its own time is that of the backup.
fn files(bench: &Bench) -> Vec<(PathBuf, String)> {
    let all = state(&bench.docs()).into_iter();
    all.filter(|(at, _)| !at.as_os_str().is_empty()).collect()
}

#[test]
fn what_only_has_the_name_of_a_log_is_restored() {
    let bench = Bench::new();
    write(&bench.docs(), "work-journal/monday.md", "what was done");
    write(&bench.docs(), "notes-wal", "a text");
    let (stored, original) = (bench.store(), files(&bench));
    fs::remove_file(bench.docs().join("notes-wal")).unwrap();
    fs::remove_dir_all(bench.docs().join("work-journal")).unwrap();
    // No database, and no file.
    write(&bench.docs(), "notes", "another text");
    write(&bench.docs(), "work/plan.md", "what is to be done");
    let paths = ["docs/work-journal/monday.md", "docs/notes-wal"];
    let paths = paths.map(String::from).to_vec();
    bench.restore(&stored, What::Paths(paths));
    let now = files(&bench);
    for path in ["work-journal/monday.md", "notes-wal"] {
        let of = |all: &[(PathBuf, String)]| {
            let found = all.iter().find(|(at, _)| at == Path::new(path));
            found.map(|(_, state)| state.clone())
        };
        assert_eq!(of(&now), of(&original), "{path}");
    }
}

#[test]
fn a_folder_with_the_name_of_a_log_does_not_go_with_a_database() {
    let bench = Bench::new();
    let place = bench.docs().join("History");
    let opened = rusqlite::Connection::open(&place).unwrap();
    opened.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(opened);
    let (stored, original) = (bench.store(), fs::read(&place).unwrap());
    write(&bench.docs(), "History", database(2));
    write(&bench.docs(), "History-journal/monday.md", "in no backup");
    write(&bench.docs(), "History-wal", "a log of today");
    bench.restore(&stored, What::Paths(vec!["docs/History".into()]));
    let there = |name: &str| bench.docs().join(name).exists();
    assert!(there("History-journal/monday.md") && !there("History-wal"));
    assert_eq!(fs::read(&place).unwrap(), original);
    bench.undo();
    assert!(there("History-journal/monday.md") && there("History-wal"));
}
