//! Nobody is locked in: plain restic checks and restores what this engine wrote. Needs `restic` on the path.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use backup_engine::{Secret, export_key};
use common::*;

fn restic(repository: &Path, key: &Secret, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, key.reveal()).unwrap();
    let output = Command::new("restic")
        .args(["--no-cache", "--repo"])
        .arg(repository)
        .arg("--password-file")
        .arg(&password)
        .args(arguments)
        .output()
        .expect("restic is needed for this test: cargo xtask setup installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "restic {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn plain_restic_finds_no_fault_and_restores_the_very_bytes() {
    let home = Home::new();
    {
        let engine = home.open();
        fill(&engine, 800, 2_500);
        let first = back_up(&engine);
        engine
            .library()
            .put(&[versioned(3, 1, 5_000), item(900, 100)])
            .unwrap();
        engine.delete(&first.id).unwrap();
        back_up(&engine);
    }
    let repository = home.destination().join("databases");
    let key = export_key(&home.data(), None).unwrap();
    restic(&repository, &key, &["check", "--read-data"]);
    let listed: serde_json::Value =
        serde_json::from_str(&restic(&repository, &key, &["snapshots", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["hostname"], "Test device");

    let target = home.folder.path().join("restored");
    restic(
        &repository,
        &key,
        &["restore", "latest", "--target", target.to_str().unwrap()],
    );
    // The engine is closed, so the library's file is whole, and nothing was written after the backup.
    let (restored, live) = (
        fs::read(target.join("library.db")).unwrap(),
        fs::read(home.library()).unwrap(),
    );
    assert!(
        restored == live,
        "the restored file differs from the library"
    );
}
