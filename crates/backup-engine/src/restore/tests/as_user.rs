//! Restores of a user who is not root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use super::bench::*;
use crate::restore::Place;
use crate::{Watch, journal};

/// The threads of the test are those of a user who may not read everything, as long as this is there.
pub(super) struct AsUser;

impl AsUser {
    pub(super) fn new() -> Self {
        nix::unistd::setfsgid(1_000.into());
        nix::unistd::setfsuid(1_000.into());
        Self
    }
}

/// Everything in the folder is his.
pub(super) fn give(folder: &Path) {
    for path in state(folder).keys() {
        let given = lchown(folder.join(path), Some(1_000), Some(1_000));
        if rustix::process::geteuid().is_root() {
            given.unwrap();
        }
    }
}

impl Drop for AsUser {
    fn drop(&mut self) {
        nix::unistd::setfsuid(0.into());
        nix::unistd::setfsgid(0.into());
    }
}

/// Nobody but its owner changes such a folder, so nothing in it is opened for a swap either.
#[test]
fn a_folder_of_somebody_else_in_which_one_may_not_write_keeps_no_restore_from_its_end() {
    for inner in ["one", "two"] {
        let bench = Bench::new();
        write(&bench.docs(), "a.txt", "one");
        write(&bench.docs(), "theirs/inner", "one");
        give(bench.folder.path());
        let stored = bench.store();
        write(&bench.docs(), "a.txt", "two");
        if inner == "two" {
            write(&bench.docs(), "theirs/inner", inner);
        }
        write(&bench.docs(), "theirs/made", "");
        fs::remove_file(bench.docs().join("theirs/made")).unwrap();
        give(bench.folder.path());
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be somebody else");
            return;
        }
        let theirs = bench.docs().join("theirs");
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o555)).unwrap();
        lchown(&theirs, Some(0), Some(0)).unwrap();
        let before = state(&bench.docs());
        let _user = AsUser::new();
        let watch = Watch::unwatched();
        let ended = bench.try_restore(&stored, docs(), Place::InPlace, &watch);
        assert!(!journal::is_pending(&bench.data()).unwrap(), "{ended:?}");
        if inner == "two" {
            // It cannot be replaced there, and so nothing is.
            assert!(ended.is_err());
            assert_eq!(state(&bench.docs()), before);
            continue;
        }
        ended.unwrap();
        assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"one");
        let path = std::path::PathBuf::from("theirs");
        assert_eq!(state(&bench.docs())[&path], before[&path]);
    }
}
