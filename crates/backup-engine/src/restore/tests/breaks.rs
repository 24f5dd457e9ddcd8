//! Restores that are broken off: cancelled, killed at every step, or overtaken by somebody else's change. What is there is
//! then exactly what was there, or exactly the backup.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::bench::*;
use super::content::{change, fill};
use crate::journal::STEPS_LEFT;
use crate::restore::{PLAN_HOLDS, Place, Restore, RestoreRequest, SourcePlace, What};
use crate::watch::{CancelFlag, Outcome, Phase, Step};
use crate::{Error, Watch};

fn all(bench: &Bench) -> (std::collections::BTreeMap<std::path::PathBuf, String>, bool) {
    (
        state(&bench.docs()),
        bench.library.get("two").unwrap().is_some(),
    )
}

fn prepared() -> (Bench, Stored) {
    let bench = Bench::new();
    fill(&bench);
    let stored = bench.store();
    change(&bench);
    bench.library.put(&[item("two")]).unwrap();
    (bench, stored)
}

#[test]
fn a_kill_at_any_step_of_a_commit_or_an_undo_leaves_all_of_the_old_or_all_of_the_new() {
    let (bench, stored) = prepared();
    let old = all(&bench);
    bench.restore(&stored, What::Everything);
    let new = all(&bench);
    assert_ne!(old, new);
    bench.undo();
    let (mut ends, mut steps) = ([0; 2], 0);
    for undoing in [false, true] {
        for kill_after in 1.. {
            if undoing && all(&bench) != new {
                bench.restore(&stored, What::Everything);
            }
            STEPS_LEFT.with(|left| left.set(Some(kill_after)));
            let ended = if undoing {
                crate::restore::undo(
                    &bench.data(),
                    &bench.library,
                    &|_| Ok(None),
                    &Watch::unwatched(),
                )
            } else {
                let watch = Watch::unwatched();
                bench.try_restore(&stored, What::Everything, Place::InPlace, &watch)
            };
            let killed = STEPS_LEFT.with(|left| left.take()) == Some(0);
            if !killed {
                ended.unwrap();
                break;
            }
            // A start that is killed as well is one more start.
            STEPS_LEFT.with(|left| left.set(Some(kill_after % 7 + 1)));
            let started = bench
                .library
                .replace(|| crate::journal::settle(&bench.data()));
            drop(started);
            STEPS_LEFT.with(|left| left.take());
            bench.start_again();
            let now = all(&bench);
            assert!(
                now == old || now == new,
                "undoing: {undoing}, after {kill_after} steps"
            );
            ends[usize::from(now == new)] += 1;
            steps += 1;
            if !undoing && now == new {
                bench.undo();
                assert_eq!(all(&bench), old, "undo after {kill_after} steps");
            }
        }
    }
    assert!(steps > 60 && ends[0] > 2 && ends[1] > 2, "{steps} {ends:?}");
}

#[test]
fn a_cancel_at_any_moment_leaves_everything_as_it_was() {
    let (bench, stored) = prepared();
    let old = all(&bench);
    let mut canceled = 0;
    for at in 0..40_u32 {
        let flag = CancelFlag::default();
        let (cancel, seen) = (flag.clone(), AtomicU32::new(0));
        let watch = Watch::new(flag, move |_| {
            if seen.fetch_add(1, Ordering::SeqCst) == at {
                cancel.cancel();
            }
        });
        let ended = bench.try_restore(&stored, What::Everything, Place::InPlace, &watch);
        if matches!(ended, Ok(Outcome::Completed(()))) {
            bench.undo();
        } else {
            // The engine takes any error of a cancelled job for its cancelling.
            assert!(watch.is_canceled(), "{ended:?}");
            canceled += 1;
        }
        assert_eq!(all(&bench), old, "cancelled at report {at}");
        assert!(!bench.data().join("restore").exists());
    }
    assert!(canceled > 5, "{canceled}");
}

