//! Restores on file systems where files can share blocks: real ones, made in a file and mounted for this test alone.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use backup_engine::{Depth, Engine, NewSource, Outcome, SourceKind, Watch};
use common::*;
use rusqlite::Connection;

/// Tells the test, once it runs with the file system mounted, where that is.
const MOUNTED: &str = "HOLDFAST_TEST_SHARED_BLOCKS";

#[test]
fn a_restore_on_btrfs_shares_the_blocks_of_what_is_there() {
    on(
        "btrfs",
        "a_restore_on_btrfs_shares_the_blocks_of_what_is_there",
    );
}

#[test]
fn a_restore_on_xfs_shares_the_blocks_of_what_is_there() {
    on("xfs", "a_restore_on_xfs_shares_the_blocks_of_what_is_there");
}

/// Runs this test program once more, for this test, in a mount namespace of its own.
fn on(kind: &str, test: &str) {
    if let Some(mounted) = std::env::var_os(MOUNTED) {
        restores_share_blocks(Path::new(&mounted));
        return fs::write(done(Path::new(&mounted)), "").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    File::create(&image).unwrap().set_len(1 << 30).unwrap();
    let made = Command::new(format!("mkfs.{kind}"))
        .arg("-q")
        .arg(&image)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: no {kind} can be made here");
        return;
    }
    let mounted = folder.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    let with_it_mounted = |command: &str| -> ExitStatus {
        let script = format!("mount -o loop \"$0\" \"$1\" && {command}");
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "sh", "-c", &script])
            .args([&image, &mounted])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(MOUNTED, &mounted)
            .env("TMPDIR", &mounted);
        unshare.status().unwrap()
    };
    if !with_it_mounted("true").success() {
        eprintln!("skipped: this system does not allow mounting a {kind}");
        return;
    }
    assert!(with_it_mounted("\"$2\" --exact \"$3\" --nocapture").success());
    assert!(done(&mounted).exists(), "there is no test of this name");
}

/// Made at its end: a test that is not found succeeds as well.
fn done(mounted: &Path) -> PathBuf {
    mounted.with_file_name("done")
}

fn restores_share_blocks(mounted: &Path) {
    let home = Home::new();
    assert!(home.folder.path().starts_with(mounted));
    let engine = home.open();
    let live = Live::make(&home, &engine);
    let before = live.state(&engine);
    let record = back_up(&engine);
    live.change(&engine);
    let changed = live.state(&engine);
    assert_ne!(before, changed);

    // Ends the log of the library, in which most of it is still.
    drop(engine);
    let engine = home.open();
    let files = [live.file(), live.folder.join("app.db"), home.library()];
    assert_eq!(files.each_ref().map(|file| shared(file)), [0; 3]);
    restore(&engine, &record.id);
    // With what they took the place of, which is kept. A chunk of the file can be 8 MB.
    for file in &files {
        let (shared, all) = (shared(file), fs::metadata(file).unwrap().len());
        assert!(all > 23 << 20 && shared > all / 2, "{shared} of {all}");
    }
    assert_eq!(live.state(&engine), before);
    assert_eq!(
        engine.undo(&Watch::unwatched()).unwrap(),
        Outcome::Completed(())
    );
    assert_eq!(live.state(&engine), changed);
    // Once more, without SQLite looking at the databases.
    let verified = engine.verify(Some(&record.id), Depth::Rehearsal, &Watch::unwatched());
    assert!(
        matches!(verified, Ok(Outcome::Completed(_))),
        "{verified:?}"
    );
    restore(&engine, &record.id);
    assert_eq!(live.state(&engine), before);
    assert_sound(&home.data());
}

/// A file, a database and the library, each large enough to share blocks.
struct Live {
    folder: PathBuf,
}

impl Live {
    fn make(home: &Home, engine: &Engine) -> Self {
        let folder = home.folder.path().join("live");
        fs::create_dir(&folder).unwrap();
        let live = Self { folder };
        fs::write(live.file(), text(1, 40 << 20)).unwrap();
        let database = live.database();
        database
            .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
            .unwrap();
        for row in 0..24_i64 {
            let text = text(100 + row.unsigned_abs(), 1 << 20);
            database
                .execute("INSERT INTO t VALUES (?1, ?2)", (row, text))
                .unwrap();
        }
        fill(engine, 240, 100_000);
        let new = NewSource {
            kind: SourceKind::Folder,
            path: live.folder.clone(),
            excludes: Vec::new(),
        };
        engine.add_source(new).unwrap();
        live
    }

    fn file(&self) -> PathBuf {
        self.folder.join("file")
    }

    fn database(&self) -> Connection {
        Connection::open(self.folder.join("app.db")).unwrap()
    }

    fn change(&self, engine: &Engine) {
        let file = File::options().write(true).open(self.file()).unwrap();
        file.write_all_at(b"changed", 9 << 20).unwrap();
        self.database()
            .execute("UPDATE t SET text = 'changed' WHERE id = 7", [])
            .unwrap();
        engine.library().put(&[versioned(7, 1, 100_000)]).unwrap();
    }

    /// What is in each of the three.
    fn state(&self, engine: &Engine) -> [String; 3] {
        let database = self.database();
        let check = database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
        assert_eq!(check, Ok("ok".to_owned()));
        let texts = "SELECT group_concat(text, ' ') FROM t";
        [
            fs::read_to_string(self.file()).unwrap(),
            database.query_row(texts, [], |row| row.get(0)).unwrap(),
            dump(engine),
        ]
    }
}

/// How many bytes of a file lie in blocks that another one has too.
fn shared(file: &Path) -> u64 {
    let listed = Command::new("filefrag")
        .args(["-s", "-v", "-b4096"])
        .arg(file)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let text = String::from_utf8(listed.stdout).unwrap();
    // Number, from, to, blocks, where it was expected, what it is.
    let extents = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let shared = extents.filter(|extent| extent.len() == 6 && extent[5].contains("shared"));
    let blocks = shared.map(|extent| extent[3].trim().parse::<u64>().unwrap());
    blocks.sum::<u64>() * 4096
}
