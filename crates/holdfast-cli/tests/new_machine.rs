//! A new machine: a destination and the key that was exported are enough, and a key is stored only where it is proven.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::*;

/// A desk with backups, and its key as it was printed.
struct Old {
    desk: Desk,
    backup: String,
    key: String,
}

fn old() -> Old {
    let desk = Desk::new();
    desk.import(50, 2_000);
    let backup = desk.back_up();
    let printed = desk.run(&["key", "export", "--yes"]).ok();
    let key = desk.file("password", &printed);
    Old { desk, backup, key }
}

impl Old {
    /// A desk without anything, but with a copy of the old one's destination.
    fn new_machine(&self) -> Desk {
        let new = Desk::new();
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .args([self.desk.path("destination"), new.path("destination")])
            .status();
        assert!(copied.unwrap().success());
        new
    }
}

/// Whatever could be a key in the data folder.
fn keys(desk: &Desk) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(desk.path("data")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_key = |path: &PathBuf| path.file_stem().is_some_and(|name| name == "key");
    paths.filter(is_key).collect()
}

/// The library of the newest backup, as plain restic reads it with the exported key.
fn as_restic_reads_it(old: &Old) -> Vec<u8> {
    let mut restic = old.desk.any("restic");
    restic.args(["--no-cache", "--password-file", &old.key, "--repo"]);
    restic.arg(old.desk.path("destination/databases"));
    restic.args(["dump", "latest", "/library.db"]);
    let read = restic.output().unwrap();
    assert!(read.status.success(), "{read:?}");
    read.stdout
}

fn import_from(file: &str) -> [&str; 4] {
    ["key", "import", "--key-file", file]
}

#[test]
fn the_exported_key_opens_the_backups_on_a_new_machine_and_they_restore_identically() {
    let old = old();
    let new = old.new_machine();
    new.run(&["list"]).failed(5, &["locked", "import the key"]);
    let said = new.run(&import_from(&old.key));
    assert!(
        said.err.contains("there is no keychain"),
        "it is not protected: {said:?}"
    );
    assert!(said.ok().contains("opens the destination and is stored"));
    let [key] = &keys(&new)[..] else {
        panic!("{:?}", keys(&new))
    };
    assert_eq!(key, &new.path("data/key.txt"));
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );

    assert_eq!(new.backups(), [old.backup.as_str()]);
    new.run(&["restore", "--yes", &old.backup]).ok();
    let restored = fs::read(new.path("data/library/library.db")).unwrap();
    assert!(restored == as_restic_reads_it(&old), "not the very bytes");
    assert_eq!(new.count(), 50);
    new.back_up();
    assert_eq!(new.backups().len(), 2, "and it goes on from there");
}

#[test]
fn a_folder_that_is_not_protected_here_is_named_and_not_passed_over_in_silence() {
    let mut old = old();
    let notes = old.desk.path("notes");
    fs::create_dir(&notes).unwrap();
    fs::write(notes.join("a.txt"), "one").unwrap();
    let path = notes.to_str().unwrap();
    old.desk.run(&["sources", "add", path]).ok();
    old.backup = old.desk.back_up();
    let new = old.new_machine();
    new.run(&import_from(&old.key)).ok();
    let restored = new.run(&["restore", "--yes", &old.backup]);
    assert_eq!(restored.code, 7, "{restored:?}");
    assert!(restored.out.contains("Restored"), "{restored:?}");
    assert!(restored.err.contains("Left out: notes."), "{restored:?}");
    assert_eq!(new.count(), 50);

    let other = new.path("elsewhere/notes");
    fs::create_dir_all(&other).unwrap();
    new.run(&["sources", "add", other.to_str().unwrap()]).ok();
    let asked = new.run(&["restore", "--only", "notes", &old.backup]);
    assert!(asked.err.contains("elsewhere/notes)"), "{asked:?}");
    new.run(&["restore", "--yes", &old.backup]).ok();
    assert_eq!(fs::read(other.join("a.txt")).unwrap(), b"one");
}

#[test]
fn a_key_from_standard_input_is_kept_with_a_passphrase_where_one_is_given() {
    let old = old();
    let new = old.new_machine();
    let passphrase = new.file("passphrase", "correct horse");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let with = ["--passphrase-file", passphrase.as_str()];
    let piped = fs::File::open(&old.key).unwrap();
    let mut import = new.command(&[&with[..], &["--json"], &import_from("-")].concat());
    let said = Ran::from(import.stdin(piped).output().unwrap());
    assert_eq!((said.err.as_str(), said.code), ("", 0), "{said:?}");
    assert_eq!(said.out, "{\"imported\":\"key\"}\n");
    assert_eq!(keys(&new), [new.path("data/key.age")]);
    new.run(&["list"]).failed(5, &["locked"]);
    let listed = new.run(&[&with[..], &["list"]].concat()).ok();
    assert!(listed.contains(&old.backup), "{listed}");
}

#[test]
fn a_key_that_does_not_open_the_destination_is_refused_and_nothing_is_stored() {
    let old = old();
    let new = old.new_machine();
    let right = fs::read_to_string(&old.key).unwrap();
    let almost = right
        .trim()
        .replace(|c: char| c == right.chars().next().unwrap(), "e");
    for wrong in [
        "0".repeat(64),
        right[1..].to_owned(),
        almost + "f",
        "correct horse".into(),
    ] {
        let file = new.file("wrong", &wrong);
        let ran = new.run(&import_from(&file));
        ran.failed(5, &["does not open the destination", "Nothing was stored"]);
        assert!(!ran.err.contains(&wrong), "the key is in {ran:?}");
    }
    assert_eq!(keys(&new), [] as [PathBuf; 0]);
    new.run(&import_from(&old.key)).ok();
    assert_eq!(
        new.backups(),
        [old.backup.as_str()],
        "nothing of them is in the way"
    );
}

#[test]
fn a_file_that_holds_no_key_is_named_and_a_destination_that_is_none_is_not_set_up() {
    let (old, new) = (old(), Desk::new());
    for nothing in ["", "\n \n", "two\nlines\n", &"k".repeat(5_000)] {
        let file = new.file("nothing", nothing);
        new.run(&import_from(&file))
            .failed(1, &["nothing", "holds no key", "key export"]);
    }
    new.run(&import_from("/nowhere"))
        .failed(3, &["/nowhere", "cannot be read"]);
    assert_eq!(new.run(&["key", "import"]).code, 2);
    new.run(&import_from(&old.key))
        .failed(5, &["destination", "Connect the disk"]);
    assert!(!new.path("destination").exists());
    assert_eq!(keys(&new), [] as [PathBuf; 0]);
}

#[test]
fn a_data_folder_that_has_a_key_or_is_in_use_keeps_what_it_has() {
    let (old, other) = (old(), old());
    let key = other.desk.path("data/key.txt");
    let before = fs::read(&key).unwrap();
    for file in [&old.key, &other.key] {
        let ran = other.desk.run(&import_from(file));
        ran.failed(1, &["has a key already", "new data folder"]);
        assert_eq!(fs::read(&key).unwrap(), before);
    }
    assert_eq!(other.desk.backups(), [other.backup.as_str()]);

    let new = old.new_machine();
    let _serving = new.serve(&[]);
    new.run(&import_from(&old.key)).failed(4, &["in use"]);
    assert_eq!(keys(&new), [] as [PathBuf; 0]);
}