#[test]
fn what_changes_while_a_restore_waits_is_seen_before_it_is_replaced() {
    // What is replaced anyway; then only what was as it is in the backup, or in neither.
    for written in [
        &["a.txt"][..],
        &["empty"],
        &["made-at-the-end"],
        &["a.txt", "empty"],
    ] {
        let (bench, stored) = prepared();
        let (docs_folder, asked) = (bench.docs(), AtomicU32::new(0));
        // The program writes once more when it quits.
        let in_use = |_: &std::path::Path| {
            Ok(match asked.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    for name in written {
                        fs::write(docs_folder.join(name), "written at the end").unwrap();
                    }
                    Some("a program".to_owned())
                }
                _ => None,
            })
        };
        let phases = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = phases.clone();
        let watch = Watch::new(CancelFlag::default(), move |step: Step| {
            seen.lock().unwrap().push(step.phase);
        });
        let request = RestoreRequest {
            backup: backup_id(),
            what: docs(),
            place: Place::InPlace,
        };
        let ended = bench.with(&stored, &watch, &in_use, |restore| restore.run(&request));
        assert_eq!(ended.unwrap(), Outcome::Completed(()));
        assert!(phases.lock().unwrap().contains(&Phase::Waiting));
        let there = |name: &str| fs::read_to_string(bench.docs().join(name)).ok();
        assert_eq!(there("a.txt").unwrap(), "one", "{written:?}");
        assert_eq!(there("empty").unwrap(), "", "{written:?}");
        assert_eq!(there("made-at-the-end"), None);
        bench.undo();
        for name in written {
            assert_eq!(there(name).unwrap(), "written at the end");
        }
    }
}

#[test]
fn what_changed_while_a_restore_staged_for_long_is_replaced_though_nobody_was_waited_for() {
    let (bench, stored) = prepared();
    let docs_folder = bench.docs();
    // A program that was there and has quit: what it wrote was as in the backup, or is in neither.
    let in_use = |_: &std::path::Path| {
        for name in ["empty", "made-meanwhile"] {
            fs::write(docs_folder.join(name), "written meanwhile").unwrap();
        }
        Ok(None)
    };
    let request = RestoreRequest {
        backup: backup_id(),
        what: docs(),
        place: Place::InPlace,
    };
    let watch = Watch::unwatched();
    // All staging is long.
    PLAN_HOLDS.set(Duration::ZERO);
    let asked = AtomicU32::new(0);
    let once = |path: &std::path::Path| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => in_use(path),
        _ => Ok(None),
    };
    let ended = bench.with(&stored, &watch, &once, |restore| restore.run(&request));
    assert_eq!(ended.unwrap(), Outcome::Completed(()));
    let there = |name: &str| fs::read_to_string(docs_folder.join(name)).ok();
    assert_eq!(
        (there("empty"), there("made-meanwhile")),
        (Some(String::new()), None)
    );
}

#[test]
fn a_restore_gives_up_where_something_changes_each_time_it_has_waited() {
    let (bench, stored) = prepared();
    let (docs_folder, asked) = (bench.docs(), AtomicU32::new(0));
    // Started again by somebody each time it has quit, and nothing that is to be replaced is what it writes.
    let in_use = |_: &std::path::Path| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        if asked % 2 == 1 {
            return Ok(None);
        }
        fs::write(docs_folder.join(format!("made-{asked}")), "").unwrap();
        Ok(Some("a program".to_owned()))
    };
    let request = RestoreRequest {
        backup: backup_id(),
        what: docs(),
        place: Place::InPlace,
    };
    let watch = Watch::unwatched();
    let ended = bench.with(&stored, &watch, &in_use, |restore| restore.run(&request));
    assert!(matches!(ended, Err(Error::ChangedMeanwhile)), "{ended:?}");
    assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"another");
    assert!(bench.docs().join("made-0").exists());
    assert!(!bench.data().join("restore").exists());
}

/// A restore of more than one source, of which one is on another disk and needs nothing, is planned again.
#[test]
fn where_nothing_was_staged_on_another_disk_nothing_has_to_be_removed_there() {
    let (bench, stored) = prepared();
    bench.restore(&stored, What::Everything);
    let disk = tempfile::tempdir_in("/dev/shm").unwrap();
    let places = [SourcePlace {
        id: "docs".into(),
        path: disk.path().to_owned(),
        excluded: std::sync::Arc::new(|_, _| false),
    }];
    let request = RestoreRequest {
        backup: backup_id(),
        what: What::Everything,
        place: Place::InPlace,
    };
    let watch = Watch::unwatched();
    bench.with(&stored, &watch, &|_| Ok(None), |restore| {
        let restore = Restore {
            places: &places,
            ..*restore
        };
        assert_eq!(restore.run(&request).unwrap(), Outcome::Completed(()));
        fs::remove_dir_all(disk.path().join(".holdfast")).unwrap();
        let plans = restore.plan(&restore.goals(&request).unwrap()).unwrap();
        assert!(plans.parts.iter().all(|plan| plan.steps.is_empty()));
        restore.remove_staged(&plans).unwrap();
    });
}

