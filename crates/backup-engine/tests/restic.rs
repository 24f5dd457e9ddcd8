//! Nobody is locked in: plain restic checks and restores what this engine wrote. Needs `restic` on the path.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/damage.rs"]
mod damage;

use std::fs;
use std::path::Path;
use std::process::Command;

use backup_engine::{Depth, Outcome, Secret, Watch, export_key};
use common::*;

fn restic(repository: &Path, key: &Secret, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, key.reveal()).unwrap();
    let output = Command::new("restic")
        .args(["--no-cache", "--repo"])
        .arg(repository)
        .arg("--password-file")
        .arg(&password)
        .args(arguments)
        .output()
        .expect("restic is needed for this test: cargo xtask setup installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "restic {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn plain_restic_finds_no_fault_and_restores_the_very_bytes() {
    let home = Home::new();
    {
        let engine = home.open();
        fill(&engine, 800, 2_500);
        let first = back_up(&engine);
        engine
            .library()
            .put(&[versioned(3, 1, 5_000), item(900, 100)])
            .unwrap();
        engine.delete(&first.id).unwrap();
        back_up(&engine);
    }
    let repository = home.destination().join("databases");
    let key = export_key(&home.data(), None).unwrap();
    restic(&repository, &key, &["check", "--read-data"]);
    let listed: serde_json::Value =
        serde_json::from_str(&restic(&repository, &key, &["snapshots", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["hostname"], "Test device");

    let target = home.folder.path().join("restored");
    restic(
        &repository,
        &key,
        &["restore", "latest", "--target", target.to_str().unwrap()],
    );
    // The engine is closed, so the library's file is whole, and nothing was written after the backup.
    let (restored, live) = (
        fs::read(target.join("library.db")).unwrap(),
        fs::read(home.library()).unwrap(),
    );
    assert!(
        restored == live,
        "the restored file differs from the library"
    );
}

/// The steps of `docs/layout.md`.
#[test]
fn plain_restic_brings_folders_back_with_their_databases() {
    let home = Home::new();
    let folder = home.folder.path().join("notes");
    fs::create_dir_all(folder.join("deep/er")).unwrap();
    fs::write(folder.join("today.md"), text(1, 5_000)).unwrap();
    fs::write(folder.join("deep/er/empty"), "").unwrap();
    std::os::unix::fs::symlink("today.md", folder.join("link")).unwrap();
    let database = rusqlite::Connection::open(folder.join("deep/app.db")).unwrap();
    let fill_table = format!(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT);
         INSERT INTO t SELECT hex(randomblob(400)) FROM {SERIES};"
    );
    database.execute_batch(&fill_table).unwrap();
    {
        let engine = home.open();
        fill(&engine, 20, 300);
        let source = backup_engine::NewSource {
            kind: backup_engine::SourceKind::Folder,
            path: folder.clone(),
            excludes: Vec::new(),
        };
        engine.add_source(source).unwrap();
        back_up(&engine);
    }
    let key = export_key(&home.data(), None).unwrap();
    let target = home.folder.path().join("restored");
    for part in ["databases", "files"] {
        let repository = home.destination().join(part);
        restic(&repository, &key, &["check", "--read-data"]);
        let to = ["restore", "latest", "--target", target.to_str().unwrap()];
        restic(&repository, &key, &to);
    }
    let there = target.join("notes");
    let read = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
    for name in ["today.md", "deep/er/empty"] {
        assert!(read(&there, name) == read(&folder, name), "{name}");
    }
    assert_eq!(
        fs::read_link(there.join("link")).unwrap(),
        Path::new("today.md")
    );
    assert!(!there.join("deep/app.db-wal").exists());
    let rows = |connection: &rusqlite::Connection| -> Vec<String> {
        let mut statement = connection.prepare("SELECT a FROM t ORDER BY a").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let restored = rusqlite::Connection::open(there.join("deep/app.db")).unwrap();
    assert_eq!(rows(&restored).len(), 500);
    assert_eq!(rows(&restored), rows(&database));
    assert!(target.join("library.db").exists());
}

#[test]
fn plain_restic_finds_no_fault_in_what_was_mended() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 200, 2_500);
    back_up(&engine);
    for pack in damage::objects(&home.destination().join("databases/data")) {
        let mut bytes = fs::read(&pack).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        damage::overwrite(&pack, &bytes);
    }
    let verify = || match engine.verify(None, Depth::Full, &Watch::unwatched()) {
        Ok(Outcome::Completed(report)) => report.damaged.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(verify(), 1);
    back_up(&engine);
    assert_eq!(verify(), 0);
    let key = export_key(&home.data(), None).unwrap();
    let repository = home.destination().join("databases");
    restic(&repository, &key, &["check", "--read-data"]);
}

/// The numbers from 1 to 500, for SQLite.
const SERIES: &str = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) SELECT x FROM n)";
