//! What somebody makes, changes or removes between a crash and the start that settles the swap.

use std::time::{Duration, SystemTime};

use super::*;
use crate::undo::Kept;

/// What a database begins with.
const MAGIC: &str = "SQLite format 3\0";

/// The entries of a swap: where, whether it is taken, whether something is put there.
type Entry = (&'static str, bool, bool);

/// A swap of which nothing is carried out.
struct Crashed {
    folder: tempfile::TempDir,
    note: UndoNote,
}

/// One that has been announced.
fn crashed(entries: &[Entry]) -> Crashed {
    let crashed = staged(entries);
    SWAPS[0].announce(&crashed.data(), &crashed.note).unwrap();
    crashed
}

/// One that is about to begin.
fn staged(entries: &[Entry]) -> Crashed {
    let folder = tempfile::tempdir().unwrap();
    let (data, base) = (folder.path().join("data"), folder.path().join("base"));
    fs::create_dir_all(&base).unwrap();
    fs::create_dir_all(data.join("restore/0")).unwrap();
    let mut part = PartNote::new("docs", &base, Area::Data);
    for (number, (at, take, put)) in entries.iter().enumerate() {
        if *take {
            fs::write(base.join(at), content_of(at, "old")).unwrap();
        }
        if *put {
            let staged = data.join("restore/0").join(number.to_string());
            fs::write(&staged, content_of(at, "new")).unwrap();
            make_old(&staged);
        }
        part.moves.push(Move {
            number: number as u64,
            at: (*at).into(),
            take: *take,
            put: *put,
            seen: None,
            comes: None,
        });
    }
    let note = UndoNote {
        library: false,
        parts: vec![part],
        ..note()
    };
    Crashed { folder, note }
}

fn content_of(at: &str, what: &str) -> String {
    match at.strip_suffix(".db") {
        Some(_) => format!("{MAGIC}{what}"),
        None => what.to_owned(),
    }
}

/// Gives a file the time of a backup.
fn make_old(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(old).unwrap();
}

/// The clock of a file system has steps: the next write comes after one.
fn wait_for_the_clock(folder: &Path) {
    let probe = folder.join("probe");
    let now = || {
        fs::write(&probe, "").unwrap();
        fs::metadata(&probe).unwrap().modified().unwrap()
    };
    let before = now();
    while now() == before {
        std::thread::yield_now();
    }
}

impl Crashed {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn live(&self, at: &str) -> PathBuf {
        self.folder.path().join("base").join(at)
    }

    /// Where the new one of an entry waits.
    fn staged(&self, number: usize) -> PathBuf {
        self.data().join("restore/0").join(number.to_string())
    }

    /// Makes it a folder with a file in it.
    fn make_folder(&self, number: usize) {
        let staged = self.staged(number);
        fs::remove_file(&staged).unwrap();
        fs::create_dir(&staged).unwrap();
        fs::write(staged.join("inner"), "new").unwrap();
        make_old(&staged.join("inner"));
    }

    fn take(&self, number: usize) {
        let kept = undo::folder(&self.data(), 7).join("0");
        let at = &self.note.parts[0].moves[number].at;
        fs::rename(self.live(at), kept.join(number.to_string())).unwrap();
    }

    fn put(&self, number: usize) {
        let at = &self.note.parts[0].moves[number].at;
        fs::rename(self.staged(number), self.live(at)).unwrap();
    }

    fn write(&self, at: &str, what: &str) {
        fs::write(self.live(at), content_of(at, what)).unwrap();
    }

    /// The clock of a file system has steps: the next write comes after one.
    fn wait_for_the_clock(&self) {
        wait_for_the_clock(&self.data());
    }

    /// As a start does it.
    fn settle(&self) {
        settle(&self.data()).unwrap();
        assert!(!is_pending(&self.data()).unwrap());
        undo::remove_older(&self.data());
    }

    fn undo(&self) {
        let kept: Kept = undo::current(&self.data()).unwrap().unwrap();
        let parts = kept.note.parts.iter().enumerate();
        let parts = parts.map(|(at, part)| reversed(&self.data(), at, &kept, part).unwrap());
        let note = UndoNote {
            parts: parts.collect(),
            undone: true,
            ..kept.note.clone()
        };
        let swap = Swap::new(Incoming::Kept(7), 8);
        swap.commit(&self.data(), &note).unwrap();
        undo::remove_older(&self.data());
    }

    /// What the file is, without what a database begins with; nothing where there is none.
    fn is(&self, at: &str) -> String {
        let text = fs::read_to_string(self.live(at)).unwrap_or_default();
        text.trim_start_matches(MAGIC).to_owned()
    }
}

const LOGS: [&str; 3] = ["app.db-wal", "app.db-shm", "app.db-journal"];

fn aside(log: &str) -> String {
    log.replacen("app.db", "app.db.made-during-restore", 1)
}

#[test]
fn a_log_made_since_the_old_one_was_taken_does_not_stay_beside_what_comes() {
    for log in LOGS {
        for put in [false, true] {
            let crashed = crashed(&[("app.db", true, true), (log, true, put)]);
            crashed.take(0);
            crashed.take(1);
            crashed.write("app.db", "since");
            crashed.write(log, "since");
            crashed.settle();
            let comes = if put { "new" } else { "" };
            assert_eq!(
                (crashed.is("app.db"), crashed.is(log)),
                ("new".into(), comes.into())
            );
            assert_eq!(crashed.is("app.db.made-during-restore"), "since");
            assert_eq!(crashed.is(&aside(log)), "since", "{log}");
        }
    }
}

#[test]
fn a_database_of_which_only_the_log_grew_is_not_taken_back() {
    for log in LOGS {
        let crashed = crashed(&[("app.db", true, true), (log, true, false)]);
        crashed.take(0);
        crashed.take(1);
        crashed.put(0);
        crashed.write(log, "since");
        SWAPS[0].note_failure(&crashed.data()).unwrap();
        crashed.settle();
        assert_eq!(
            (crashed.is("app.db"), crashed.is(log)),
            ("old".into(), "old".into())
        );
        assert_eq!(crashed.is("app.db.made-during-restore"), "new");
        assert_eq!(crashed.is(&aside(log)), "since", "{log}");
    }
}

#[test]
fn a_database_that_came_with_a_log_is_kept_with_it_whichever_was_worked_with() {
    for worked_with in ["app.db", "app.db-wal"] {
        let crashed = crashed(&[("app.db", true, true), ("app.db-wal", true, true)]);
        for number in [0, 1] {
            crashed.take(number);
            crashed.put(number);
        }
        crashed.write(worked_with, "since");
        SWAPS[0].note_failure(&crashed.data()).unwrap();
        crashed.settle();
        for at in ["app.db", "app.db-wal"] {
            assert_eq!(crashed.is(at), "old");
            let kept = if at == worked_with { "since" } else { "new" };
            assert_eq!(crashed.is(&aside(at)), kept, "{worked_with}");
        }
    }
}

/// SQLite makes a log of its own in the place of one that it does not take for its own.
#[test]
fn a_log_that_was_not_taken_yet_is_of_the_database_that_was_made_beside_it() {
    for put in [true, false] {
        let crashed = crashed(&[("app.db", true, put), ("app.db-wal", true, false)]);
        crashed.take(0);
        crashed.write("app.db", "since");
        crashed.write("app.db-wal", "since");
        crashed.settle();
        let (made, comes) = match put {
            true => ("app.db.made-during-restore", "new"),
            false => ("app.db", "since"),
        };
        assert_eq!(crashed.is("app.db"), comes);
        let log = format!("{made}-wal");
        assert_eq!(
            (crashed.is(made), crashed.is(&log)),
            ("since".into(), "since".into())
        );
        crashed.undo();
        assert_eq!(
            (crashed.is("app.db"), crashed.is("app.db-wal")),
            ("old".into(), "".into()),
            "{put}"
        );
    }
}

#[test]
fn a_log_is_not_put_back_beside_a_database_that_was_worked_with_without_it() {
    for worked_with in [false, true] {
        let crashed = crashed(&[("app.db", true, true), ("app.db-wal", true, false)]);
        crashed.take(0);
        crashed.take(1);
        SWAPS[0].note_failure(&crashed.data()).unwrap();
        let kept = undo::folder(&crashed.data(), 7).join("0/0");
        fs::rename(kept, crashed.live("app.db")).unwrap();
        if worked_with {
            crashed.wait_for_the_clock();
            crashed.write("app.db", "since");
        }
        crashed.settle();
        let (database, log, aside_it) = match worked_with {
            true => ("since", "", "old"),
            false => ("old", "old", ""),
        };
        assert_eq!(
            (crashed.is("app.db"), crashed.is("app.db-wal")),
            (database.into(), log.into())
        );
        assert_eq!(crashed.is("app.db-wal.made-during-restore"), aside_it);
    }
}

#[test]
fn what_somebody_made_in_another_folder_since_stays_there() {
    let mut crashed = crashed(&[("x", false, true), ("y", false, true)]);
    crashed.note.aside = true;
    crashed.note.mark = None;
    let folder = undo::folder(&crashed.data(), 7);
    crashed.note.write_aside(&folder).unwrap();
    crashed.put(0);
    crashed.write("y", "since");
    crashed.settle();
    assert_eq!(
        (crashed.is("x"), crashed.is("y")),
        ("new".into(), "new".into())
    );
    assert_eq!(crashed.is("y.made-during-restore"), "since");
}

#[test]
fn what_was_set_aside_instead_of_kept_leaves_nothing_to_an_undo() {
    let crashed = crashed(&[("a", true, true), ("app.db", true, true)]);
    crashed.take(0);
    crashed.write("app.db-wal", "since");
    crashed.settle();
    assert_eq!(crashed.is("app.db.made-during-restore"), "old");
    crashed.undo();
    assert_eq!(
        (crashed.is("a"), crashed.is("app.db")),
        ("old".into(), "new".into())
    );
}

#[test]
fn a_database_that_is_set_aside_takes_all_of_its_logs_along() {
    let entries = [
        ("a", true, true),
        ("app.db", true, true),
        ("app.db-wal", true, false),
    ];
    let crashed = crashed(&entries);
    crashed.take(0);
    crashed.write("app.db-journal", "since");
    crashed.settle();
    for (at, what) in [("app.db", "new"), ("app.db.made-during-restore", "old")] {
        assert_eq!(crashed.is(at), what);
    }
    assert_eq!(crashed.is(&aside("app.db-wal")), "old");
    assert_eq!(crashed.is(&aside("app.db-journal")), "since");
}

#[test]
fn an_undo_puts_no_log_beside_a_database_that_it_leaves_alone() {
    let entries = [
        ("a", true, true),
        ("app.db", true, true),
        ("app.db-wal", true, false),
    ];
    let crashed = crashed(&entries);
    crashed.take(0);
    fs::remove_file(crashed.live("app.db")).unwrap();
    crashed.settle();
    assert_eq!(
        (crashed.is("app.db"), crashed.is("app.db-wal")),
        ("new".into(), "".into())
    );
    crashed.undo();
    assert_eq!(
        (crashed.is("a"), crashed.is("app.db")),
        ("old".into(), "new".into())
    );
    assert_eq!(crashed.is("app.db-wal"), "");
}

#[test]
fn what_was_written_to_in_a_folder_that_came_is_kept_whatever_its_time_is() {
    let crashed = crashed(&[("left", false, true), ("used", false, true)]);
    crashed.make_folder(0);
    crashed.make_folder(1);
    let folder = undo::folder(&crashed.data(), 7);
    crashed.note.write_aside(&folder).unwrap();
    crashed.put(0);
    crashed.put(1);
    SWAPS[0].note_failure(&crashed.data()).unwrap();
    crashed.wait_for_the_clock();
    crashed.write("used/inner", "since");
    make_old(&crashed.live("used/inner"));
    crashed.settle();
    assert_eq!(crashed.is("used.made-during-restore/inner"), "since");
    let left = fs::read_dir(crashed.live("")).unwrap();
    assert_eq!(left.count(), 1);
}

#[test]
fn what_is_made_in_a_folder_that_came_stays_where_the_restore_fails_after_that() {
    let swap = staged(&[("folder", false, true), ("last", false, true)]);
    swap.make_folder(0);
    let (folder, data) = (swap.live("folder"), swap.data());
    let mut failed = false;
    MEANWHILE.set(Some(Box::new(move || {
        if failed || !folder.exists() {
            return Ok(());
        }
        failed = true;
        wait_for_the_clock(&data);
        fs::write(folder.join("made"), "since").unwrap();
        Err(io::ErrorKind::StorageFull.into())
    })));
    let ended = SWAPS[0].commit(&swap.data(), &swap.note);
    MEANWHILE.set(None);
    assert!(ended.is_err());
    assert!(!is_pending(&swap.data()).unwrap());
    assert_eq!(swap.is("folder.made-during-restore/made"), "since");
    assert_eq!(
        (swap.is("folder/inner"), swap.is("last")),
        ("".into(), "".into())
    );
}

#[test]
fn a_folder_that_was_deleted_whole_after_a_crash_is_made_again() {
    for back in [false, true] {
        let crashed = crashed(&[("x", true, true), ("y", true, true)]);
        crashed.take(0);
        crashed.take(1);
        crashed.put(0);
        if back {
            SWAPS[0].note_failure(&crashed.data()).unwrap();
        }
        fs::remove_dir_all(crashed.live("")).unwrap();
        crashed.settle();
        let (x, y) = if back { ("old", "old") } else { ("", "new") };
        assert_eq!((crashed.is("x"), crashed.is("y")), (x.into(), y.into()));
        if !back {
            crashed.undo();
            assert_eq!(
                (crashed.is("x"), crashed.is("y")),
                ("old".into(), "old".into())
            );
        }
    }
}
