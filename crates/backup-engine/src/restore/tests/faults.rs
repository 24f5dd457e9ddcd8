//! Commits in which more than one thing goes wrong, and what others do in the middle of one: nothing that a user has is lost.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bench::*;
use crate::journal::{MEANWHILE, STEPS_LEFT};
use crate::restore::{Place, RestoreRequest, What};
use crate::watch::Outcome;
use crate::{Error, Watch, journal};

type All = (BTreeMap<PathBuf, String>, bool);

fn all(bench: &Bench) -> All {
    let library = bench.library.get("two");
    (state(&bench.docs()), library.unwrap().is_some())
}

/// A backup, and changes since: few, so that there are few steps.
fn prepared() -> (Bench, Stored) {
    let bench = Bench::new();
    let docs = bench.docs();
    write(&docs, "a.txt", "one");
    write(&docs, "deep/b.txt", "one");
    write(&docs, "gone/all.txt", "all");
    let stored = bench.store();
    write(&docs, "a.txt", "another");
    write(&docs, "deep/b.txt", "another");
    write(&docs, "new.txt", "new");
    fs::remove_dir_all(docs.join("gone")).unwrap();
    bench.library.put(&[item("two")]).unwrap();
    (bench, stored)
}

/// Restores everything while `happens` is called before each step, with the number of the step.
fn meanwhile(
    bench: &Bench,
    stored: &Stored,
    mut happens: impl FnMut(u64) -> io::Result<()> + 'static,
) -> Result<Outcome<()>, Error> {
    let mut step = 0;
    let counted = move || {
        step += 1;
        happens(step)
    };
    MEANWHILE.set(Some(Box::new(counted)));
    let watch = Watch::unwatched();
    let ended = bench.try_restore(stored, What::Everything, Place::InPlace, &watch);
    MEANWHILE.set(None);
    ended
}

fn fault() -> io::Error {
    io::Error::other("a fault of the disk")
}

/// What was backed up, by restoring it and undoing that.
fn old_and_new(bench: &Bench, stored: &Stored) -> (All, All) {
    let old = all(bench);
    bench.restore(stored, What::Everything);
    let new = all(bench);
    bench.undo();
    assert_eq!(all(bench), old);
    (old, new)
}

/// The contents of all files in a folder, wherever they are.
fn contents(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for path in state(folder).keys() {
        all.extend(fs::read_to_string(folder.join(path)).ok());
    }
    all
}

#[test]
fn a_restore_that_can_neither_be_finished_nor_taken_back_is_settled_by_the_next_start() {
    let (bench, stored) = prepared();
    let (old, new) = old_and_new(&bench, &stored);
    let mut failed = 0;
    for last in 1.. {
        let fired = std::rc::Rc::new(std::cell::Cell::new(false));
        let fires = fired.clone();
        let ended = meanwhile(&bench, &stored, move |step| {
            fires.set(step > last);
            if step > last { Err(fault()) } else { Ok(()) }
        });
        if !fired.get() {
            break;
        }
        failed += u32::from(ended.is_err());
        bench.start_again();
        let now = all(&bench);
        assert!(now == old || now == new, "no step after {last}: {now:?}");
        if now == new {
            bench.undo();
        }
        assert_eq!(all(&bench), old, "undone, no step after {last}");
    }
    assert!(failed > 5, "{failed}");
}

#[test]
fn a_restore_that_cannot_note_that_it_failed_is_taken_back_all_the_same() {
    let (bench, stored) = prepared();
    let (old, _) = old_and_new(&bench, &stored);
    for failing in 5..20 {
        let in_the_way = bench.data().join("restore/journal.new");
        let ended = meanwhile(&bench, &stored, move |step| {
            if step != failing {
                return Ok(());
            }
            fs::create_dir(&in_the_way)?;
            Err(fault())
        });
        if ended.is_ok() {
            break;
        }
        assert_eq!(all(&bench), old, "step {failing}");
        bench.start_again();
        assert_eq!(all(&bench), old, "step {failing}, after a start");
    }
}

#[test]
fn what_a_program_writes_while_it_is_replaced_survives() {
    let (bench, stored) = prepared();
    let (old, _) = old_and_new(&bench, &stored);
    let (mut failed, mut finished) = (0, 0);
    for killed in [false, true] {
        let path = bench.docs().join("a.txt");
        let mut written = false;
        let ended = meanwhile(&bench, &stored, move |_| {
            if !written && !path.exists() {
                written = true;
                fs::write(&path, "by a program")?;
                if killed {
                    STEPS_LEFT.with(|left| left.set(Some(0)));
                }
            }
            Ok(())
        });
        STEPS_LEFT.with(|left| left.take());
        assert!(ended.is_err(), "{ended:?}");
        bench.start_again();
        let docs = contents(&bench.docs());
        assert!(docs.contains(&"by a program".into()), "{docs:?}");
        if killed {
            assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"one");
            finished += 1;
        } else {
            let mut now = all(&bench);
            now.0.retain(|path, _| old.0.contains_key(path));
            assert_eq!(now, old);
            failed += 1;
        }
    }
    assert_eq!((failed, finished), (1, 1));
}

