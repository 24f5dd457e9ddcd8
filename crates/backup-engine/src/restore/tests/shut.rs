//! Folders that their owner may not read or enter.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use super::bench::*;
use crate::Watch;
use crate::destination::UnreadFile;
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