#[test]
fn what_changes_without_anybody_being_waited_for_fails_the_restore() {
    for (path, content) in [
        ("a.txt", "newer"),
        ("gone", "new"),
        ("new.txt", "newer still"),
    ] {
        let (bench, stored) = prepared();
        let docs_folder = bench.docs();
        let in_use = |_: &std::path::Path| {
            fs::write(docs_folder.join(path), content).unwrap();
            Ok(None)
        };
        let request = RestoreRequest {
            backup: backup_id(),
            what: What::Everything,
            place: Place::InPlace,
        };
        let watch = Watch::unwatched();
        let ended = bench.with(&stored, &watch, &in_use, |restore| restore.run(&request));
        assert!(
            matches!(ended, Err(Error::ChangedMeanwhile)),
            "{path}: {ended:?}"
        );
        assert_eq!(
            fs::read(bench.docs().join(path)).unwrap(),
            content.as_bytes()
        );
        assert!(bench.library.get("two").unwrap().is_some());
        assert!(!bench.data().join("restore").exists());
    }
}

#[test]
fn another_disk_in_a_folder_is_in_the_way_only_where_something_on_it_differs() {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "one");
    let disk = bench.docs().join("disk");
    let done = on_a_disk(&disk, "1m", || {
        write(&disk, "on-it.txt", "two");
        let stored = bench.store();
        write(&bench.docs(), "a.txt", "another");
        bench.restore(&stored, docs());
        let a = bench.docs().join("a.txt");
        assert_eq!(fs::read(&a).unwrap(), b"one");
        for (name, content) in [("on-it.txt", "three"), ("more.txt", "new")] {
            write(&bench.docs(), "a.txt", "another");
            write(&disk, name, content);
            let before = state(&bench.docs());
            let refused = bench.try_restore(&stored, docs(), Place::InPlace, &Watch::unwatched());
            assert_eq!(refused.unwrap_err().code(), "in-the-way", "{name}");
            assert_eq!(state(&bench.docs()), before);
            fs::remove_file(disk.join(name)).unwrap();
            write(&disk, "on-it.txt", "two");
        }
        fs::remove_file(disk.join("on-it.txt")).unwrap();
        let refused = bench.try_restore(&stored, docs(), Place::InPlace, &Watch::unwatched());
        assert_eq!(refused.unwrap_err().code(), "in-the-way");
    });
    if !done {
        eprintln!("skipped: this system does not allow mounting");
    }
}

/// Runs a test with a disk of this size there. False: that is not allowed here.
fn on_a_disk(at: &std::path::Path, size: &str, test: impl FnOnce()) -> bool {
    fs::create_dir_all(at).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
        .arg(at)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return false;
    }
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    let unmount = std::process::Command::new("umount").arg(at).status();
    assert!(unmount.unwrap().success());
    tried.unwrap();
    true
}

#[test]
fn a_restore_without_room_is_refused_or_fails_with_everything_as_it_was() {
    let bench = Bench::new();
    let disk = bench.docs();
    let done = on_a_disk(&disk, "40m", || {
        write(&disk, "large", noise(3, 12_000_000));
        let stored = bench.store();
        let restore = || bench.try_restore(&stored, docs(), Place::InPlace, &Watch::unwatched());
        // Room enough: staged and kept on that disk, and undone there.
        write(&disk, "large", "mine");
        restore().unwrap();
        assert!(!disk.join(".holdfast/restore").exists());
        assert!(disk.join(".holdfast/undo").is_dir());
        assert_eq!(fs::read(disk.join("large")).unwrap(), noise(3, 12_000_000));
        bench.undo();
        assert_eq!(fs::read(disk.join("large")).unwrap(), b"mine");
        write(&disk, "filler.tmp", noise(4, 16_000_000));
        let before = state(&disk);
        let full = restore().unwrap_err();
        assert_eq!(full.code(), "no-space", "{full:?}");
        assert_eq!(state(&disk), before);
    });
    if !done {
        eprintln!("skipped: this system does not allow mounting");
    }
}
