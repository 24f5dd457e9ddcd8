//! What comes out of a restore, and out of its undoing.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use rusqlite::Connection;

use super::bench::*;
use crate::destination::UnreadFile;
use crate::restore::{Place, RestoreRequest, What};
use crate::watch::Outcome;
use crate::{Change, Watch};

/// A source with one of everything.
pub(super) fn fill(bench: &Bench) {
    let docs = bench.docs();
    write(&docs, "a.txt", "one");
    write(&docs, "empty", "");
    write(&docs, "deep/er/b.bin", noise(7, 24_000_000));
    write(&docs, "gone/with/all.txt", "all");
    write(&docs, "becomes-a-folder", "a file");
    write(&docs, "becomes-a-file/inner.txt", "inner");
    write(&docs, "read-only/inner.txt", "kept");
    symlink("a.txt", docs.join("link")).unwrap();
    symlink("deep", docs.join("becomes-real")).unwrap();
    fs::hard_link(docs.join("a.txt"), docs.join("twin")).unwrap();
    fs::write(docs.join(name(b"not-\xff-utf8\\")), "bytes").unwrap();
    let file = fs::File::open(docs.join("a.txt")).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::fsetxattr(&file, "user.note", b"by hand", flags).unwrap();
    bench_fifo(&docs.join("pipe"));
    fs::set_permissions(docs.join("a.txt"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(docs.join("read-only"), fs::Permissions::from_mode(0o555)).unwrap();
    let database = Connection::open(docs.join("deep/app.db")).unwrap();
    database
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2);")
        .unwrap();
}

fn bench_fifo(path: &std::path::Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o640), 0).unwrap();
}

/// Changes something of every kind.
pub(super) fn change(bench: &Bench) {
    let docs = bench.docs();
    write(&docs, "a.txt", "another");
    write(&docs, "new.txt", "new");
    write(&docs, "new/folder/inner.txt", "new");
    write(&docs, "kept/left-out.tmp", "mine");
    let mut large = fs::read(docs.join("deep/er/b.bin")).unwrap();
    large[2_000_000] ^= 1;
    fs::write(docs.join("deep/er/b.bin"), large).unwrap();
    fs::remove_dir_all(docs.join("gone")).unwrap();
    fs::remove_file(docs.join("becomes-a-folder")).unwrap();
    write(&docs, "becomes-a-folder/inner.txt", "inner");
    fs::remove_dir_all(docs.join("becomes-a-file")).unwrap();
    write(&docs, "becomes-a-file", "a file");
    fs::remove_file(docs.join("becomes-real")).unwrap();
    write(&docs, "becomes-real/inner.txt", "real");
    write(&docs, "read-only/inner.txt", "other");
    fs::remove_file(docs.join("link")).unwrap();
    symlink("empty", docs.join("link")).unwrap();
    fs::remove_file(docs.join("pipe")).unwrap();
    let database = Connection::open(docs.join("deep/app.db")).unwrap();
    database
        .execute_batch("PRAGMA journal_mode = WAL; INSERT INTO t VALUES (3);")
        .unwrap();
    // As a program leaves it that is killed.
    let (wal, kept) = (docs.join("deep/app.db-wal"), docs.join("wal"));
    fs::copy(&wal, &kept).unwrap();
    drop(database);
    fs::rename(kept, wal).unwrap();
}

#[test]
fn a_restore_brings_back_exactly_what_was_backed_up_and_undo_what_it_replaced() {
    let bench = Bench::new();
    fill(&bench);
    let (stored, original) = (bench.store(), state(&bench.docs()));
    bench.restore(&stored, docs());
    assert_eq!(state(&bench.docs()), original, "with nothing to do");
    change(&bench);
    bench.library.put(&[item("two")]).unwrap();
    let changed = state(&bench.docs());

    bench.restore(&stored, What::Everything);
    let mut restored = state(&bench.docs());
    // What backups leave out stays, with the folder that it is in.
    for left_out in ["kept", "kept/left-out.tmp"] {
        let stays = restored.remove(&PathBuf::from(left_out));
        assert_eq!(stays.as_ref(), changed.get(&PathBuf::from(left_out)));
    }
    assert_eq!(restored, original);
    assert!(bench.library.get("two").unwrap().is_none());
    let hard = |name: &str| fs::metadata(bench.docs().join(name)).unwrap().ino();
    assert_ne!(hard("a.txt"), hard("twin"));
    let file = fs::File::open(bench.docs().join("a.txt")).unwrap();
    let mut note = [0; 20];
    assert_eq!(
        rustix::fs::fgetxattr(&file, "user.note", &mut note).unwrap(),
        7
    );

    bench.undo();
    assert_eq!(state(&bench.docs()), changed);
    assert!(bench.library.get("two").unwrap().is_some());
    assert!(!bench.data().join("restore").exists());
}

#[test]
fn a_preview_counts_and_names_what_a_restore_changes_and_fetches_only_that() {
    let bench = Bench::new();
    fill(&bench);
    let stored = bench.store();
    change(&bench);
    let before = state(bench.folder.path());
    let request = RestoreRequest {
        backup: backup_id(),
        what: docs(),
        place: Place::InPlace,
    };
    let watch = Watch::unwatched();
    let user = |_: &std::path::Path| Ok(Some("a program".into()));
    let preview = bench.with(&stored, &watch, &user, |restore| restore.preview(&request));
    let preview = preview.unwrap();
    assert_eq!(preview.in_use_by.as_deref(), Some("a program"));
    let part = &preview.parts[0];
    let of = |path: &str| part.examples.iter().find(|example| example.path == path);
    assert_eq!(of("docs/a.txt").unwrap().change, Change::Changed);
    assert_eq!(of("docs/gone/with/all.txt").unwrap().change, Change::Added);
    assert_eq!(of("docs/becomes-a-folder").unwrap().change, Change::Changed);
    assert!(of("docs/empty").is_none());
    assert!(part.added >= 4 && part.removed >= 4, "{part:?}");
    // No chunk is larger than eight megabytes, and of a file of 24 one differs.
    assert!(part.fetched_bytes < 10_000_000, "{}", part.fetched_bytes);
    assert_eq!(
        state(bench.folder.path()),
        before,
        "a preview changed something"
    );
}

