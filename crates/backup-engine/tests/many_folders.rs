//! A restore of more folders than a process may have files open.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use backup_engine::{NewSource, SourceKind};
use common::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What this process may have open: more than an engine needs, fewer than there are folders side by side.
const LIMIT: u64 = 512;

#[test]
fn more_folders_than_files_may_be_open_are_restored() {
    let limits = getrlimit(Resource::Nofile);
    let current = Some(LIMIT);
    setrlimit(Resource::Nofile, Rlimit { current, ..limits }).unwrap();
    let home = Home::new();
    let engine = home.open();
    let folder = home.folder.path().join("many");
    // Wide, and wide again below.
    for outer in 0..900 {
        let inner = folder.join(format!("{outer}/{}", outer % 7));
        fs::create_dir_all(&inner).unwrap();
    }
    for inner in 0..900 {
        fs::create_dir_all(folder.join(format!("450/{inner}"))).unwrap();
    }
    let changed = folder.join("450/899/file");
    fs::write(&changed, "as it was").unwrap();
    let new = NewSource {
        kind: SourceKind::Folder,
        path: folder,
        excludes: Vec::new(),
    };
    engine.add_source(new).unwrap();
    let record = back_up(&engine);
    fs::write(&changed, "changed since").unwrap();
    restore(&engine, &record.id);
    assert_eq!(fs::read_to_string(&changed).unwrap(), "as it was");
}
