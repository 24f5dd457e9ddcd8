//! Folders in a backup: files and databases together, stored once, and what could not be read named.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_engine::{
    BackupRecord, CancelFlag, Engine, NewSource, Outcome, Phase, Place, RestoreRequest, Source,
    SourceKind, Step, Watch, What,
};
use common::*;
use rusqlite::Connection;

fn add(engine: &Engine, path: &Path, excludes: &[&str]) -> Source {
    let new = NewSource {
        kind: SourceKind::Folder,
        path: path.to_owned(),
        excludes: excludes.iter().map(|line| (*line).to_owned()).collect(),
    };
    engine.add_source(new).unwrap()
}

/// A folder with text files and a database in write-ahead mode that is open.
fn documents(home: &Home) -> (PathBuf, Connection) {
    let folder = home.folder.path().join("documents");
    fs::create_dir_all(folder.join("notes")).unwrap();
    for number in 0..20 {
        let file = folder.join(format!("notes/{number}.txt"));
        fs::write(file, text(number, 3_000)).unwrap();
    }
    fs::write(folder.join("empty"), "").unwrap();
    let database = Connection::open(folder.join("app.db")).unwrap();
    database
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT);")
        .unwrap();
    for number in 0..200 {
        insert(&database, number);
    }
    (folder, database)
}

fn insert(database: &Connection, number: u64) {
    database
        .execute("INSERT INTO t VALUES (?1)", [text(number, 2_000)])
        .unwrap();
}

fn source(record: &BackupRecord) -> &backup_engine::SourceRecord {
    assert_eq!(record.sources.len(), 1);
    &record.sources[0]
}

#[test]
fn a_folder_is_in_the_backup_with_its_database() {
    let home = Home::new();
    let engine = home.open();
    let (folder, _database) = documents(&home);
    let added = add(&engine, &folder, &["*.tmp"]);
    fs::write(folder.join("left.tmp"), "out").unwrap();
    let record = back_up(&engine);
    let source = source(&record);
    assert_eq!(source.id, added.id.to_string());
    assert_eq!((source.files, source.folders, source.databases), (21, 2, 1));
    assert_eq!(source.unread_count, 0, "{:?}", source.unread);
    assert_eq!(engine.backups().unwrap()[0], record);
}

#[test]
fn what_has_not_changed_is_not_stored_again_and_what_has_is() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 50, 2_000);
    let (folder, database) = documents(&home);
    add(&engine, &folder, &[]);
    let first = back_up(&engine);
    let unchanged = back_up(&engine);
    assert!(first.stored_bytes > 100_000, "{}", first.stored_bytes);
    assert_eq!(unchanged.stored_bytes, 0);
    assert_eq!(unchanged.sources, first.sources);

    insert(&database, 1_000);
    fs::write(folder.join("notes/new.txt"), "new").unwrap();
    let changed = back_up(&engine);
    assert!(
        (1..60_000).contains(&changed.stored_bytes),
        "{}",
        changed.stored_bytes
    );
    assert_eq!(source(&changed).files, 22);
    assert!(source(&changed).bytes > source(&first).bytes);
}

#[test]
fn a_source_that_is_away_is_named_and_the_rest_is_backed_up() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 5, 100);
    let (folder, database) = documents(&home);
    add(&engine, &folder, &[]);
    drop(database);
    fs::rename(&folder, home.folder.path().join("elsewhere")).unwrap();
    let record = back_up(&engine);
    assert_eq!(record.assets, 5);
    assert_eq!(source(&record).unread_count, 1);
    assert_eq!(source(&record).unread[0].path, source(&record).id);
}

#[test]
fn a_file_that_only_begins_like_a_database_is_stored_as_it_is_and_named() {
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("documents");
    fs::create_dir_all(&folder).unwrap();
    let mut content = b"SQLite format 3\0".to_vec();
    content.resize(4_096, 7);
    for name in ["hot.db", "odd.db"] {
        fs::write(folder.join(name), &content).unwrap();
    }
    fs::write(folder.join("hot.db-journal"), b"a journal of its own").unwrap();
    add(&engine, &folder, &[]);
    let record = back_up(&engine);
    assert_eq!(source(&record).databases, 0);
    assert_eq!(source(&record).files, 3);
    assert_eq!(source(&record).bytes, 2 * 4_096 + 20);
    let unread = &source(&record).unread;
    let named: Vec<_> = unread.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(named, ["documents/hot.db", "documents/odd.db"]);
    assert!(
        unread[0].why.starts_with("stored with its journal"),
        "{unread:?}"
    );
    assert!(
        unread[1].why.contains("begins like a database"),
        "{unread:?}"
    );
}

