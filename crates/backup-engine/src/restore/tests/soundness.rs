//! What SQLite has to say of databases before they are put in place, and when it need not be asked.

use std::fs;
use std::os::unix::fs::FileExt;

use chrono::Utc;
use rusqlite::Connection;

use super::bench::*;
use crate::destination::UnreadFile;
use crate::restore::Place;
use crate::watch::Outcome;
use crate::{Error, Watch};

/// A database whose table is not one, stored as it is.
fn damaged(bench: &Bench) -> Stored {
    let path = bench.docs().join("app.db");
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
        .unwrap();
    drop(database);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff; 100], 4096).unwrap();
    let stored = bench.store();
    fs::remove_file(path).unwrap();
    stored
}

fn try_restore(bench: &Bench, stored: &Stored) -> Result<Outcome<()>, Error> {
    bench.try_restore(stored, docs(), Place::InPlace, &Watch::unwatched())
}

#[test]
fn a_database_that_nobody_knew_to_be_damaged_is_not_put_in_place() {
    let bench = Bench::new();
    let mut stored = damaged(&bench);
    let refused = try_restore(&bench, &stored);
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
    assert!(!bench.docs().join("app.db").exists());
    // The backup has said so itself.
    stored.details.sources[0].unread = vec![UnreadFile {
        path: "docs/app.db".into(),
        why: "this database is damaged".into(),
        missing: true,
    }];
    assert_eq!(
        try_restore(&bench, &stored).unwrap(),
        Outcome::Completed(())
    );
    assert!(bench.docs().join("app.db").exists());
}

#[test]
fn what_a_rehearsal_has_proven_is_not_checked_again() {
    let bench = Bench::new();
    let mut stored = damaged(&bench);
    // None could be: it stands for what is checked only where it has not been.
    stored.details.proven = Some(Utc::now());
    assert_eq!(
        try_restore(&bench, &stored).unwrap(),
        Outcome::Completed(())
    );
    assert!(bench.docs().join("app.db").exists());
}
