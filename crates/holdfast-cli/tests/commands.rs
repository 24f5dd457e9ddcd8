//! Every command, as it goes when all is well: with a service of its own, and against one that runs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use serde_json::Value;

/// From an empty library to a restore that was undone.
fn the_whole_story(desk: &Desk) {
    assert_eq!(
        desk.run(&["list"]).ok(),
        "There are no backups yet. Make one with: holdfast backup\n"
    );
    let document = desk.document(30, 200);
    assert_eq!(
        desk.run(&["import", &document]).ok(),
        "Imported 30 items.\n"
    );
    let first = desk.back_up();
    assert_eq!(desk.backups(), std::slice::from_ref(&first));
    let shown = desk.run(&["show", &first]).ok();
    assert!(
        shown.starts_with(&format!("{first}\n")) && shown.contains("items     30\n"),
        "{shown}"
    );

    desk.import(40, 200);
    let restored = desk.run(&["restore", "--yes", &first]).ok();
    assert_eq!(
        restored,
        format!("Restored {first}. Bring back what it replaced with: holdfast undo\n")
    );
    assert_eq!(desk.count(), 30);
    let status = desk.run(&["status"]).ok();
    assert!(
        status.contains("undo         brings back 40 items"),
        "{status}"
    );
    assert_eq!(
        desk.run(&["undo"]).ok(),
        "What the restore had replaced is back.\n"
    );
    assert_eq!(desk.count(), 40);

    let second = desk.back_up();
    assert_eq!(
        desk.backups(),
        [second.clone(), first.clone()],
        "newest first"
    );
    let listed = desk.run(&["list"]).ok();
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with(&second) && lines[1].starts_with(&first));
    assert_eq!(
        desk.run(&["delete", "-y", &first]).ok(),
        format!("Deleted {first}.\n")
    );
    assert_eq!(desk.backups(), [second]);
    let key = desk.run(&["key", "export", "--yes"]).ok();
    assert!(key.trim().len() == 64 && key.trim().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_library_is_imported_backed_up_restored_and_undone_with_a_service_for_each_command() {
    let desk = Desk::new();
    the_whole_story(&desk);
    assert!(
        !desk.path("data/service.json").exists(),
        "a service stayed behind"
    );
}

#[test]
fn a_library_is_imported_backed_up_restored_and_undone_against_a_running_service() {
    let desk = Desk::new();
    let serving = desk.serve(&[]);
    the_whole_story(&desk);
    serving.running.signal("TERM");
    let ended = serving.running.end();
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{ended:?}");
    assert!(!desk.path("data/service.json").exists());
}

#[test]
fn a_service_at_an_address_is_used_whatever_the_folders() {
    let (desk, other) = (Desk::new(), Desk::new());
    let serving = desk.serve(&["--allow-clients", "--unattended"]);
    let address = serving.address();
    let document = desk.document(5, 100);
    other
        .run(&["--address", &address, "import", &document])
        .ok();
    other.run(&["--address", &address, "backup"]).ok();
    assert_eq!(desk.backups().len(), 1);
    assert!(!other.path("data").exists(), "a library nobody asked for");
}

#[test]
fn json_is_printed_for_scripts_by_every_command() {
    let desk = Desk::new();
    let document = desk.document(30, 200);
    assert_eq!(
        desk.json(&["import", &document]),
        serde_json::json!({"imported": 30})
    );
    let steps = desk.run(&["--json", "backup"]).ok();
    let steps: Vec<Value> = steps
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (first, last) = (&steps[0], steps.last().unwrap());
    assert_eq!(last["status"], "COMPLETED");
    assert_eq!(
        (&first["backup"]["id"], &last["percentage"]),
        (&last["backup"]["id"], &100.0.into())
    );
    let id = last["backup"]["id"].as_str().unwrap();
    assert_eq!(desk.json(&["list"])["iterable"][0]["id"], id);
    assert_eq!(desk.json(&["show", id])["id"], id);
    let steps = desk.run(&["--json", "restore", "--yes", id]).ok();
    let last: Value = serde_json::from_str(steps.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["status"], &last["backup"]["id"]),
        (&"COMPLETED".into(), &id.into())
    );
    assert_eq!(desk.json(&["undo"])["state"], "completed");
    assert_eq!(desk.json(&["status"])["backups"], 1);
    assert_eq!(
        desk.json(&["key", "export", "--yes"])["password"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    assert_eq!(desk.json(&["delete", "--yes", id])["deleted"], id);
    let failed = desk.run(&["--json", "show", id]);
    assert_eq!((failed.code, failed.out.as_str()), (3, ""));
    let problem: Value = serde_json::from_str(&failed.err).unwrap();
    assert_eq!(problem["error"]["code"], "unknown-backup");
}

#[test]
fn a_document_comes_from_a_pipe_and_may_be_one_asset_or_many() {
    let desk = Desk::new();
    let document: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.document(3, 100)).unwrap()).unwrap();
    let one = desk.file("one.json", &document["iterable"][0].to_string());
    assert_eq!(desk.run(&["import", &one]).ok(), "Imported 1 item.\n");
    let many = std::fs::File::open(desk.path("assets.json")).unwrap();
    let ran = desk.command(&["import", "-"]).stdin(many).output().unwrap();
    assert_eq!(Ran::from(ran).ok(), "Imported 3 items.\n");
    assert_eq!(desk.count(), 3);
}

#[test]
fn the_first_backup_says_that_its_key_is_not_protected() {
    let desk = Desk::new();
    desk.import(3, 100);
    let first = desk.run(&["backup"]);
    assert!(first.err.contains("no passphrase"), "{first:?}");
    let second = desk.run(&["backup"]);
    assert_eq!((second.code, second.err.as_str()), (0, ""), "{second:?}");
    let status = desk.run(&["status"]).ok();
    assert!(
        status.contains("The key is not protected: set a passphrase"),
        "{status}"
    );
}

#[test]
fn the_key_is_protected_with_a_passphrase_from_a_private_file() {
    let desk = Desk::new();
    let file = desk.file("passphrase", "correct horse\n");
    set_mode(&file, 0o600);
    let with = |arguments: &[&str]| desk.run(&[&["--passphrase-file", &file], arguments].concat());
    desk.import(3, 100);
    with(&["backup"]).ok();
    assert!(
        with(&["status"])
            .ok()
            .contains("protected with a passphrase")
    );
    assert_eq!(with(&["key", "export", "--yes"]).ok().trim().len(), 64);
    desk.run(&["backup"]).failed(5, &["locked", "passphrase"]);
    desk.run(&["key", "export", "--yes"])
        .failed(5, &["passphrase"]);
}

fn set_mode(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::new();
    desk.import(3, 100);
    let mut list = desk.command(&["list"]);
    // A pipe whose reader is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = Ran::from(
        list.stdout(writer)
            .stderr(std::process::Stdio::piped())
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn undo_is_offered_only_where_that_restore_replaced_something() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("notes")).unwrap();
    let note = desk.file("notes/today.md", "then");
    desk.run(&["sources", "add", desk.path("notes").to_str().unwrap()])
        .ok();
    let id = desk.back_up();
    desk.file("notes/today.md", "now");
    let restore = ["restore", "--yes", "--only", "notes", &id];
    assert!(desk.run(&restore).ok().contains("holdfast undo"));
    let again = desk.run(&restore).ok();
    assert!(!again.contains("undo"), "{again}");
    assert!(
        desk.run(&["status"])
            .ok()
            .contains("brings back notes from")
    );
    desk.run(&["undo"]).ok();
    assert_eq!(std::fs::read_to_string(note).unwrap(), "now");
}
