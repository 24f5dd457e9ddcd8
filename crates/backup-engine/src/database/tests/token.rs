use std::time::Instant;

use super::super::ChangeToken;
use super::programs::Program;
use super::*;

/// Waits until the last change is old enough to be told from another.
fn token(path: &Path) -> ChangeToken {
    let started = Instant::now();
    loop {
        if let Some(token) = ChangeToken::take(path).unwrap() {
            return token;
        }
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
}

#[test]
fn a_token_taken_right_after_a_change_is_not_usable() {
    let place = Place::new();
    drop(make(&place.path(), "", 5, 50));
    assert_eq!(ChangeToken::take(&place.path()).unwrap(), None);
    token(&place.path());
}

#[test]
fn every_kind_of_change_changes_the_token() {
    let place = Place::new();
    let path = place.path();
    let program = make(&path, "PRAGMA journal_mode = WAL", 50, 500);
    let mut last = token(&path);
    let mut differs = |what: &str| {
        let now = token(&path);
        assert_ne!(now, last, "{what}");
        assert_eq!(now, token(&path), "{what}: and no other without a change");
        last = now;
    };
    let run = |sql: &str| program.execute_batch(sql).unwrap();
    run("INSERT INTO t (name) VALUES ('one')");
    differs("an insert into the log");
    run("UPDATE t SET name = 'two' WHERE n = 51");
    differs("an update in the log");
    run("PRAGMA wal_checkpoint(FULL)");
    differs("a checkpoint");
    run("INSERT INTO t (name) VALUES ('three')");
    differs("a log that begins anew");
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    differs("a log that is emptied");
    run("PRAGMA journal_mode = DELETE");
    differs("another journal mode");
    run("UPDATE t SET name = 'four' WHERE n = 1");
    differs("an update with a journal");
    run("BEGIN; UPDATE t SET name = 'five' WHERE n = 1;");
    differs("a journal under way");
    run("ROLLBACK");
    differs("a journal that is gone");
    drop(program);

    let metadata = fs::metadata(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let last_byte = bytes.len() - 1;
    bytes[last_byte] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    drop(file);
    assert_eq!(
        fs::metadata(&path).unwrap().modified().unwrap(),
        metadata.modified().unwrap()
    );
    differs("a write of the same size with the time set back");
    let other = path.with_extension("other");
    fs::copy(&path, &other).unwrap();
    fs::rename(&other, &path).unwrap();
    differs("another file in its place");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    drop(file);
    differs("a touch");
}

#[test]
fn without_a_change_the_token_stays_also_in_another_process() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        let path = place.path();
        drop(make(
            &path,
            &format!("PRAGMA journal_mode = {mode}"),
            50,
            500,
        ));
        let elsewhere = || -> Option<ChangeToken> {
            serde_json::from_str(&Program::start("tokens", &path).end()).unwrap()
        };
        let quiet = token(&path);
        read(&mut place.pages());
        assert_eq!(token(&path), quiet, "{mode}: after it was read");
        Program::start("has it open", &path).end();
        assert_eq!(token(&path), quiet, "{mode}: after another program read it");
        assert_eq!(elsewhere(), Some(quiet), "{mode}: in another process");

        // With a log that holds something, and readers that come and go.
        let program = Program::start("has it open", &path);
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("UPDATE t SET name = 'x'").unwrap();
        drop(writer);
        let live = token(&path);
        read(&mut place.pages());
        Program::start("has it open", &path).end();
        assert_eq!(token(&path), live, "{mode}: live");
        assert_eq!(elsewhere(), Some(live), "{mode}: live, in another process");
        program.end();
    }
}
