//! A restore that a crash broke off and that cannot be finished, because the disk that it went to is gone.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use backup_engine::{NewSource, SourceKind};
use common::*;

#[test]
fn backups_go_on_without_what_a_restore_left_half_done() {
    let home = Home::new();
    let engine = home.open();
    let folders = ["half", "whole"].map(|name| home.folder.path().join(name));
    for folder in &folders {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("one.txt"), "one").unwrap();
        let new = NewSource {
            kind: SourceKind::Folder,
            path: folder.clone(),
            excludes: Vec::new(),
        };
        engine.add_source(new).unwrap();
    }
    drop(engine);
    // It was to put back a file of the first source, with the folder of our own on a disk that is not there any more.
    let base = fs::canonicalize(&folders[0]).unwrap();
    let note = format!(
        r#"{{"backup":"1.0.0_20260102T030405678Z","restored":"2026-01-02T03:04:05Z","assets":1,"bytes":3,"undone":false,
            "library":false,"parts":[{{"id":"half","base":{base:?},"area":"target","folders":[],
            "moves":[{{"number":0,"at":"one.txt","take":true,"put":true}}]}}]}}"#
    );
    fs::create_dir_all(home.data().join("undo/1")).unwrap();
    fs::create_dir_all(home.data().join("restore")).unwrap();
    fs::write(home.data().join("undo/1/next.json"), note).unwrap();
    let journal = home.data().join("restore/journal.json");
    fs::write(&journal, r#"{"incoming":"staged","keep":1}"#).unwrap();

    let engine = home.open();
    let record = back_up(&engine);
    let [half, whole] = record.sources.as_slice() else {
        panic!("{record:?}");
    };
    let source = |id: &str| record.sources.iter().find(|source| source.id == id);
    assert_eq!(source("whole").unwrap().files, 1);
    assert_eq!(source("half").unwrap().files, 0);
    let why = "a restore into it was broken off and cannot be finished yet";
    assert_eq!(source("half").unwrap().unread[0].why, why);
    assert_eq!(half.unread_count + whole.unread_count, 1);
    assert!(journal.exists());
}
