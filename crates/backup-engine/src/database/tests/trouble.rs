use std::time::{Instant, SystemTime};

use super::super::check::Soundness;
use super::super::token::Stamp;
use super::super::{Plain, Unread};
use super::programs::Program;
use super::*;
use crate::CancelFlag;

/// A database with the journal of a program that ended in the middle of a transaction, and its rows before that.
fn broken_off() -> (Place, Vec<(i64, String, Vec<u8>)>) {
    let place = Place::new();
    drop(make(
        &place.path(),
        "PRAGMA journal_mode = DELETE",
        500,
        3_000,
    ));
    let sound = rows(&Connection::open(place.path()).unwrap());
    Program::start("breaks off", &place.path()).end();
    (place, sound)
}

#[test]
fn a_hot_journal_is_left_alone_and_stored_with_its_file() {
    let (place, sound) = broken_off();
    let journal = super::super::beside(&place.path(), "-journal");
    let before = (fs::read(place.path()).unwrap(), fs::read(&journal).unwrap());
    match place.begin() {
        Begun::Plain {
            why: Plain::HotJournal,
            beside,
        } => assert_eq!(beside, std::slice::from_ref(&journal)),
        other => panic!("{other:?}"),
    }
    assert!(before == (fs::read(place.path()).unwrap(), fs::read(&journal).unwrap()));
    // What makes it lose nothing: the two files elsewhere are the database before the broken transaction.
    let elsewhere = place.own.path().join("data.db");
    fs::write(&elsewhere, before.0).unwrap();
    fs::write(super::super::beside(&elsewhere, "-journal"), before.1).unwrap();
    assert!(rows(&Connection::open(elsewhere).unwrap()) == sound);
}

#[test]
fn a_journal_that_its_program_rolls_back_at_that_moment_is_waited_for() {
    let (place, sound) = broken_off();
    let path = place.path();
    let begun = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            rows(&Connection::open(&path).unwrap())
        });
        place.begin()
    });
    assert!(matches!(begun, Begun::Pages(_)), "{begun:?}");
    drop(begun);
    assert!(rows(&Connection::open(place.path()).unwrap()) == sound);
}

#[test]
fn a_change_in_a_time_to_come_is_no_change_of_just_now() {
    let place = Place::new();
    fs::write(place.path(), "changed now").unwrap();
    let (stamp, now) = (Stamp::of(&place.path()).unwrap(), SystemTime::now());
    let hour = Duration::from_secs(3_600);
    assert!(stamp.is_settled(now + hour));
    assert!(stamp.is_settled(now - hour), "the clock was set back");
}

#[test]
fn a_locked_database_is_named_in_use_after_a_bounded_time() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        drop(make(
            &place.path(),
            &format!("PRAGMA journal_mode = {mode}"),
            50,
            500,
        ));
        let program = Program::start("locks it", &place.path());
        let started = Instant::now();
        let begun = place.begin_within(Duration::from_millis(300), &Watch::unwatched());
        assert!(
            matches!(begun, Begun::Unread(Unread::InUse)),
            "{mode}: {begun:?}"
        );
        let waited = started.elapsed();
        assert!(
            waited >= Duration::from_millis(300) && waited < Duration::from_secs(5),
            "{waited:?}"
        );
        program.end();
        read(&mut place.pages());
    }
}

#[test]
fn a_cancel_ends_the_wait_for_a_lock() {
    let place = Place::new();
    drop(make(&place.path(), "", 50, 500));
    let _program = Program::start("locks it", &place.path());
    let flag = CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| place.begin_within(Duration::from_secs(600), &watch));
        flag.cancel();
        assert!(matches!(waiting.join().unwrap(), Begun::Canceled));
    });
}

#[test]
fn what_only_begins_like_a_database_is_stored_as_it_is() {
    let place = Place::new();
    drop(make(&place.path(), "", 500, 500));
    let sound = fs::read(place.path()).unwrap();
    let mut noise = sound.clone();
    noise[16..]
        .iter_mut()
        .enumerate()
        .for_each(|(at, byte)| *byte ^= (at * 37 % 251) as u8 | 1);
    let mut schema = sound.clone();
    schema[100..300].fill(0xff);
    for wrong in [
        &sound[..sound.len() / 2],
        &sound[..50],
        &noise,
        &schema,
        b"",
        b"something else",
    ] {
        fs::write(place.path(), wrong).unwrap();
        let begun = place.begin();
        let plain = matches!(&begun, Begun::Plain { why: Plain::NotADatabase(_), beside } if beside.is_empty());
        assert!(plain, "{} bytes: {begun:?}", wrong.len());
        assert_eq!(fs::read(place.path()).unwrap(), wrong);
    }
    fs::remove_file(place.path()).unwrap();
    assert!(matches!(place.begin(), Begun::Unread(Unread::Failed(_))));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_log_holds_nothing_up() {
    for (mode, suffix) in [
        ("WAL", "-wal"),
        ("WAL", "-shm"),
        ("WAL", "-journal"),
        ("DELETE", "-journal"),
        ("DELETE", "-wal"),
    ] {
        let place = Place::new();
        drop(make(
            &place.path(),
            &format!("PRAGMA journal_mode = {mode}"),
            50,
            500,
        ));
        let pipe = super::super::beside(&place.path(), suffix);
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let begun = place.begin();
        assert!(
            matches!(begun, Begun::Unread(Unread::Failed(_))),
            "{mode} {suffix}: {begun:?}"
        );
    }
}

#[test]
fn a_damaged_database_is_read_and_its_damage_told() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        drop(make(
            &place.path(),
            &format!("PRAGMA journal_mode = {mode}"),
            500,
            500,
        ));
        let mut bytes = fs::read(place.path()).unwrap();
        let at = bytes.len() / 2 / 4096 * 4096;
        bytes[at..at + 64].fill(0xee);
        fs::write(place.path(), &bytes).unwrap();
        let mut reader = place.pages();
        assert_eq!(read(&mut reader), bytes);
        let found = reader.proof().wait();
        assert!(matches!(found, Soundness::Damaged(_)), "{mode}: {found:?}");
    }
}

