//! Folders that their owner may not read or enter.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use super::as_user::{AsUser, give};
use super::bench::*;
use crate::Watch;
use crate::destination::UnreadFile;
use crate::journal::STEPS_LEFT;
use crate::restore::dir::Dir;
use crate::restore::{Place, What};

/// Root may read everything, so the test runs again as somebody else.
#[test]
fn a_folder_that_its_owner_may_not_enter_is_restored_for_him() {
    const TEST: &str = "a_folder_that_its_owner_may_not_enter_is_restored_for_him";
    const RUN_IN: &str = "HOLDFAST_TEST_SHUT";
    if !rustix::process::geteuid().is_root() {
        for mode in [0o311, 0o000, 0o600] {
            restore_shut(mode);
        }
        if let Some(folder) = std::env::var_os(RUN_IN) {
            fs::write(Path::new(&folder).join("done"), "").unwrap();
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(folder.path(), open).unwrap();
    // The program may lie where nobody else may go.
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let status = std::process::Command::new(&program)
        .args(["--nocapture", TEST])
        .env(RUN_IN, folder.path())
        .env("TMPDIR", folder.path())
        .current_dir(folder.path())
        .uid(65_534)
        .status();
    match status {
        Err(error) => eprintln!("skipped: nobody else can be: {error}"),
        Ok(status) => {
            assert!(status.success());
            assert!(folder.path().join("done").exists(), "no such test");
        }
    }
}

fn restore_shut(mode: u32) {
    let bench = Bench::new();
    let (sub, shut) = (bench.docs().join("sub"), bench.docs().join("sub/shut"));
    write(&sub, "a.txt", "one");
    fs::create_dir(&shut).unwrap();
    let mut stored = store_shut(&bench, mode);
    stored.details.sources[0].unread = vec![UnreadFile {
        path: "docs/sub/shut".into(),
        why: "permission denied".into(),
        missing: true,
    }];
    let mode_of = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let target = bench.folder.path().join("target");
    let place = Place::Folder(target.clone());
    let into = bench.try_restore(&stored, docs(), place, &Watch::unwatched());
    into.unwrap_or_else(|error| panic!("{mode:o}, into a folder: {error:?}"));
    assert_eq!(mode_of(target.join("docs/sub/shut")), mode);
    for gone in [&sub, &shut] {
        fs::remove_dir_all(gone).unwrap();
        let chosen = What::Paths(vec!["docs/sub".into()]);
        let back = bench.try_restore(&stored, chosen, Place::InPlace, &Watch::unwatched());
        back.unwrap_or_else(|error| panic!("{mode:o}, {}: {error:?}", gone.display()));
        assert_eq!(mode_of(shut.clone()), mode);
        let again = bench.try_restore(&stored, docs(), Place::InPlace, &Watch::unwatched());
        again.unwrap_or_else(|error| panic!("{mode:o}, once more: {error:?}"));
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
    }
    // Else the folder of the test could not be removed.
    let made = Dir::open(bench.folder.path()).unwrap();
    made.remove("target".as_ref()).unwrap();
}

/// The same folder, as it would be stored if it had that mode.
fn store_shut(bench: &Bench, mode: u32) -> Stored {
    let mut entries = Vec::new();
    gather(&bench.docs(), Path::new("docs"), &mut entries);
    for (_, node, _) in entries.iter_mut().filter(|entry| entry.0.ends_with("shut")) {
        node.meta.mode = Some(mode);
    }
    bench.store_entries(entries)
}

const MODES: [u32; 3] = [0o311, 0o000, 0o600];

/// A folder that comes, and one that stays and in which something is replaced, both of this mode in the backup. All of it
/// belongs to a user who is not root. `None`: nobody else can be.
fn with_shut_folders(mode: u32) -> Option<(Bench, Stored)> {
    let bench = Bench::new();
    write(&bench.docs(), "sub/shut/inner", "one");
    write(&bench.docs(), "stays/shut/inner", "one");
    give(bench.folder.path());
    let stored = store_shut(&bench, mode);
    fs::remove_dir_all(bench.docs().join("sub/shut")).unwrap();
    write(&bench.docs(), "stays/shut/inner", "two");
    write(&bench.docs(), "a.txt", "two");
    let stays = bench.docs().join("stays/shut");
    fs::set_permissions(stays, fs::Permissions::from_mode(0o700)).unwrap();
    give(bench.folder.path());
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be somebody else");
        return None;
    }
    Some((bench, stored))
}

#[test]
fn an_undo_takes_folders_back_that_their_owner_may_not_read_or_enter() {
    for mode in MODES {
        let Some((bench, stored)) = with_shut_folders(mode) else {
            return;
        };
        let old = state(&bench.docs());
        {
            let _user = AsUser::new();
            bench.restore(&stored, What::Everything);
        }
        let new = state(&bench.docs());
        let of = |at: &str| new[&std::path::PathBuf::from(at)].clone();
        for at in ["sub/shut", "stays/shut"] {
            assert!(
                of(at).starts_with(&format!("{:o} ", 0o040_000 | mode)),
                "{mode:o}"
            );
        }
        {
            let _user = AsUser::new();
            bench.undo();
        }
        assert_eq!(state(&bench.docs()), old, "{mode:o}");
    }
}

#[test]
fn a_kill_at_any_step_is_settled_also_where_folders_come_that_may_not_be_read_or_entered() {
    for mode in MODES {
        let Some((bench, stored)) = with_shut_folders(mode) else {
            return;
        };
        let old = state(&bench.docs());
        let as_user = |work: &mut dyn FnMut()| {
            let _user = AsUser::new();
            work();
        };
        as_user(&mut || bench.restore(&stored, docs()));
        let new = state(&bench.docs());
        as_user(&mut || bench.undo());
        for undoing in [false, true] {
            for kill_after in 1.. {
                if undoing && state(&bench.docs()) != new {
                    as_user(&mut || bench.restore(&stored, docs()));
                }
                STEPS_LEFT.with(|left| left.set(Some(kill_after)));
                let mut ended = None;
                as_user(&mut || {
                    let watch = Watch::unwatched();
                    let in_use = |_: &Path| Ok(None);
                    ended = Some(if undoing {
                        crate::restore::undo(&bench.data(), &bench.library, &in_use, &watch)
                    } else {
                        bench.try_restore(&stored, docs(), Place::InPlace, &watch)
                    });
                });
                if STEPS_LEFT.with(|left| left.take()) != Some(0) {
                    ended.unwrap().unwrap();
                    break;
                }
                as_user(&mut || bench.start_again());
                let now = state(&bench.docs());
                let which = format!("{mode:o}, undoing: {undoing}, after {kill_after} steps");
                assert!(now == old || now == new, "{which}: {now:#?}");
                if !undoing && now == new {
                    as_user(&mut || bench.undo());
                    assert_eq!(state(&bench.docs()), old, "{which}");
                }
            }
        }
    }
}
