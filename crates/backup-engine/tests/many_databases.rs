//! A backup of more databases than are checked at a time.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use backup_engine::{NewSource, SourceKind};
use common::*;
use rusqlite::Connection;

const DATABASES: usize = 16;

/// That of the library, and those of four other databases.
const AT_A_TIME: usize = 5;

/// Checks that run in this process, which has no other test.
fn checks() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    names.filter(|name| name.trim() == "integrity").count()
}

#[test]
fn so_many_databases_are_not_checked_all_at_once() {
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("many");
    fs::create_dir_all(&folder).unwrap();
    let first = folder.join("0.db");
    // Quick to read and slow to check: the index has what takes long to compute.
    Connection::open(&first)
        .unwrap()
        .execute_batch(
            "CREATE TABLE t (a INTEGER); CREATE INDEX i ON t (length(hex(zeroblob(20000 + a))));
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 4000)
             INSERT INTO t SELECT n FROM n;",
        )
        .unwrap();
    for number in 1..DATABASES {
        fs::copy(&first, folder.join(format!("{number}.db"))).unwrap();
    }
    let new = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
    let done = AtomicBool::new(false);
    let (record, most) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(checks());
            }
            most
        });
        let record = back_up(&engine);
        done.store(true, Ordering::Relaxed);
        (record, looking.join().unwrap())
    });
    assert_eq!(record.sources[0].databases, DATABASES as u64);
    assert_eq!(record.sources[0].unread_count, 0);
    assert!((2..=AT_A_TIME).contains(&most), "{most} checks at a time");
}
