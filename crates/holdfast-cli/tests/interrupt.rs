//! Ctrl-C: it cancels the job that runs, says so, and leaves everything as it was.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use serde_json::Value;

/// Large enough for a job to run on while it is interrupted.
const LARGE: (u64, usize) = (1_500, 16_000);

fn id_in(line: &str) -> String {
    let step: Value = serde_json::from_str(line).unwrap();
    step["backup"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_backup_with_a_service_of_its_own_is_cancelled() {
    let desk = Desk::new();
    desk.import(LARGE.0, LARGE.1);
    for signal in ["INT", "TERM"] {
        let mut backup = desk.start(&["--json", "backup"]);
        backup.line();
        backup.signal(signal);
        let ended = backup.end();
        assert_eq!(ended.code, 130, "{ended:?}");
        let last: Value = serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
        assert_eq!(last["status"], "CANCELED");
        assert!(
            ended.err.contains("Cancelled. Everything is as it was."),
            "{ended:?}"
        );
        assert!(!desk.path("data/service.json").exists());
        assert!(desk.backups().is_empty());
    }
    assert_eq!(desk.count(), LARGE.0);
    desk.back_up();
    assert_eq!(desk.backups().len(), 1, "nothing of them is in the way");
}

#[test]
fn a_restore_is_cancelled_and_the_library_is_as_it_was() {
    let desk = Desk::new();
    desk.import(LARGE.0, LARGE.1);
    let id = desk.back_up();
    let staged = desk.path("data/restore/staged");
    // While it stages is a short time, and the machine may be busy with something else in it: a restore that has ended
    // before the signal came is tried again.
    let cancelled = (0..20).find_map(|_| {
        desk.import(LARGE.0 + 1, LARGE.1);
        let undo = desk.undo();
        let mut restore = desk.start(&["--json", "restore", "--yes", &id]);
        while !staged.join("library.db").exists() {
            if restore.has_ended() {
                return None;
            }
            std::thread::yield_now();
        }
        restore.signal("INT");
        let ended = restore.end();
        (ended.code != 0).then_some((ended, undo))
    });
    let (ended, undo) = cancelled.expect("every restore ended before it could be cancelled");
    // Looked at before another command opens the folder, and with it tidies up.
    assert!(!staged.exists(), "what it had staged is left");
    assert!(desk.path("data/library/library.db").exists());
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(
        ended.err.contains("Cancelled. Everything is as it was."),
        "{ended:?}"
    );
    assert_eq!(desk.count(), LARGE.0 + 1);
    assert_eq!(desk.undo(), undo);
}

#[test]
fn a_backup_of_a_running_service_is_cancelled_and_the_service_stays() {
    let desk = Desk::new();
    desk.import(LARGE.0, LARGE.1);
    let serving = desk.serve(&[]);
    let mut backup = desk.start(&["backup", "--json"]);
    backup.line();
    backup.signal("INT");
    let ended = backup.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    ended
        .err
        .lines()
        .for_each(|line| assert!(line.contains("Cancelled"), "{line}"));
    assert!(desk.backups().is_empty());
    assert_eq!(desk.json(&["status"])["job"]["state"], "canceled");
    serving.running.signal("INT");
    assert_eq!(serving.running.end().code, 0);
}

#[test]
fn a_second_command_is_told_what_runs_and_can_cancel_it() {
    let desk = Desk::new();
    desk.import(LARGE.0, LARGE.1);
    let _serving = desk.serve(&[]);
    let mut backup = desk.start(&["backup", "--json"]);
    let id = id_in(&backup.line());
    desk.run(&["backup"]).failed(4, &[&id, "cancel it"]);
    assert_eq!(
        desk.run(&["cancel", &id]).ok(),
        "Cancelled. Everything is as it was.\n"
    );
    let ended = backup.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(desk.backups().is_empty());
}

#[test]
fn a_service_that_is_told_to_stop_cancels_the_backup_that_runs() {
    let desk = Desk::new();
    desk.import(LARGE.0, LARGE.1);
    let serving = desk.serve(&[]);
    let mut backup = desk.start(&["backup", "--json"]);
    backup.line();
    serving.running.signal("TERM");
    assert_eq!(serving.running.end().code, 0);
    let ended = backup.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(desk.backups().is_empty());
    assert_eq!(desk.count(), LARGE.0);
}