#[test]
fn chosen_paths_leave_everything_else_alone() {
    let bench = Bench::new();
    fill(&bench);
    let (stored, original) = (bench.store(), state(&bench.docs()));
    change(&bench);
    let changed = state(&bench.docs());
    let paths = ["docs/a.txt", "docs/gone/with/all.txt"].map(String::from);
    bench.restore(&stored, What::Paths(paths.into()));
    for (path, now) in state(&bench.docs()) {
        let chosen = path.as_path() == std::path::Path::new("a.txt") || path.starts_with("gone");
        let expected = if chosen { &original } else { &changed };
        assert_eq!(Some(&now), expected.get(&path), "{}", path.display());
    }
    bench.undo();
    assert_eq!(state(&bench.docs()), changed);
    for unknown in ["docs/nothing", "other/a.txt", "docs/../a.txt", "/docs", ""] {
        let what = What::Paths(vec![unknown.into()]);
        let tried = bench.try_restore(&stored, what, Place::InPlace, &Watch::unwatched());
        assert_eq!(tried.unwrap_err().code(), "unknown-path", "{unknown}");
    }
}

#[test]
fn another_folder_gets_the_backup_and_keeps_what_else_is_in_it() {
    let bench = Bench::new();
    fill(&bench);
    let (stored, original) = (bench.store(), state(&bench.docs()));
    let target = bench.folder.path().join("new/target");
    let restore = || {
        let place = Place::Folder(target.clone());
        bench.try_restore(&stored, What::Everything, place, &Watch::unwatched())
    };
    restore().unwrap();
    assert_eq!(state(&target.join("docs")), original);
    assert!(target.join("library.db").is_file());
    write(&target, "docs/mine.txt", "mine");
    fs::remove_dir_all(target.join("docs/gone")).unwrap();
    restore().unwrap();
    assert_eq!(fs::read(target.join("docs/mine.txt")).unwrap(), b"mine");
    assert_eq!(
        fs::read(target.join("docs/gone/with/all.txt")).unwrap(),
        b"all"
    );
    for refused in ["relative", "data/inside", "destination"] {
        let folder = if refused == "relative" {
            refused.into()
        } else {
            bench.folder.path().join(refused)
        };
        let place = Place::Folder(folder);
        let tried = bench.try_restore(&stored, docs(), place, &Watch::unwatched());
        assert_eq!(tried.unwrap_err().code(), "bad-target");
    }
}

#[test]
fn a_source_of_which_something_is_said_itself_comes_back() {
    let bench = Bench::new();
    fill(&bench);
    let (mut stored, original) = (bench.store(), state(&bench.docs()));
    let source = &mut stored.details.sources[0];
    (source.files, source.folders) = (10, 5);
    source.unread = vec![UnreadFile {
        path: "docs".into(),
        why: "extended attributes of it are missing".into(),
        missing: true,
    }];
    fs::remove_dir_all(bench.docs()).unwrap();
    bench.restore(&stored, docs());
    assert_eq!(state(&bench.docs()), original);
}

#[test]
fn a_source_that_is_gone_comes_back_whole() {
    let bench = Bench::new();
    fill(&bench);
    let (stored, original) = (bench.store(), state(&bench.docs()));
    fs::remove_dir_all(bench.docs()).unwrap();
    bench.restore(&stored, docs());
    assert_eq!(state(&bench.docs()), original);
    bench.undo();
    assert!(!bench.docs().exists());
}

#[test]
fn holes_are_restored_as_holes() {
    let bench = Bench::new();
    let path = bench.docs().join("sparse");
    let file = fs::File::create(&path).unwrap();
    file.set_len(200 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"in the middle", 100 << 20).unwrap();
    let (stored, original) = (bench.store(), state(&bench.docs()));
    fs::write(&path, "something else").unwrap();
    bench.restore(&stored, docs());
    assert_eq!(state(&bench.docs()), original);
    let blocks = fs::metadata(path).unwrap().blocks();
    assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
}

#[test]
fn a_library_restore_fetches_only_pages_that_differ_and_names_the_rest_there() {
    let bench = Bench::new();
    let stored = bench.store();
    bench.library.put(&[item("two")]).unwrap();
    bench.restore(&stored, What::Library);
    assert!(bench.library.get("one").unwrap().is_some());
    assert!(bench.library.get("two").unwrap().is_none());
    let watch = Watch::unwatched();
    let request = RestoreRequest {
        backup: backup_id(),
        what: What::Library,
        place: Place::InPlace,
    };
    let preview = bench.with(&stored, &watch, &|_| Ok(None), |restore| {
        restore.preview(&request)
    });
    assert_eq!(preview.unwrap().parts[0].fetched_bytes, 0);
    let outcome = bench.try_restore(&stored, What::Library, Place::InPlace, &watch);
    assert_eq!(outcome.unwrap(), Outcome::Completed(()));
}
