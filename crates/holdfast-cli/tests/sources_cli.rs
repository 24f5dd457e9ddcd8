//! Folders on the command line, with an engine that has them: added, backed up, looked into, compared, proven and restored.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use serde_json::Value;

/// A desk with the source `notes`.
fn with_notes() -> (Desk, std::path::PathBuf) {
    let desk = Desk::new();
    desk.import(3, 100);
    let notes = desk.path("notes");
    std::fs::create_dir_all(notes.join("deep")).unwrap();
    std::fs::write(notes.join("today.md"), "as it was\n").unwrap();
    std::fs::write(notes.join("deep/bytes"), [0, 159, 146, 150, 10]).unwrap();
    std::fs::write(notes.join("left.tmp"), "left out").unwrap();
    let added = desk
        .run(&[
            "sources",
            "add",
            notes.to_str().unwrap(),
            "--exclude",
            "*.tmp",
        ])
        .ok();
    assert!(added.ends_with(" as notes.\n"), "{added}");
    (desk, notes)
}

#[test]
fn a_folder_is_added_shown_and_removed() {
    let (desk, notes) = with_notes();
    let said = desk.run(&["sources"]).ok();
    assert!(
        said.starts_with("notes  ") && said.contains("without *.tmp"),
        "{said}"
    );
    assert_eq!(desk.json(&["sources"])["items"][0]["id"], "notes");
    let changed = ["sources", "change", "notes", "--exclude", "deep/"];
    assert_eq!(
        desk.json(&changed)["excludes"],
        serde_json::json!(["deep/"])
    );
    let backup = desk.back_up();
    let held = desk.run(&["ls", &backup, "notes"]).ok();
    assert!(
        held.contains("left.tmp") && !held.contains("deep"),
        "{held}"
    );
    desk.run(&["sources", "change", "notes", "--exclude-nothing"])
        .ok();
    assert_eq!(
        desk.json(&["sources"])["items"][0]["excludes"],
        serde_json::json!([])
    );
    desk.run(&["sources", "change", "other", "--exclude-nothing"])
        .failed(3, &["no source with this id"]);
    let said = desk.run(&["sources", "remove", "notes"]).ok();
    assert!(said.contains("stay as they are"), "{said}");
    assert!(notes.join("today.md").exists());
    desk.run(&["sources", "remove", "notes"])
        .failed(3, &["no source with this id"]);
    desk.run(&["sources", "add", desk.path("absent").to_str().unwrap()])
        .code_is_failure();
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
fn what_is_in_a_backup_is_listed_and_printed_byte_for_byte() {
    let (desk, _) = with_notes();
    let id = desk.back_up();
    let shown = desk.run(&["show", &id]).ok();
    assert!(shown.contains("source    notes: "), "{shown}");
    let root = desk.run(&["ls", &id]).ok();
    assert!(
        root.contains("notes/\n") && root.contains("library"),
        "{root}"
    );
    for path in ["notes", "notes/"] {
        let folder = desk.run(&["ls", &id, path]).ok();
        assert!(
            folder.contains("deep/\n") && folder.contains("today.md\n"),
            "{folder}"
        );
        assert!(!folder.contains("left.tmp"), "{folder}");
    }
    let items = desk.json(&["ls", &id, "library"]);
    assert_eq!(items["items"].as_array().unwrap().len(), 3);
    let printed = desk
        .command(&["cat", &id, "notes/deep/bytes"])
        .output()
        .unwrap();
    assert_eq!(printed.stdout, [0, 159, 146, 150, 10]);
    desk.run(&["cat", &id, "notes/absent"]).failed(3, &[]);
}

#[test]
fn a_list_longer_than_a_page_is_printed_whole() {
    let desk = Desk::new();
    desk.import(450, 20);
    let id = desk.back_up();
    let said = desk.run(&["ls", &id, "library"]).ok();
    assert_eq!(said.lines().count(), 450);
    let all = desk.json(&["ls", &id, "library"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 450);
}

#[test]
fn what_changed_since_a_backup_is_shown() {
    let (desk, notes) = with_notes();
    let id = desk.back_up();
    std::fs::write(notes.join("today.md"), "something else\n").unwrap();
    std::fs::write(notes.join("new.md"), "new\n").unwrap();
    let said = desk.run(&["diff", &id]).ok();
    assert!(
        said.contains("~ notes/today.md") && said.contains("+ notes/new.md"),
        "{said}"
    );
    let newer = desk.back_up();
    let said = desk
        .run(&["diff", &id, &newer, "--scope", "notes/new.md"])
        .ok();
    assert!(
        said.contains("+ notes/new.md") && !said.contains("today"),
        "{said}"
    );
    assert_eq!(
        desk.run(&["diff", &newer, &newer]).ok(),
        "Nothing differs.\n"
    );
}

#[test]
fn everything_goes_back_to_its_place_and_can_be_undone() {
    let (desk, notes) = with_notes();
    let id = desk.back_up();
    desk.import(5, 100);
    let today = notes.join("today.md");
    let read = || std::fs::read_to_string(&today).unwrap();
    std::fs::write(&today, "something else\n").unwrap();
    let line = format!(
        "{PROGRAM} --no-keychain --data-dir {} --destination {} restore {id}",
        desk.path("data").display(),
        desk.path("destination").display()
    );
    let (code, said) = desk.on_terminal(&line, "n\n");
    assert_eq!(code, 130, "{said}");
    assert!(
        said.contains("Replace the library and the folder notes with"),
        "{said}"
    );
    assert!(
        said.contains("notes: 0 added, 1 changed, 0 removed"),
        "{said}"
    );
    assert_eq!((desk.count(), read()), (5, "something else\n".into()));

    desk.run(&["restore", "--yes", &id]).ok();
    assert_eq!((desk.count(), read()), (3, "as it was\n".into()));
    desk.run(&["undo"]).ok();
    assert_eq!((desk.count(), read()), (5, "something else\n".into()));

    desk.run(&["restore", "--yes", "--only", "notes", &id]).ok();
    assert_eq!((desk.count(), read()), (5, "as it was\n".into()));
    std::fs::write(&today, "something else\n").unwrap();
    desk.run(&["restore", "--yes", "--path", "notes/today.md", &id])
        .ok();
    assert_eq!((desk.count(), read()), (5, "as it was\n".into()));

    let elsewhere = desk.path("elsewhere");
    let to = elsewhere.to_str().unwrap();
    std::fs::write(&today, "something else\n").unwrap();
    desk.run(&["restore", "--yes", "--to", to, &id]).ok();
    assert_eq!((desk.count(), read()), (5, "something else\n".into()));
    let copy = std::fs::read_to_string(elsewhere.join("notes/today.md"));
    assert_eq!(copy.unwrap(), "as it was\n");
}

#[test]
fn what_cannot_be_read_whole_is_named_and_has_its_exit_code() {
    let (desk, notes) = with_notes();
    desk.back_up();
    let incomplete = |path: &str| {
        let ran = desk.run(&["backup"]);
        assert_eq!(ran.code, 7, "{ran:?}");
        assert!(ran.out.starts_with("Backed up as "), "{ran:?}");
        let mut lines = ran.err.lines();
        assert!(
            lines.any(|line| line.trim_start().starts_with(path)),
            "{ran:?}"
        );
        let says = "1 of the files and folders could not be read whole";
        assert!(ran.err.contains(says), "{ran:?}");
        let id = desk.backups().remove(0);
        assert!(ran.err.contains(&format!("holdfast show {id}")), "{ran:?}");
        let shown = desk.run(&["show", &id]).ok();
        assert!(shown.contains("could not be read whole: 1\n"), "{shown}");
        assert!(shown.contains(path), "{shown}");
        let failed = desk.run(&["--json", "backup"]);
        assert_eq!(failed.code, 7, "{failed:?}");
        let problem: Value = serde_json::from_str(&failed.err).unwrap();
        assert_eq!(problem["error"]["code"], "unread-files");
    };
    // The folder is away, and all that was in it.
    std::fs::rename(&notes, desk.path("away")).unwrap();
    incomplete("notes  ");
    std::fs::rename(desk.path("away"), &notes).unwrap();
    desk.back_up();
}

#[test]
fn backups_are_proven_and_damage_is_a_failure_that_names_them() {
    let (desk, _) = with_notes();
    let id = desk.back_up();
    for (arguments, says) in [
        (&["verify"][..], "all that they need is there"),
        (&["verify", "--full"], "all is as it was stored"),
        (&["verify", &id, "--rehearse"], "all is as it was"),
    ] {
        let said = desk.run(arguments).ok();
        assert!(said.contains("1 backup") && said.contains(says), "{said}");
    }
    let steps = desk.run(&["--json", "verify", "--full"]).ok();
    let last: Value = serde_json::from_str(steps.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["state"], &last["report"]["backups"]),
        (&"completed".into(), &1.into())
    );
    for folder in std::fs::read_dir(desk.path("destination/files/data")).unwrap() {
        for pack in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let pack = pack.unwrap().path();
            let mut bytes = std::fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(pack, bytes).unwrap();
        }
    }
    let ran = desk.run(&["verify", "--full"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.err.contains(&id) && ran.err.contains("damaged"),
        "{ran:?}"
    );
}
