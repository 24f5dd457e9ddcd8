//! Records of backups that a later version wrote, and this one does not understand.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/folders.rs"]
mod folders;

use std::fs;
use std::path::Path;

use backup_engine::{Engine, NewSource, SourceKind};
use common::*;
use folders::repository;
use rustic_core::repofile::SnapshotId;

fn with_folder(home: &Home) -> Engine {
    let engine = home.open();
    fill(&engine, 20, 500);
    let path = home.folder.path().join("documents");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("note.txt"), "a note").unwrap();
    let new = NewSource {
        kind: SourceKind::Folder,
        path,
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
    engine
}

/// Writes the record of the only backup anew, in a shape of a time to come.
fn rewrite(home: &Home) {
    let databases = repository(home, "databases");
    let mut record = databases.get_all_snapshots().unwrap().pop().unwrap();
    let written = record.id;
    let details = record.description.take().unwrap();
    record.description = Some(serde_json::json!({"format": 3, "parts": details}).to_string());
    databases.save_snapshots(vec![record]).unwrap();
    databases.delete_snapshots(&[written]).unwrap();
}

fn files(home: &Home) -> Vec<SnapshotId> {
    let snapshots = fs::read_dir(home.destination().join("files/snapshots")).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().parse();
    let ids = snapshots.map(|entry| name(&entry.unwrap().path()).unwrap());
    ids.collect()
}

#[test]
fn the_files_of_a_record_that_is_not_understood_stay() {
    let home = Home::new();
    let engine = with_folder(&home);
    back_up(&engine);
    let theirs = files(&home);
    rewrite(&home);
    fs::write(home.folder.path().join("documents/note.txt"), "another").unwrap();
    let ours = back_up(&engine);
    assert!(files(&home).contains(&theirs[0]), "after a backup");
    assert_eq!(
        engine.backups().unwrap().as_slice(),
        std::slice::from_ref(&ours)
    );
    engine.delete(&ours.id).unwrap();
    assert!(files(&home).contains(&theirs[0]), "after a deletion");
    let engine = {
        drop(engine);
        home.open()
    };
    back_up(&engine);
    assert!(files(&home).contains(&theirs[0]), "after a start");
}
