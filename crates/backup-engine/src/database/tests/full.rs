//! Copies on a disk that seems to have room and has none: a real one, mounted for this test alone.

use std::process::{Command, ExitStatus};

use super::super::check::Soundness;
use super::*;

/// Tells the test, once it runs with the file system mounted, where that is.
const MOUNTED: &str = "HOLDFAST_TEST_FULL";
const TEST: &str = "database::tests::full::one_whose_copy_finds_no_room_is_streamed";

#[test]
fn one_whose_copy_finds_no_room_is_streamed() {
    if let Some(mounted) = std::env::var_os(MOUNTED) {
        return streams_without_copies(Path::new(&mounted));
    }
    let mounted = tempfile::tempdir().unwrap();
    let with_it_mounted = |command: &str| -> ExitStatus {
        // Room for bytes, and for no file.
        let script = format!("mount -t tmpfs -o nr_inodes=1 none \"$0\" && {command}");
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "sh", "-c", &script])
            .arg(mounted.path())
            .arg(std::env::current_exe().unwrap())
            .arg(TEST)
            .env(MOUNTED, mounted.path());
        unshare.status().unwrap()
    };
    if !with_it_mounted("true").success() {
        eprintln!("skipped: this system does not allow mounting a tmpfs");
        return;
    }
    assert!(with_it_mounted("\"$1\" --exact \"$2\" --nocapture").success());
}

fn streams_without_copies(full: &Path) {
    let error = fs::write(full.join("file"), "").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(CopyFolder::new(full).has_room_for(10_000_000).unwrap());
    // Neither a copy nor the folder for it can be made.
    for folder in [full, &full.join("copies")] {
        for mode in ["DELETE", "WAL"] {
            let place = Place::new();
            let pragmas = format!("PRAGMA journal_mode = {mode}");
            drop(make(&place.path(), &pragmas, 5_000, 500));
            let copies = CopyFolder::new(folder);
            let begun = PageReader::begin(&place.path(), &copies, &Watch::unwatched());
            let mut reader = pages(begun);
            assert_eq!(read(&mut reader), fs::read(place.path()).unwrap(), "{mode}");
            assert!(matches!(reader.proof().wait(), Soundness::Unchecked(_)));
        }
    }
}
