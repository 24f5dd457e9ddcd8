//! What commands make of the answers of a service, which a test plays: nothing that is not so is said, and nothing that
//! comes from elsewhere changes the terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::played::{backup, job, play, problem};
use common::*;
use serde_json::{Value, json};

const ID: &str = "0.1.0_20260102T030405678Z";

fn nothing_to_cancel() -> (u16, Value) {
    let why = "No restore of this backup is in progress.";
    (500, problem("nothing-to-cancel", why))
}

#[test]
fn a_job_that_had_come_to_its_end_is_not_said_to_be_cancelled() {
    for (state, said) in [("completed", "completed"), ("failed", "not cancelled")] {
        let address = play(move |call| match call {
            "GET /holdfast/jobs" => (200, json!([job("job-1", ID, "running")])),
            "POST /holdfast/jobs/job-1/cancel" => (200, job("job-1", ID, state)),
            _ => nothing_to_cancel(),
        });
        let ran = Desk::new().run(&["--address", &address, "cancel", "job-1"]);
        ran.failed(1, &[said]);
        assert!(!ran.err.contains("Cancelled"), "{ran:?}");
    }
    let address = play(|call| match call {
        "GET /holdfast/jobs" => (200, json!([job("job-1", ID, "running")])),
        "POST /holdfast/jobs/job-1/cancel" => (200, job("job-1", ID, "canceled")),
        _ => nothing_to_cancel(),
    });
    let ran = Desk::new().run(&["--address", &address, "cancel", "job-1"]);
    assert!(ran.ok().contains("Cancelled."));
}

#[test]
fn a_backup_that_was_completed_already_is_not_said_to_be_no_restore() {
    let address = play(|call| match call {
        "GET /holdfast/jobs" => (200, json!([])),
        call if call.ends_with("/creation/cancel") => {
            let why = "The creation was already completed.";
            (500, problem("already-completed", why))
        }
        _ => nothing_to_cancel(),
    });
    let ran = Desk::new().run(&["--address", &address, "cancel", ID]);
    ran.failed(1, &["already completed"]);
}

#[test]
fn a_service_without_codes_is_asked_for_the_restore_too() {
    let address = play(|call| match call {
        call if call.ends_with("/restoration/cancel") => (204, Value::Null),
        _ => (500, json!("no")),
    });
    let ran = Desk::new().run(&["--address", &address, "cancel", ID]);
    assert!(ran.ok().contains("Cancelled."));
}

/// A service that makes a backup, and then is asked what could not be read.
fn making(details: (u16, Value)) -> Ran {
    let address = play(move |call| match call {
        "POST /backups/create/streamed" => {
            let done = json!({"backup": backup(ID), "status": "COMPLETED", "percentage": 100.0});
            (200, done)
        }
        "GET /holdfast/backups" => details.clone(),
        _ => (404, Value::Null),
    });
    Desk::new().run(&["--address", &address, "backup"])
}

#[test]
fn a_backup_of_which_nobody_can_say_whether_it_is_whole_is_not_said_to_be() {
    for details in [
        (500, problem("failed", "It failed.")),
        (511, problem("locked", "Locked.")),
        (200, json!([])),
        (200, json!("garbled")),
    ] {
        let ran = making(details);
        assert_eq!(ran.code, 7, "{ran:?}");
        assert!(ran.out.starts_with("Backed up as "), "{ran:?}");
        assert!(ran.err.contains("could be read"), "{ran:?}");
    }
    let without_extensions = making((404, Value::Null));
    assert_eq!(without_extensions.code, 0, "{without_extensions:?}");
}

#[test]
fn nothing_that_a_service_says_changes_more_of_a_terminal_than_its_line() {
    let evil = "\u{1b}[2J\u{7}x\ny\u{202e}";
    let source = json!({"id": evil, "kind": "folder", "path": evil, "files": 1, "folders": 1, "bytes": 1,
        "databases": 0, "unread": [{"path": evil, "why": evil}], "unread_count": 1});
    let mut made = backup(ID);
    (made["device_name"], made["version"]) = (json!(evil), json!(evil));
    let details = json!({"backup": made, "assets": 1, "stored_bytes": 1, "seconds": 1.0,
        "sources": [source], "unread_count": 1});
    let overview = json!({"version": evil, "device_name": evil, "library": {"assets": 1, "bytes": 1},
        "destination": {"place": evil, "problem": {"code": evil, "message": evil, "fix": evil}},
        "key": "missing", "last_backup": details,
        "undo": {"backup": evil, "restored": "2026-01-02T03:04:05Z", "assets": 1, "bytes": 1, "sources": [evil]},
        "job": job(evil, evil, "running")});
    let address = play(move |call| match call {
        "GET /backups" => (200, json!({ "iterable": [made] })),
        "GET /holdfast/backups" => (200, json!([details])),
        "GET /holdfast/overview" => (200, overview.clone()),
        call if call == format!("GET /backup/{ID}") => (200, made.clone()),
        _ => (500, problem(evil, evil)),
    });
    for command in [&["show", ID][..], &["list"], &["status"], &["undo"]] {
        let ran = Desk::new().run(&[&["--address", &address], command].concat());
        let said = format!("{}{}", ran.out, ran.err);
        let bad = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!said.contains(bad), "{command:?}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with('y')), "{said}");
        assert!(said.contains("\\u{1b}[2J"), "{command:?}: {said}");
    }
}
