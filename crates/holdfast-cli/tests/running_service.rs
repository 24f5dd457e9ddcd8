//! A command beside a service that runs: it uses that one, and says so where it was asked for something else.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::*;

/// The program on the data folder of this desk, with nothing said of a destination.
fn on(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.any(PROGRAM);
    command.arg("--data-dir").arg(desk.path("data"));
    command.arg("--no-keychain").args(arguments);
    command
}

fn run(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

fn private(desk: &Desk, name: &str, text: &str) -> String {
    let file = desk.file(name, text);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn another_destination_than_the_one_of_the_service_is_refused() {
    let desk = Desk::new();
    let _serving = desk.serve(&[]);
    desk.import(3, 100);
    let id = desk.back_up();
    let other = desk.path("other");
    let words = ["other", "destination", "Nothing was done"];
    let mut said = on(&desk, &["list"]);
    run({
        said.arg("--destination").arg(&other);
        said
    })
    .failed(2, &words);
    let mut set = on(&desk, &["delete", "--yes", &id]);
    set.env("HOLDFAST_DESTINATION", &other);
    run(set).failed(2, &words);
    std::os::unix::fs::symlink(desk.path("destination"), desk.path("link")).unwrap();
    for same in ["destination", "link", "data/../destination/"] {
        let mut command = on(&desk, &["list"]);
        command.arg("--destination").arg(desk.path(same));
        assert!(run(command).ok().contains(&id), "{same}");
    }
    assert!(run(on(&desk, &["list"])).ok().contains(&id));
}

#[test]
fn a_deleted_backup_is_put_back_while_the_service_runs() {
    let desk = Desk::new();
    let _serving = desk.serve(&[]);
    desk.import(3, 100);
    let id = desk.back_up();
    desk.run(&["delete", "--yes", &id]).ok();
    assert!(!desk.run(&["list"]).ok().contains(&id));
    assert!(desk.run(&["undelete", &id]).ok().contains("is back"));
    assert!(desk.run(&["list"]).ok().contains(&id));
    desk.run(&["undelete", &id])
        .failed(3, &["was not deleted since the service started"]);
}

#[test]
fn a_passphrase_protects_and_opens_the_key_of_a_service_that_runs() {
    let desk = Desk::new();
    let right = private(&desk, "right", "correct horse\n");
    let wrong = private(&desk, "wrong", "battery staple\n");
    let serving = desk.serve(&[]);
    desk.import(3, 100);
    let id = desk.back_up();
    assert_eq!(desk.json(&["status"])["key"], "unprotected");
    desk.run(&["--passphrase-file", &right, "list"]).ok();
    assert_eq!(desk.json(&["status"])["key"], "passphrase");
    assert!(!desk.path("data/key.txt").exists());
    serving.running.signal("TERM");
    assert_eq!(serving.running.end().code, 0);

    let _serving = desk.serve(&[]);
    desk.run(&["restore", "--yes", &id]).failed(5, &["locked"]);
    desk.run(&["--passphrase-file", &wrong, "list"])
        .failed(5, &["passphrase"]);
    desk.run(&["--passphrase-file", &right, "restore", "--yes", &id])
        .ok();
}

#[test]
fn a_passphrase_protects_the_first_key_that_a_service_makes() {
    let desk = Desk::new();
    let right = private(&desk, "right", "correct horse\n");
    let _serving = desk.serve(&[]);
    desk.run(&["--passphrase-file", &right, "backup"]).ok();
    assert_eq!(desk.json(&["status"])["key"], "passphrase");
}
