//! A reader that has seen enough, as in `holdfast --json backup | head -1`, is no failure, and stops nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::process::Stdio;

use common::*;

/// Runs it, with nobody to read what it says.
fn unread(desk: &Desk, arguments: &[&str]) -> Ran {
    let mut command = desk.command(&[&["--json"], arguments].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_job_goes_on_to_its_end_although_nobody_reads_how_far_it_is() {
    let desk = Desk::new();
    desk.import(3, 100);
    let ran = unread(&desk, &["backup"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let id = desk.backups().remove(0);
    desk.import(5, 100);
    for command in [&["verify"][..], &["restore", "--yes", &id]] {
        let ran = unread(&desk, command);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    }
    assert_eq!(desk.count(), 3);
}

#[test]
fn what_cannot_be_written_for_another_reason_is_said_and_stops_nothing() {
    let desk = Desk::new();
    desk.import(3, 100);
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut command = desk.command(&["--json", "backup"]);
    command.stdout(full.unwrap());
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(desk.backups().len(), 1);
}