#[test]
fn what_the_user_did_after_a_crash_is_not_taken_back() {
    let (bench, stored) = prepared();
    let (old, new) = old_and_new(&bench, &stored);
    let mut tried = 0;
    for kill_after in 1.. {
        STEPS_LEFT.with(|left| left.set(Some(kill_after)));
        let watch = Watch::unwatched();
        let ended = bench.try_restore(&stored, What::Everything, Place::InPlace, &watch);
        if STEPS_LEFT.with(|left| left.take()) != Some(0) {
            ended.unwrap();
            break;
        }
        let there = state(&bench.docs());
        let worked = ["a.txt", "gone"].map(PathBuf::from);
        let restored = |path| there.contains_key(path) && there.get(path) != old.0.get(path);
        let work = worked.iter().all(restored);
        if work {
            write(&bench.docs(), "a.txt", "edited since");
            fs::remove_dir_all(bench.docs().join("gone")).unwrap();
        }
        bench.start_again();
        if work {
            tried += 1;
            assert_eq!(
                fs::read(bench.docs().join("a.txt")).unwrap(),
                b"edited since"
            );
            assert!(!bench.docs().join("gone").exists());
            write(&bench.docs(), "a.txt", "one");
        }
        if work || all(&bench) == new {
            bench.undo();
        }
        // The file that was edited is not what the undo replaced any more.
        write(&bench.docs(), "a.txt", "another");
        assert_eq!(contents(&bench.docs()).len(), 3);
    }
    assert!(tried > 0);
}

#[test]
fn what_was_edited_before_a_failed_restore_is_taken_back_is_kept() {
    let (bench, stored) = prepared();
    let (old, _) = old_and_new(&bench, &stored);
    let mut tried = 0;
    for last in 1.. {
        let ended = meanwhile(&bench, &stored, move |step| {
            if step > last { Err(fault()) } else { Ok(()) }
        });
        if ended.is_ok() {
            break;
        }
        let path = bench.docs().join("a.txt");
        let edits = fs::read(&path).is_ok_and(|content| content == b"one");
        if edits {
            fs::write(&path, "edited since").unwrap();
        }
        bench.start_again();
        if edits {
            tried += 1;
            let docs = contents(&bench.docs());
            assert!(docs.contains(&"edited since".into()), "{docs:?}");
            assert_eq!(fs::read(&path).unwrap(), b"another");
            for copy in fs::read_dir(bench.docs()).unwrap() {
                let copy = copy.unwrap().path();
                if fs::read(&copy).is_ok_and(|content| content == b"edited since") {
                    fs::remove_file(copy).unwrap();
                }
            }
        }
        let files = |all: &All| all.0.len();
        assert_eq!(files(&all(&bench)), files(&old));
    }
    assert!(tried > 0);
}

#[test]
fn what_a_restored_file_was_replaced_with_is_kept_whatever_its_time_is() {
    let (bench, stored) = prepared();
    let (other, path) = (
        bench.folder.path().join("other"),
        bench.docs().join("a.txt"),
    );
    let mut tried = 0;
    // Another file of the same size and time is moved there, or it is written to and gets its time back.
    for (replaces, content) in [(true, "two"), (false, "longer")] {
        for last in 1.. {
            let ended = meanwhile(&bench, &stored, move |step| {
                if step > last { Err(fault()) } else { Ok(()) }
            });
            if ended.is_ok() {
                bench.start_again();
                bench.undo();
                break;
            }
            let works = fs::read(&path).is_ok_and(|content| content == b"one");
            if works {
                let time = fs::metadata(&path).unwrap().modified().unwrap();
                let written = if replaces { &other } else { &path };
                fs::write(written, content).unwrap();
                let file = fs::File::options().write(true).open(written).unwrap();
                file.set_modified(time).unwrap();
                if replaces {
                    fs::rename(&other, &path).unwrap();
                }
            }
            bench.start_again();
            assert_eq!(fs::read(&path).unwrap(), b"another");
            if works {
                tried += 1;
                let copy = bench.docs().join("a.txt.made-during-restore");
                assert_eq!(fs::read(&copy).unwrap(), content.as_bytes());
                fs::remove_file(copy).unwrap();
            }
        }
    }
    assert!(tried > 1, "{tried}");
}

