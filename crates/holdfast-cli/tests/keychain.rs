//! The key in a real keychain: a Secret Service on a bus of its own, with nothing of the user's desktop.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// Unlocks a new keychain, and runs what follows with it.
const WITH_KEYCHAIN: &str = r#"
printf keychain | gnome-keyring-daemon --unlock --components=secrets > /dev/null
exec "$@"
"#;

fn private(folder: &Path) -> &Path {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// Runs a shell script in which `holdfast` is the program on folders of its own, on a bus with a keychain or without.
fn run(home: &Path, keychain: bool, script: &str) -> Output {
    let holdfast = format!(
        r#"holdfast() {{ "{}" --data-dir "$HOME/data" --destination "$HOME/backups" "$@"; }}
           set -e; {script}"#,
        env!("CARGO_BIN_EXE_holdfast")
    );
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c"]);
    if keychain {
        command.args([WITH_KEYCHAIN, "sh", "sh", "-c"]);
    }
    command
        .arg(holdfast)
        .env("HOME", private(home))
        .env("XDG_DATA_HOME", private(&home.join("share")))
        .env("XDG_RUNTIME_DIR", private(&home.join("run")))
        .env_remove("HOLDFAST_NO_KEYCHAIN")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{both:?}");
    both.concat()
}

#[test]
fn the_key_is_kept_in_the_keychain_and_found_there_again() {
    let home = tempfile::tempdir().unwrap();
    let script = "holdfast backup; holdfast list; holdfast status; holdfast key export --yes";
    let text = said(&run(home.path(), true, script));
    assert!(text.contains("in the keychain"), "{text}");
    let data = home.path().join("data");
    assert!(data.join("key.json").exists());
    assert!(!data.join("key.txt").exists() && !data.join("key.age").exists());
    let key = text.lines().find(|line| line.len() == 64).unwrap();
    for entry in fs::read_dir(&data).unwrap() {
        let file = entry.unwrap().path();
        let content = fs::read(&file).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&content).contains(key),
            "{} holds the key",
            file.display()
        );
    }

    // Without the keychain the destination is locked, and no other key is made.
    let locked = run(home.path(), false, "holdfast backup");
    assert!(!locked.status.success());
    assert!(String::from_utf8_lossy(&locked.stderr).contains("keychain"));
    assert!(!data.join("key.txt").exists());
}

#[test]
fn a_key_that_was_unprotected_moves_into_the_keychain_once_there_is_one() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    said(&run(home.path(), false, "holdfast backup"));
    assert!(data.join("key.txt").exists());
    let text = said(&run(
        home.path(),
        true,
        "holdfast backup; holdfast list; holdfast status",
    ));
    assert!(text.contains("in the keychain"), "{text}");
    assert!(!data.join("key.txt").exists() && data.join("key.json").exists());
}