#[test]
fn a_backup_without_sources_is_of_the_format_that_it_always_was() {
    let home = Home::new();
    let engine = home.open();
    back_up(&engine);
    assert!(!home.destination().join("files").exists());
    let note = fs::read_to_string(home.destination().join("holdfast.json")).unwrap();
    assert_eq!(note, r#"{"layout":1}"#);
}

#[test]
fn a_deleted_backup_comes_back_with_its_files() {
    let home = Home::new();
    let engine = home.open();
    let (folder, _database) = documents(&home);
    add(&engine, &folder, &[]);
    let record = back_up(&engine);
    engine.delete(&record.id).unwrap();
    let snapshots = home.destination().join("files/snapshots");
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 0);
    engine.undelete(&record.id).unwrap();
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 1);
    // What it refers to is no leftover to the next backup.
    back_up(&engine);
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 2);
}

fn rows(folder: &Path) -> i64 {
    let database = Connection::open(folder.join("app.db")).unwrap();
    let count = database.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
    count.unwrap()
}

#[test]
fn a_folder_comes_back_as_it_was_and_undo_brings_back_what_was_replaced() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 10, 200);
    let (folder, database) = documents(&home);
    add(&engine, &folder, &["*.tmp"]);
    let note = |number: u64| folder.join(format!("notes/{number}.txt"));
    let id = back_up(&engine).id;

    fs::write(note(3), "changed").unwrap();
    fs::remove_file(note(5)).unwrap();
    fs::write(folder.join("notes/new.txt"), "new").unwrap();
    fs::write(folder.join("left.tmp"), "left out of backups").unwrap();
    insert(&database, 1_000);
    drop(database);
    fill(&engine, 12, 200);

    let preview = engine.preview(&all_of(&id), &Watch::unwatched()).unwrap();
    let part = preview.parts.iter().find(|part| part.source == "documents");
    let part = part.unwrap();
    assert_eq!((part.added, part.changed, part.removed), (1, 2, 1));
    restore(&engine, &id);
    assert_eq!(fs::read_to_string(note(3)).unwrap(), text(3, 3_000));
    assert_eq!(fs::read_to_string(note(5)).unwrap(), text(5, 3_000));
    assert!(!folder.join("notes/new.txt").exists());
    assert!(folder.join("left.tmp").exists());
    assert_eq!(
        (rows(&folder), engine.library().facts().unwrap().assets),
        (200, 10)
    );

    let undone = engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(undone, Outcome::Completed(()));
    assert_eq!(fs::read_to_string(note(3)).unwrap(), "changed");
    assert!(!note(5).exists() && folder.join("notes/new.txt").exists());
    assert_eq!(
        (rows(&folder), engine.library().facts().unwrap().assets),
        (201, 12)
    );
}

#[test]
fn restoring_a_backup_from_which_a_source_was_away_touches_nothing_of_it() {
    let home = Home::new();
    let engine = home.open();
    let (folder, database) = documents(&home);
    add(&engine, &folder, &[]);
    drop(database);
    let elsewhere = home.folder.path().join("elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    let id = back_up(&engine).id;
    fs::rename(&elsewhere, &folder).unwrap();
    restore(&engine, &id);
    assert_eq!(fs::read_dir(folder.join("notes")).unwrap().count(), 20);
    assert_eq!(rows(&folder), 200);
}

/// Another program with a file open, until it is told to end.
fn program_with(file: &Path) -> std::process::Child {
    let command = format!("exec 9<'{}'; echo open; read line", file.display());
    let mut program = std::process::Command::new("sh")
        .args(["-c", &command])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 5];
    std::io::Read::read_exact(program.stdout.as_mut().unwrap(), &mut line).unwrap();
    program
}