/// A database whose schema needs what is not here: a collation, a function, a module, a tokenizer.
fn strange(path: &Path) {
    let connection = make(path, "", 200, 500);
    connection
        .execute_batch(
            "CREATE TABLE plain (a TEXT); CREATE INDEX plain_a ON plain (a); INSERT INTO plain SELECT name FROM t;
             CREATE TABLE c (a TEXT, b TEXT); INSERT INTO c SELECT name, name FROM t; CREATE INDEX c_a ON c (a COLLATE NOCASE);
             CREATE TABLE f (a TEXT CHECK (length(a) > 0)); CREATE INDEX f_a ON f (abs(a)); INSERT INTO f SELECT n FROM t;
             CREATE VIRTUAL TABLE s USING fts5 (a); INSERT INTO s SELECT name FROM t;
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'theirs') WHERE name = 'c_a';
             UPDATE sqlite_schema SET sql = replace(sql, 'abs(', 'their_hash(') WHERE name = 'f_a';
             UPDATE sqlite_schema SET sql = replace(sql, 'length(', 'their_length(') WHERE name = 'f';
             UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE s USING fts5 (a, tokenize = theirs)' WHERE name = 's';
             INSERT INTO sqlite_schema VALUES ('table', 'm', 'm', 0, 'CREATE VIRTUAL TABLE m USING their_module(a)');",
        )
        .unwrap();
}

#[test]
fn what_only_its_own_program_can_check_is_no_damage() {
    let place = Place::new();
    strange(&place.path());
    let mut reader = place.pages();
    let found = reader.proof().wait();
    assert!(matches!(found, Soundness::Unjudged(_)), "{found:?}");
    assert_eq!(read(&mut reader), fs::read(place.path()).unwrap());
    drop(reader);
    // The rest is checked all the same.
    let root: u64 = Connection::open(place.path())
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'plain_a'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .unwrap()
        .unsigned_abs();
    let mut bytes = fs::read(place.path()).unwrap();
    let at = (root as usize - 1) * 4096;
    bytes[at..at + 64].fill(0xee);
    fs::write(place.path(), bytes).unwrap();
    let found = place.pages().proof().wait();
    assert!(matches!(found, Soundness::Damaged(_)), "{found:?}");
}

/// A folder that cannot be written to, for which a user without rights is needed.
#[cfg(unix)]
#[test]
fn in_a_folder_that_cannot_be_written_to_a_log_is_read_or_stored() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500));
    let theirs = place.folder.path().join("their folder");
    let open = |mode| fs::set_permissions(&theirs, fs::Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = fs::metadata(place.folder.path())
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
    // The program may lie where a stranger may not go.
    let program = place.folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let stranger = || {
        let mut command = std::process::Command::new(&program);
        command.current_dir("/");
        if root {
            command.uid(65_534).gid(65_534);
        }
        Program::start_as("reads as a stranger", &place.path(), command).end()
    };
    open(0o555);
    assert_eq!(stranger(), "pages sound");
    open(0o755);
    Program::start("leaves its log", &place.path()).end();
    fs::remove_file(super::super::beside(&place.path(), "-shm")).unwrap();
    open(0o555);
    assert_eq!(stranger(), "log out of reach, 1 beside");
    open(0o755);
}

/// Run by a program without rights.
pub fn read_as_a_stranger(path: &Path) {
    eprintln!("ready");
    let own = tempfile::tempdir().unwrap();
    match PageReader::begin(path, &CopyFolder::new(own.path()), &Watch::unwatched()) {
        Begun::Pages(mut reader) => {
            read(&mut reader);
            assert_eq!(reader.proof().wait(), Soundness::Sound);
            eprintln!("pages sound");
        }
        Begun::Plain {
            why: Plain::LogOutOfReach,
            beside,
        } => {
            eprintln!("log out of reach, {} beside", beside.len());
        }
        other => eprintln!("{other:?}"),
    }
}
