//! Backups and folders that are made to lead a restore astray: nothing is ever written outside the target.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustic_core::repofile::{Metadata, Node, NodeType};

use super::bench::*;
use crate::Watch;
use crate::restore::Place;

fn file(at: &str, stored_name: &str) -> Entry {
    let mut node = Node::new_node("x".as_ref(), NodeType::File, Metadata::default());
    node.name = stored_name.into();
    (at.into(), node, Some(b"evil".to_vec()))
}

fn folder() -> Entry {
    let node = Node::new_node("docs".as_ref(), NodeType::Dir, Metadata::default());
    ("docs".into(), node, None)
}

#[test]
fn names_that_lead_elsewhere_are_damage_and_nothing_is_written() {
    for evil in ["..", ".", "", "../evil", "/evil", "a/b", "nul\\x00"] {
        let bench = Bench::new();
        write(&bench.docs(), "mine.txt", "mine");
        let stored = bench.store_entries(vec![folder(), file("docs/x", evil)]);
        let before = state(bench.folder.path());
        for place in [
            Place::InPlace,
            Place::Folder(bench.folder.path().join("target")),
        ] {
            let tried = bench.try_restore(&stored, docs(), place, &Watch::unwatched());
            assert_eq!(tried.unwrap_err().code(), "damaged", "{evil:?}");
        }
        assert_eq!(
            without_time_of_top(state(bench.folder.path())),
            without_time_of_top(before)
        );
    }
}

fn without_time_of_top(
    mut all: std::collections::BTreeMap<PathBuf, String>,
) -> std::collections::BTreeMap<PathBuf, String> {
    for path in ["", "data"] {
        all.remove(Path::new(path));
    }
    all
}

#[test]
fn a_link_in_place_of_a_parent_is_replaced_and_never_followed() {
    let bench = Bench::new();
    write(&bench.docs(), "inner/deep/a.txt", "mine");
    let (stored, original) = (bench.store(), state(&bench.docs()));
    let outside = bench.folder.path().join("outside");
    write(&outside, "deep/a.txt", "not ours");
    fs::remove_dir_all(bench.docs().join("inner")).unwrap();
    symlink(&outside, bench.docs().join("inner")).unwrap();
    let before = state(&outside);
    bench.restore(&stored, docs());
    assert_eq!(state(&bench.docs()), original);
    assert_eq!(state(&outside), before);
    bench.undo();
    assert_eq!(fs::read_link(bench.docs().join("inner")).unwrap(), outside);
    assert_eq!(state(&outside), before);
}

#[test]
fn our_own_folder_in_a_target_is_never_touched() {
    let bench = Bench::new();
    write(&bench.docs(), ".holdfast/undo/1/0/0", "planted");
    let stored = bench.store();
    write(&bench.docs(), ".holdfast/undo/1/0/0", "ours");
    bench.restore(&stored, docs());
    let ours = fs::read(bench.docs().join(".holdfast/undo/1/0/0")).unwrap();
    assert_eq!(ours, b"ours");
}

#[test]
fn a_path_of_four_thousand_bytes_and_a_socket_do_no_harm() {
    let bench = Bench::new();
    let long = "n".repeat(240);
    let mut folder = bench.docs();
    while folder.as_os_str().len() + 245 < 4_000 {
        folder.push(&long);
        fs::create_dir(&folder).unwrap();
    }
    let rest = "f".repeat(4_000 - folder.as_os_str().len() - 1);
    fs::write(folder.join(&rest), "far down").unwrap();
    let listener = std::os::unix::net::UnixListener::bind(bench.docs().join("s")).unwrap();
    let stored = bench.store();
    drop(listener);
    fs::remove_file(bench.docs().join("s")).unwrap();
    let original = state(&bench.docs());
    fs::write(folder.join(&rest), "changed").unwrap();
    bench.restore(&stored, docs());
    assert_eq!(fs::read(folder.join(&rest)).unwrap(), b"far down");
    fs::remove_dir_all(bench.docs().join(&long)).unwrap();
    bench.restore(&stored, docs());
    let (mut now, mut then) = (state(&bench.docs()), original);
    // Its time is that of the moment when the socket was there.
    now.remove(Path::new(""));
    then.remove(Path::new(""));
    assert_eq!(now, then);
}