/// A watch that ends the program as soon as the job waits for it.
fn ending(program: std::process::Child) -> (Watch, std::sync::Arc<std::sync::atomic::AtomicBool>) {
    let waited = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (noted, program) = (waited.clone(), std::sync::Mutex::new(program));
    let watch = Watch::new(CancelFlag::default(), move |step: Step| {
        if step.phase == Phase::Waiting && !noted.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let mut program = program.lock().unwrap();
            drop(program.stdin.take());
            program.wait().unwrap();
        }
    });
    (watch, waited)
}

#[test]
fn a_restore_and_its_undo_wait_until_a_program_has_quit() {
    let home = Home::new();
    let engine = home.open();
    let (folder, database) = documents(&home);
    add(&engine, &folder, &[]);
    let id = back_up(&engine).id;
    insert(&database, 1_000);
    drop(database);
    let app = folder.join("app.db");

    let (watch, waited) = ending(program_with(&app));
    let restored = engine.restore(&all_of(&id), &watch).unwrap();
    assert_eq!(restored, Outcome::Completed(()));
    assert!(waited.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(rows(&folder), 200);

    let (watch, waited) = ending(program_with(&app));
    assert_eq!(engine.undo(&watch).unwrap(), Outcome::Completed(()));
    assert!(waited.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(rows(&folder), 201);
}

#[cfg(unix)]
#[test]
fn a_sparse_file_of_ten_gigabytes_comes_back_sparse_and_whole() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    const SIZE: u64 = 10_000_000_000;
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("documents");
    fs::create_dir_all(&folder).unwrap();
    let marks = [0, 5_000_000_123, SIZE - 4];
    let file = fs::File::create(folder.join("disk.img")).unwrap();
    file.set_len(SIZE).unwrap();
    for at in marks {
        file.write_all_at(b"mark", at).unwrap();
    }
    add(&engine, &folder, &[]);
    let record = back_up(&engine);
    assert_eq!(
        (source(&record).bytes, source(&record).unread_count),
        (SIZE, 0)
    );
    assert!(record.stored_bytes < 10_000_000, "{}", record.stored_bytes);

    fs::remove_file(folder.join("disk.img")).unwrap();
    restore(&engine, &record.id);
    let restored = fs::File::open(folder.join("disk.img")).unwrap();
    let metadata = restored.metadata().unwrap();
    assert_eq!(metadata.len(), SIZE);
    assert!(
        metadata.blocks() * 512 < 100_000_000,
        "{}",
        metadata.blocks()
    );
    for at in marks {
        let mut mark = [0; 4];
        restored.read_exact_at(&mut mark, at).unwrap();
        assert_eq!(&mark, b"mark");
    }
}

#[test]
fn a_change_that_is_in_the_log_alone_and_makes_nothing_larger_is_stored() {
    let home = Home::new();
    let engine = home.open();
    let (folder, database) = documents(&home);
    database
        .execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    add(&engine, &folder, &[]);
    // A file that has just changed is read again in any case. When it last changed cannot be set back, so this waits for
    // the clock.
    let changed = fs::metadata(folder.join("app.db"))
        .unwrap()
        .modified()
        .unwrap();
    while changed.elapsed().unwrap() < std::time::Duration::from_millis(2_200) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let first = back_up(&engine);
    let size = fs::metadata(folder.join("app.db")).unwrap().len();
    database
        .execute(
            "UPDATE t SET a = replace(a, 'let', 'LET') WHERE rowid = 7",
            [],
        )
        .unwrap();
    assert_eq!(fs::metadata(folder.join("app.db")).unwrap().len(), size);
    let second = back_up(&engine);
    assert_eq!(source(&second).bytes, source(&first).bytes);

    let target = home.folder.path().join("restored");
    let request = RestoreRequest {
        backup: second.id,
        what: What::Everything,
        place: Place::Folder(target.clone()),
    };
    engine.restore(&request, &Watch::unwatched()).unwrap();
    let restored = Connection::open(target.join("documents/app.db")).unwrap();
    let row: String = restored
        .query_row("SELECT a FROM t WHERE rowid = 7", [], |row| row.get(0))
        .unwrap();
    assert!(row.starts_with("LET"), "{row}");
}
