//! Sources, contents, verifications and chosen restores on the command line: what is wrong usage, what is not found, and how
//! it is said.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use serde_json::json;

const NOWHERE: &str = "0.1.0_20200102T030405678Z";

#[test]
fn the_help_teaches_what_can_be_chosen() {
    let desk = Desk::new();
    for (command, words) in [
        ("sources", &["list", "add", "remove"][..]),
        ("restore", &["--only", "--path", "--to", "--yes"]),
        ("verify", &["--quick", "--full", "--rehearse", "[default]"]),
        ("ls", &["library"]),
        ("cat", &["byte for byte"]),
        ("diff", &["--scope", "now"]),
    ] {
        let help = desk.run(&[command, "--help"]).ok();
        for word in words {
            assert!(help.contains(word), "{word} is not in {help}");
        }
    }
    let help = desk.run(&["--help"]).ok();
    assert!(
        help.contains("7 done, but not all: some files not read, or folders left out"),
        "{help}"
    );
}

#[test]
fn what_contradicts_itself_is_wrong_usage() {
    let desk = Desk::new();
    for arguments in [
        &["restore", NOWHERE, "--only", "library", "--path", "notes/a"][..],
        &["restore", "--to", "x"],
        &["verify", "--quick", "--full"],
        &["verify", "--full", "--rehearse"],
        &["sources", "add"],
        &["sources", "remove"],
        &["sources", "burn"],
        &["cat", NOWHERE],
        &["diff"],
    ] {
        let ran = desk.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("Usage: holdfast"), "{ran:?}");
    }
    assert!(!desk.path("data").exists(), "something was done");
}

#[test]
fn a_backup_that_is_not_there_cannot_be_looked_into_proven_or_compared() {
    let desk = Desk::new();
    desk.import(3, 100);
    desk.back_up();
    for id in [NOWHERE, "nonsense", "../../etc"] {
        for command in [
            &["ls", id][..],
            &["cat", id, "library.db"],
            &["diff", id],
            &["diff", id, id],
            &["verify", id],
            &["restore", "--yes", "--only", "library", id],
        ] {
            desk.run(command).failed(3, &["no backup with this id"]);
        }
    }
    desk.run(&["sources", "remove", "absent"]).code_is_failure();
    desk.run(&["sources", "remove", "../etc"])
        .failed(3, &["no source with this id"]);
}

trait Fails {
    fn code_is_failure(self);
}

impl Fails for Ran {
    fn code_is_failure(self) {
        assert!(self.code != 0 && self.out.is_empty(), "{self:?}");
    }
}

#[test]
fn a_path_that_leads_out_of_a_backup_is_refused() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    for path in ["../etc/passwd", "/etc/passwd", "notes/../..", "a//b"] {
        for command in [
            &["ls", &id, path][..],
            &["cat", &id, path],
            &["diff", &id, "--scope", path],
            &["restore", &id, "--yes", "--path", path],
        ] {
            desk.run(command).failed(1, &["no path in a backup"]);
        }
    }
    assert_eq!(desk.count(), 3);
}

#[test]
fn lists_without_anything_in_them_are_lists_for_scripts_too() {
    let desk = Desk::new();
    desk.import(3, 100);
    desk.back_up();
    let said = desk.run(&["sources"]).ok();
    assert!(said.contains("holdfast sources add"), "{said}");
    assert_eq!(desk.json(&["sources"]), json!({"items": []}));
    assert_eq!(desk.json(&["sources", "list"]), json!({"items": []}));
    let id = desk.backups().remove(0);
    assert_eq!(desk.json(&["diff", &id, &id]), json!({"items": []}));
    assert_eq!(desk.run(&["diff", &id, &id]).ok(), "Nothing differs.\n");
}

#[test]
fn a_restore_of_the_library_alone_goes_through_a_job_and_says_so_to_scripts() {
    let desk = Desk::new();
    desk.import(3, 100);
    let id = desk.back_up();
    desk.import(5, 100);
    let steps = desk
        .run(&["--json", "restore", "--yes", "--only", "library", &id])
        .ok();
    let last: serde_json::Value = serde_json::from_str(steps.lines().last().unwrap()).unwrap();
    assert_eq!(last["status"], "COMPLETED");
    assert_eq!(last["backup"]["id"], id.as_str());
    assert_eq!(last["job"]["restores"]["what"], "library");
    assert_eq!(desk.count(), 3);
    desk.run(&["undo"]).ok();
    assert_eq!(desk.count(), 5);
}

#[test]
fn a_service_that_only_lets_others_in_restores_the_library_and_refuses_a_choice() {
    let (desk, stranger) = (Desk::new(), Desk::new());
    let serving = desk.serve(&["--allow-clients", "--unattended"]);
    desk.import(3, 100);
    let id = desk.back_up();
    desk.import(5, 100);
    let address = serving.address();
    let with = |more: &[&str]| {
        let restore = ["--address", &address, "restore", "--yes", &id];
        stranger.run(&[&restore[..], more].concat())
    };
    for choice in [
        &["--only", "notes"][..],
        &["--path", "notes/a"],
        &["--to", "x"],
    ] {
        with(choice).failed(1, &["the library", "Nothing was changed.", "Leave out"]);
    }
    assert_eq!(desk.count(), 5);
    let said = with(&[]).ok();
    assert!(
        said.starts_with(&format!("Restored the library of {id}.")),
        "{said}"
    );
    assert_eq!(desk.count(), 3);
    let added = stranger.run(&["--address", &address, "sources", "add", "/etc"]);
    added.failed(1, &["may not choose folders"]);
}
