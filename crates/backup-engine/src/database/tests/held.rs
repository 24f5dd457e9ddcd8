//! What this process opens and closes plainly takes nothing from what it reads through SQLite.

use std::ffi::OsStr;

use super::super::{ChangeToken, HEADER, Soundness, beside, head};
use super::programs::Program;
use super::*;
use crate::restore::dir::Dir;
use crate::sources::{Class, Classes};

type Way = (&'static str, fn(&Path));

/// The ways in which this process opens what may be a database, or lie beside one.
const PLAINLY: [Way; 6] = [
    ("its header", |path| {
        head(path, HEADER).unwrap();
    }),
    ("the header of its index", |path| {
        head(&beside(path, "-shm"), HEADER).unwrap();
    }),
    ("a token", |path| {
        ChangeToken::take(path).unwrap();
    }),
    ("a look at a source", |path| {
        let metadata = fs::symlink_metadata(path).unwrap();
        let mut classes = Classes::default();
        let class = classes.class_of(Path::new("data.db"), path, &metadata);
        assert_eq!(class, Class::Database);
    }),
    ("another name of it", |path| {
        let other = path.with_file_name("other name");
        if !other.exists() {
            fs::hard_link(path, &other).unwrap();
        }
        head(&other, HEADER).unwrap();
    }),
    ("a restore that compares", |path| {
        let folder = Dir::open(path.parent().unwrap()).unwrap();
        for name in ["data.db", "data.db-wal", "data.db-shm"] {
            let mut file = folder.read_file(OsStr::new(name)).unwrap();
            file.read_to_end(&mut Vec::new()).unwrap();
        }
    }),
];

/// The process that holds SQLite's lock for reading on a database; 0: none does.
pub fn reader_of(path: &Path) -> i32 {
    use nix::libc;
    let file = fs::File::options().write(true).open(path).unwrap();
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        // "File Locking Notes" in SQLite's os.h: the shared bytes, behind the pending and the reserved one.
        l_start: 0x4000_0000 + 2,
        l_len: 510,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_GETLK(&mut lock)).unwrap();
    if lock.l_type == libc::F_UNLCK as libc::c_short {
        return 0;
    }
    lock.l_pid
}

#[test]
fn a_plain_handle_on_what_is_being_read_gives_no_lock_up() {
    for (what, plainly) in PLAINLY {
        let place = Place::new();
        let path = place.path();
        drop(make(&path, "PRAGMA journal_mode = WAL", 50, 500));
        let mut program = Program::start("runs what it is told", &path);
        let mut run = |sql: &str| program.run(sql);
        assert_eq!(run("UPDATE t SET name = 'before'"), "done");
        let mut reader = place.pages();
        assert_eq!(reader.proof().wait(), Soundness::Sound);

        plainly(&path);
        assert_eq!(run("UPDATE t SET name = 'after'"), "done");
        // What a checkpoint says first is whether a reader was in its way.
        for mode in ["RESTART", "TRUNCATE"] {
            let refused = run(&format!("PRAGMA wal_checkpoint({mode})"));
            assert_eq!(refused, "1", "{what}: {mode}");
        }
        program.end();
        // Without this lock the last program that closes it takes the log away, unless its SQLite is so new that it asks the
        // index as well.
        let holder = Program::start("asks who reads it", &path).end();
        assert_eq!(holder, std::process::id().to_string(), "{what}");

        let image = place.image(&read(&mut reader));
        let names: Vec<_> = rows(&image).into_iter().map(|row| row.1).collect();
        assert_eq!(names, ["before"; 50], "{what}");
        drop(reader);
        let mut program = Program::start("runs what it is told", &path);
        let granted = program.run("PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(granted, "0", "{what}");
        program.end();
        assert!(!beside(&path, "-wal").exists(), "{what}");
    }
}

/// How many files of this folder this process has open.
#[cfg(target_os = "linux")]
fn open_in(folder: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|file| file.starts_with(folder))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn plain_handles_are_few_while_it_is_read_and_closed_after_it() {
    for (what, plainly) in PLAINLY {
        let place = Place::new();
        let (path, folder) = (place.path(), place.folder.path());
        drop(make(&path, "PRAGMA journal_mode = WAL", 50, 500));
        let mut program = Program::start("runs what it is told", &path);
        program.run("UPDATE t SET name = 'in the log'");
        plainly(&path);
        assert_eq!(open_in(folder), 0, "{what}: nobody reads it");

        let [mut one, mut other] = [place.pages(), place.pages()];
        for reader in [&mut one, &mut other] {
            assert_eq!(reader.proof().wait(), Soundness::Sound);
        }
        plainly(&path);
        let open = open_in(folder);
        for _ in 0..50 {
            plainly(&path);
        }
        assert_eq!(open_in(folder), open, "{what}: used again");
        drop(one);
        let refused = program.run("PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(refused, "1", "{what}: one reader is left");
        drop(other);
        assert_eq!(open_in(folder), 0, "{what}: nobody reads it any more");
        program.end();
    }
}
