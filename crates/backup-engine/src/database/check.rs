//! Proving a database sound beside the reading of it: SQLite's integrity check in a thread of its own, on the same
//! version that is read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ErrorCode};

use super::connect::open_immutable;
use super::{Guarded, HEADER, head, is_database};
use crate::Watch;

/// Virtual machine steps between two looks at the cancel flag: far less than a millisecond.
const STEPS: i32 = 20_000;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Soundness {
    Sound,
    /// SQLite's words on what is wrong first.
    Damaged(String),
    /// Only its own program could check all of it, or it is larger than is ever checked.
    Unjudged(String),
    /// Not all of it could be checked this time, for a reason that is no damage.
    Unchecked(String),
    Canceled,
}

/// Whose database is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Us,
    /// Its schema may need functions, collations and modules that only its own program has.
    Others,
}

/// A check that is under way. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Proof {
    state: State,
    abandoned: Arc<AtomicBool>,
}

#[derive(Debug)]
enum State {
    Running(JoinHandle<Soundness>),
    Known(Soundness),
    Taken,
}

impl Proof {
    /// Checks what `connection` sees in the read transaction that it is in. `held` is dropped at the end.
    pub(super) fn start(
        connection: impl Into<Guarded<Connection>>,
        owner: Owner,
        watch: &Watch,
        held: impl Send + 'static,
    ) -> Self {
        let abandoned = Arc::new(AtomicBool::new(false));
        let (watch, stop) = (watch.clone(), abandoned.clone());
        let mut connection = connection.into();
        let work = move || {
            let canceled = move || watch.is_canceled() || stop.load(Ordering::Relaxed);
            let found = check(&mut connection, owner, canceled);
            drop((connection, held));
            found
        };
        let state = match thread::Builder::new().name("integrity".into()).spawn(work) {
            Ok(thread) => State::Running(thread),
            Err(error) => State::Known(Soundness::Unchecked(error.to_string())),
        };
        Self { state, abandoned }
    }

    pub(crate) fn known(found: Soundness) -> Self {
        Self {
            state: State::Known(found),
            abandoned: Arc::default(),
        }
    }

    /// Waits for the end of the check: moments after a cancel, if there is one.
    pub(crate) fn wait(mut self) -> Soundness {
        self.end()
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(&self.state, State::Running(thread) if !thread.is_finished())
    }

    /// Returns when it is not running any more.
    pub(crate) fn settle(&mut self) {
        self.state = State::Known(self.end());
    }

    fn end(&mut self) -> Soundness {
        match std::mem::replace(&mut self.state, State::Taken) {
            State::Running(thread) => thread
                .join()
                .unwrap_or_else(|_| Soundness::Unchecked("the check broke down".into())),
            State::Known(found) => found,
            State::Taken => Soundness::Canceled,
        }
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.end();
    }
}

/// Of a database of another program, in a file that nobody writes. A log or a journal that was stored with its database is
/// none by itself.
pub(crate) fn soundness(path: &Path, watch: &Watch) -> Soundness {
    match head(path, HEADER) {
        Ok(head) if !is_database(&head) => {
            return Soundness::Unjudged("it does not begin as a database".into());
        }
        Ok(_) => {}
        Err(error) => return Soundness::Unchecked(error.to_string()),
    }
    let watch = watch.clone();
    match open_immutable(path) {
        Ok(mut connection) => check(&mut connection, Owner::Others, move || watch.is_canceled()),
        Err(error) if is_damage(&error) => Soundness::Damaged(error.to_string()),
        Err(error) => Soundness::Unchecked(error.to_string()),
    }
}

/// SQLite's verdict on a whole database: "ok", or what is wrong first. A cancel breaks it off with an error.
pub(crate) fn check_integrity(
    connection: &mut Connection,
    canceled: impl Fn() -> bool + Send + 'static,
) -> Result<String, rusqlite::Error> {
    connection.progress_handler(STEPS, Some(canceled))?;
    let verdict = verdict(connection, None);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    verdict
}

fn check(
    connection: &mut Connection,
    owner: Owner,
    canceled: impl Fn() -> bool + Send + Clone + 'static,
) -> Soundness {
    let found = match owner {
        Owner::Us => check_integrity(connection, canceled.clone()),
        // What a program's own constraints say of its rows is its own matter.
        Owner::Others => connection
            .execute_batch("PRAGMA ignore_check_constraints = ON")
            .and_then(|()| check_integrity(connection, canceled.clone())),
    };
    match found {
        _ if canceled() => Soundness::Canceled,
        Ok(found) if owner == Owner::Others && needs_its_program(&found) => {
            Soundness::Unjudged(found)
        }
        Ok(found) if found == "ok" => Soundness::Sound,
        Ok(found) => Soundness::Damaged(found),
        Err(error) if owner == Owner::Others && is_missing_part(&error) => {
            check_tables(connection, canceled, error.to_string())
        }
        Err(error) if is_damage(&error) => Soundness::Damaged(error.to_string()),
        Err(error) => Soundness::Unchecked(error.to_string()),
    }
}

