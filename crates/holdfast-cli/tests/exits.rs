//! How commands end badly: the exit code that `--help` names, one line that says the way out, and nothing changed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::*;

const NOWHERE: &str = "0.1.0_20200102T030405678Z";

#[test]
fn the_help_names_every_exit_code_that_these_tests_expect() {
    let help = Desk::new().run(&["--help"]).ok();
    for line in [
        "0 done",
        "1 failed",
        "2 wrong usage",
        "3 not found",
        "4 another job runs",
        "5 locked or not reachable",
        "6 written by a newer version",
        "7 done, but not all: some files not read, or folders left out",
        "130 cancelled",
    ] {
        assert!(help.contains(line), "{line} is not in {help}");
    }
}

#[test]
fn a_backup_that_is_not_there_is_not_found() {
    let desk = Desk::new();
    desk.import(3, 100);
    desk.back_up();
    for id in [NOWHERE, "nonsense", "../../etc", "..", "", "%00"] {
        for command in [
            vec!["show"],
            vec!["restore", "--yes"],
            vec!["delete", "--yes"],
        ] {
            let ran = desk.run(&[&command[..], &["--", id]].concat());
            ran.failed(3, &["no backup with this id", "list"]);
        }
        assert_eq!(desk.run(&["cancel", "--", id]).code, 3, "{id}");
    }
    desk.run(&["cancel", NOWHERE])
        .failed(3, &["in progress", "status"]);
    desk.run(&["undo"]).failed(3, &["no restore to undo"]);
    assert_eq!((desk.backups().len(), desk.count()), (1, 3));
}

#[test]
fn a_service_that_does_not_answer_is_not_reachable() {
    let desk = Desk::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for command in [
        vec!["list"],
        vec!["backup"],
        vec!["restore", "--yes", NOWHERE],
        vec!["status"],
    ] {
        let ran = desk.run(&[&["--address", &address], &command[..]].concat());
        ran.failed(5, &["cannot be reached", "Check that it runs"]);
    }
    desk.run(&["--address", "https://localhost", "list"])
        .failed(1, &["http://127.0.0.1:1000"]);
}

#[test]
fn a_service_that_refuses_says_how_to_be_let_in() {
    let (desk, stranger) = (Desk::new(), Desk::new());
    let serving = desk.serve(&[]);
    let address = serving.address();
    stranger
        .run(&["--address", &address, "list"])
        .failed(1, &["--allow-clients"]);
    drop(serving);
    let serving = desk.serve(&["--allow-clients"]);
    desk.import(3, 100);
    let id = desk.back_up();
    let address = serving.address();
    stranger.run(&["--address", &address, "list"]).ok();
    for command in ["restore", "delete"] {
        let ran = stranger.run(&["--address", &address, command, "--yes", &id]);
        ran.failed(1, &["--unattended"]);
    }
    assert_eq!(desk.backups(), [id]);
}

#[test]
fn a_file_that_cannot_be_imported_is_named_and_nothing_of_it_is_taken() {
    let desk = Desk::new();
    let absent = desk.path("absent.json");
    desk.run(&["import", absent.to_str().unwrap()])
        .failed(3, &["absent.json", "JSON file"]);
    let folder = desk.home();
    desk.run(&["import", folder.to_str().unwrap()])
        .failed(1, &["home", "Correct it"]);
    for (text, words) in [
        ("", &["bad.json", "line 1"][..]),
        ("nonsense", &["bad.json", "line 1"]),
        ("[]", &["bad.json", "an asset, or a list of assets"]),
        ("{\"iterable\":[{]}", &["bad.json", "line 1 column 15"]),
        ("{\"iterable\":[{}]}", &["missing field"]),
        ("{\"id\":\"a\"}", &["missing field"]),
        ("{\"iterable\":[]} trailing", &["bad.json", "trailing"]),
    ] {
        let file = desk.file("bad.json", text);
        desk.run(&["import", &file]).failed(1, words);
    }
    assert_eq!(desk.count(), 0);
}

#[test]
fn a_passphrase_file_that_others_may_read_is_refused() {
    let desk = Desk::new();
    let file = desk.file("passphrase", "correct horse");
    for mode in [0o644, 0o640, 0o604, 0o620] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        for command in [
            vec!["backup"],
            vec!["serve", "--listen", "127.0.0.1:0"],
            vec!["key", "export", "--yes"],
        ] {
            let ran = desk.run(&[&["--passphrase-file", &file], &command[..]].concat());
            ran.failed(2, &["passphrase", "chmod 600"]);
            assert!(!ran.err.contains("correct horse"));
        }
    }
    let empty = desk.file("empty", "\n");
    std::fs::set_permissions(&empty, std::fs::Permissions::from_mode(0o600)).unwrap();
    desk.run(&["--passphrase-file", &empty, "backup"])
        .failed(2, &["is empty"]);
    desk.run(&["--passphrase-file", "/nowhere", "backup"])
        .failed(2, &["/nowhere", "cannot be read"]);
    assert!(!desk.path("destination").exists());
}

