//! Commands that meet in the service that one of them brought: none ends what another one does, and none fails because
//! another one begins or ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;

/// Large enough for a backup to run on while another command ends.
const LARGE: (u64, usize) = (1_500, 16_000);
/// More than a pipe and the connection to the service take in.
const LONG: usize = 64 * 1024 * 1024;

/// A command that keeps its service until its output is read.
fn kept(desk: &Desk) -> Running {
    std::fs::create_dir(desk.path("notes")).unwrap();
    desk.file("notes/long.txt", &"a line\n".repeat(LONG / 7));
    let notes = desk.path("notes");
    desk.run(&["sources", "add", notes.to_str().unwrap()]).ok();
    let id = desk.back_up();
    desk.import(LARGE.0, LARGE.1);
    let mut reading = desk.start(&["cat", &id, "notes/long.txt"]);
    assert_eq!(reading.line(), "a line");
    reading
}

#[test]
fn a_command_that_ends_leaves_the_backup_of_another_one_in_its_service_alone() {
    let desk = Desk::new();
    let reading = kept(&desk);
    let mut backup = desk.start(&["--json", "backup"]);
    assert!(backup.line().contains("\"backup\""));
    let read = reading.end();
    assert_eq!(read.code, 0, "{}", read.err);
    let ended = backup.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!desk.path("data/service.json").exists());
    assert_eq!(desk.backups().len(), 2);
}

#[test]
fn commands_that_come_at_the_same_time_do_not_fail_each_other() {
    let desk = Desk::new();
    desk.import(3, 100);
    desk.back_up();
    for _ in 0..5 {
        let all: Vec<Running> = (0..6).map(|_| desk.start(&["list"])).collect();
        for one in all {
            let ran = one.end();
            assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        }
    }
}