/// Checks the tables one by one where one of them needs what only its program has.
fn check_tables(
    connection: &mut Connection,
    canceled: impl Fn() -> bool + Send + Clone + 'static,
    missing: String,
) -> Soundness {
    if let Err(error) = connection.progress_handler(STEPS, Some(canceled.clone())) {
        return Soundness::Unchecked(error.to_string());
    }
    let tables = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let names = statement.query_map([], |row| row.get(0))?;
        names.collect()
    };
    let tables = match tables() {
        Ok(tables) => tables,
        Err(error) if is_damage(&error) => return Soundness::Damaged(error.to_string()),
        Err(error) => return Soundness::Unchecked(error.to_string()),
    };
    for table in tables {
        let found = verdict(connection, Some(&table));
        match found {
            _ if canceled() => return Soundness::Canceled,
            Ok(found) if found != "ok" && !needs_its_program(&found) => {
                return Soundness::Damaged(found);
            }
            Err(error) if is_damage(&error) => return Soundness::Damaged(error.to_string()),
            Ok(_) | Err(_) => {}
        }
    }
    Soundness::Unjudged(missing)
}

fn verdict(connection: &Connection, table: Option<&str>) -> Result<String, rusqlite::Error> {
    let Some(table) = table else {
        return connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    };
    let sql = "SELECT integrity_check FROM pragma_integrity_check(?1) LIMIT 1";
    connection.query_row(sql, [table], |row| row.get(0))
}

/// SQLite's general error: a function, collation, module or tokenizer that is not here, or may not be used.
fn is_missing_part(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{SqlInputError, SqliteFailure};
    matches!(error, SqliteFailure(error, _) | SqlInputError { error, .. } if error.code == ErrorCode::Unknown)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// A full-text index that could not be checked for want of what its program has says so in the place of a verdict.
fn needs_its_program(found: &str) -> bool {
    found.starts_with("unable to validate") && found.contains("SQL logic error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicUsize;
    use std::time::{Duration, Instant};

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (n INTEGER PRIMARY KEY, name TEXT UNIQUE);
                 WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 100000)
                 INSERT INTO t SELECT n, hex(randomblob(8)) FROM i;",
            )
            .unwrap();
        connection
    }

    /// Checks it until the look of this number finds a cancel; says how often it looked.
    fn looks_until(cancel: usize, connection: &mut Connection) -> (Soundness, usize) {
        let looks = Arc::new(AtomicUsize::new(0));
        let count = looks.clone();
        let canceled = move || count.fetch_add(1, Ordering::SeqCst) + 1 >= cancel;
        let found = check(connection, Owner::Others, canceled);
        (found, looks.load(Ordering::SeqCst))
    }

    #[test]
    fn a_check_ends_where_it_finds_that_it_is_cancelled() {
        let mut connection = database();
        let (found, all) = looks_until(usize::MAX, &mut connection);
        assert_eq!(found, Soundness::Sound);
        assert!(all > 30, "{all}");
        for cancel in [1, 2, all / 2] {
            // The look that breaks it off, and the one that tells why it ended.
            let (found, looks) = looks_until(cancel, &mut connection);
            assert_eq!((found, looks), (Soundness::Canceled, cancel + 1));
        }
    }

    /// Held by a check, it holds up its end until it was given up.
    struct UntilGivenUp {
        abandoned: Arc<OnceLock<Arc<AtomicBool>>>,
        in_time: Arc<AtomicBool>,
    }

    impl Drop for UntilGivenUp {
        fn drop(&mut self) {
            let started = Instant::now();
            let given_up = || {
                let abandoned = self.abandoned.get();
                abandoned.is_some_and(|abandoned| abandoned.load(Ordering::SeqCst))
            };
            while !given_up() && started.elapsed() < Duration::from_secs(10) {
                thread::yield_now();
            }
            self.in_time.store(given_up(), Ordering::SeqCst);
        }
    }

    #[test]
    fn a_check_that_is_dropped_is_given_up_before_it_is_waited_for() {
        let (abandoned, in_time) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let held = UntilGivenUp {
            abandoned: Arc::clone(&abandoned),
            in_time: in_time.clone(),
        };
        let proof = Proof::start(database(), Owner::Others, &Watch::unwatched(), held);
        abandoned.set(proof.abandoned.clone()).unwrap();
        drop(proof);
        assert!(in_time.load(Ordering::SeqCst));
    }

    #[test]
    fn giving_a_check_up_cancels_it() {
        let proof = Proof::start(database(), Owner::Others, &Watch::unwatched(), ());
        proof.abandoned.store(true, Ordering::SeqCst);
        assert_eq!(proof.wait(), Soundness::Canceled);
    }
}