#[test]
fn wrong_usage_is_said_and_does_nothing() {
    let desk = Desk::new();
    for arguments in [
        &[][..],
        &["burn"],
        &["restore"],
        &["serve", "--unattended"],
        &["serve", "--listen", "nowhere"],
        &["--address", "no url", "list"],
        &["key"],
    ] {
        let ran = desk.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(
            ran.err.contains("Usage: holdfast") || ran.err.contains("--help"),
            "{ran:?}"
        );
    }
    let wide = desk.run(&["serve", "--listen", "0.0.0.0:0"]);
    wide.failed(1, &["127.0.0.1", "--listen"]);
}

#[test]
fn without_a_terminal_only_yes_is_a_yes() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    desk.import(5, 100);
    for command in [
        vec!["restore", &id],
        vec!["delete", &id],
        vec!["key", "export"],
    ] {
        let answer = desk.file("answer", "y\nyes\n");
        let pipe = std::fs::File::open(answer).unwrap();
        let ran = Ran::from(desk.command(&command).stdin(pipe).output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        let last = ran.err.lines().last().unwrap();
        assert!(
            last.contains("Nothing was changed.") && last.contains("--yes"),
            "{ran:?}"
        );
    }
    assert_eq!((desk.backups(), desk.count()), (vec![id], 5));
}

#[test]
fn on_a_terminal_only_a_clear_yes_is_a_yes() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    desk.import(5, 100);
    let line = format!(
        "{PROGRAM} --no-keychain --data-dir {} --destination {} restore {id}",
        desk.path("data").display(),
        desk.path("destination").display()
    );
    for no in ["n\n", "\n", "ye\n", "no\n"] {
        let (code, said) = desk.on_terminal(&line, no);
        assert_eq!(code, 130, "{no:?}: {said}");
        assert!(
            said.contains("[y/N]") && said.contains("Nothing was changed."),
            "{said}"
        );
        assert!(
            said.contains("The backup holds 3 items, the library 5."),
            "{said}"
        );
        assert_eq!(desk.count(), 5, "{no:?}");
    }
    let (code, said) = desk.on_terminal(&line, "y\n");
    assert_eq!(code, 0, "{said}");
    assert_eq!(desk.count(), 3);
}

#[test]
fn a_destination_that_is_gone_locked_or_newer_has_its_exit_code() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    let (note, here, away) = (
        desk.path("destination/holdfast.json"),
        desk.path("destination"),
        desk.path("away"),
    );
    let commands = [
        vec!["backup"],
        vec!["list"],
        vec!["show", &id],
        vec!["restore", "--yes", &id],
    ];
    let all = |code, words: &[&str]| {
        for command in &commands {
            desk.run(command).failed(code, words);
        }
    };
    std::fs::rename(&here, &away).unwrap();
    for command in [&commands[0], &commands[3]] {
        desk.run(command)
            .failed(5, &["not connected", "Connect the disk"]);
    }
    // What there is can be seen as it was at the last look.
    for command in [&commands[1], &commands[2]] {
        assert!(desk.run(command).ok().contains(&id), "{command:?}");
    }
    assert!(desk.run(&["status"]).ok().contains("not connected"));
    std::fs::rename(&away, &here).unwrap();
    let ours = std::fs::read(&note).unwrap();
    std::fs::write(&note, "{\"layout\":9}").unwrap();
    all(6, &["newer version", "Update Holdfast"]);
    std::fs::write(&note, ours).unwrap();
    std::fs::write(desk.path("data/key.txt"), "0".repeat(64)).unwrap();
    all(5, &["locked", "key"]);
    assert!(
        desk.run(&["status"]).ok().contains("locked"),
        "how things are can always be seen"
    );
}

#[test]
fn a_failure_of_a_service_of_ones_own_is_one_line_too() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    let data = desk.path("destination/databases/data");
    for folder in std::fs::read_dir(&data).unwrap() {
        for pack in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let pack = pack.unwrap().path();
            let mut bytes = std::fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(pack, bytes).unwrap();
        }
    }
    desk.run(&["restore", "--yes", &id])
        .failed(1, &["damaged", &id, "Restore another backup"]);
    assert_eq!(desk.count(), 3);
}

#[test]
fn a_service_that_already_runs_is_not_started_twice() {
    let desk = Desk::new();
    let _serving = desk.serve(&[]);
    let second = desk.run(&["serve", "--listen", "127.0.0.1:0"]);
    second.failed(4, &["in use"]);
}