#[test]
fn a_restore_of_which_it_could_not_be_noted_that_it_failed_is_not_finished_later() {
    let mut tried = 0;
    for (failing, noted_later) in (5..20).flat_map(|step| [(step, false), (step, true)]) {
        let (bench, stored) = prepared();
        let data = bench.data();
        let (in_the_way, marker) = (data.join("restore/journal.new"), data.join("library/old"));
        fs::write(&marker, "").unwrap();
        let blocks = in_the_way.clone();
        let ended = meanwhile(&bench, &stored, move |step| {
            if step == failing {
                fs::create_dir(&blocks)?;
                return Err(fault());
            }
            // The library is back, and the rest is not.
            if step > failing && marker.exists() {
                if noted_later && blocks.exists() {
                    fs::remove_dir(&blocks)?;
                }
                return Err(fault());
            }
            Ok(())
        });
        if ended.is_ok() {
            break;
        }
        if !noted_later {
            fs::remove_dir(&in_the_way).unwrap_or_default();
        }
        if !journal::is_pending(&data).unwrap() {
            continue;
        }
        tried += 1;
        if noted_later {
            let text = fs::read_to_string(data.join("restore/journal.json")).unwrap();
            assert!(text.contains("\"back\":true"), "step {failing}: {text}");
        }
        bench.library.put(&[item("three")]).unwrap();
        crate::restore::settle_pending(&data, &bench.library).unwrap();
        assert!(
            bench.library.get("three").unwrap().is_some(),
            "step {failing}"
        );
        assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"another");
        assert!(bench.docs().join("new.txt").exists());
    }
    assert!(tried > 4, "{tried}");
}

#[test]
fn the_library_comes_back_where_a_folder_that_was_restored_with_it_is_gone() {
    let (bench, stored) = prepared();
    bench.restore(&stored, What::Everything);
    fs::remove_dir_all(bench.docs()).unwrap();
    bench.undo();
    assert!(bench.library.get("two").unwrap().is_some());
    for at in ["a.txt", "deep/b.txt"] {
        assert_eq!(fs::read(bench.docs().join(at)).unwrap(), b"another");
    }
    assert_eq!(fs::read(bench.docs().join("new.txt")).unwrap(), b"new");
}

#[test]
fn an_undo_that_is_cancelled_makes_no_folders() {
    let (bench, stored) = prepared();
    bench.restore(&stored, What::Everything);
    fs::remove_dir_all(bench.docs().join("deep")).unwrap();
    let flag = crate::watch::CancelFlag::default();
    flag.cancel();
    let watch = Watch::new(flag, |_| {});
    let undone = crate::restore::undo(&bench.data(), &bench.library, &|_| Ok(None), &watch);
    assert_eq!(undone.unwrap(), Outcome::Canceled);
    assert!(!bench.docs().join("deep").exists());
}

/// Two databases in a folder, of which one changed since the backup, and something that is named like a log and is none.
fn databases() -> (Bench, Stored) {
    let bench = Bench::new();
    let database = |name: &str, value: u32| {
        let open = rusqlite::Connection::open(bench.docs().join(name)).unwrap();
        let made = format!("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES ({value})");
        open.execute_batch(&made).unwrap();
    };
    database("app.db", 1);
    write(&bench.docs(), "notes", "one");
    write(&bench.docs(), "notes-journal", "a diary");
    let stored = bench.store();
    database("app.db", 2);
    database("new.db", 3);
    write(&bench.docs(), "notes", "another");
    (bench, stored)
}

#[test]
fn the_log_of_a_restored_database_does_not_stay_beside_the_one_that_an_undo_brings_back() {
    let (bench, stored) = databases();
    let old = state(&bench.docs());
    for beside in ["app.db-wal", "app.db-journal", "new.db-wal"] {
        bench.restore(&stored, docs());
        write(&bench.docs(), beside, "of another database");
        bench.undo();
        let now = state(&bench.docs());
        assert!(!now.contains_key(Path::new(beside)), "{beside}");
        assert_eq!(now.len(), old.len());
        assert!(bench.docs().join("notes-journal").exists());
    }
}

#[test]
fn a_log_that_comes_beside_a_database_that_is_restored_fails_the_restore() {
    let (bench, stored) = databases();
    let old = state(&bench.docs());
    let log = bench.docs().join("app.db-wal");
    let appears = log.clone();
    let in_use = |_: &Path| {
        fs::write(&appears, "of what is there").unwrap();
        Ok(None)
    };
    let request = RestoreRequest {
        backup: backup_id(),
        what: docs(),
        place: Place::InPlace,
    };
    let watch = Watch::unwatched();
    let looked = bench.with(&stored, &watch, &in_use, |restore| restore.run(&request));
    assert!(matches!(looked, Err(Error::ChangedMeanwhile)), "{looked:?}");
    assert!(log.exists());
    fs::remove_file(&log).unwrap();

    let appears = log.clone();
    let taken = meanwhile(&bench, &stored, move |_| {
        fs::write(&appears, "of what is there")
    });
    assert!(matches!(taken, Err(Error::ChangedMeanwhile)), "{taken:?}");
    assert!(log.exists());
    fs::remove_file(&log).unwrap();
    let now = state(&bench.docs());
    assert_eq!(now.len(), old.len());
    assert_eq!(now.get(Path::new("app.db")), old.get(Path::new("app.db")));
    assert!(!journal::is_pending(&bench.data()).unwrap());
}
