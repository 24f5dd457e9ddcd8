//! Swaps in folders that are away, changed, on a disk of their own or shared with another data folder.

use super::*;
use crate::restore::seen::Dress;
use crate::undo::FolderNote;

/// A data folder, a folder with `sub/a` (old) and what is to take its place, and the note of that.
struct Prepared {
    folder: tempfile::TempDir,
    note: UndoNote,
}

fn prepared_folder(area: Area, library: bool) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let (data, base) = (folder.path().join("data"), folder.path().join("base"));
    fs::create_dir_all(base.join("sub")).unwrap();
    fs::write(base.join("sub/a"), "old").unwrap();
    let staging = area.path(&data, &base).join("restore/0");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("0"), "new").unwrap();
    if library {
        for (place, content) in [(data.join(LIBRARY), "old"), (staged(&data), "new")] {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("library.db"), content).unwrap();
        }
    }
    let mut part = PartNote::new("docs", &base, area);
    part.moves.push(Move {
        number: 0,
        at: "sub/a".into(),
        take: true,
        put: true,
        seen: None,
        comes: None,
    });
    let parts = vec![part];
    let note = UndoNote {
        library,
        parts,
        ..note()
    };
    Prepared { folder, note }
}

impl Prepared {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    fn a(&self) -> String {
        fs::read_to_string(self.base().join("sub/a")).unwrap()
    }
}

const SWAP: Swap = Swap::new(Incoming::Staged, 7);

#[test]
fn what_another_data_folder_keeps_in_a_target_is_neither_taken_nor_removed() {
    let prepared = prepared_folder(Area::Target, false);
    let foreign = prepared.base().join(".holdfast/undo/7/0/0");
    fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    fs::write(&foreign, "of another data folder").unwrap();
    assert!(SWAP.commit(&prepared.data(), &prepared.note).is_err());
    assert_eq!(prepared.a(), "old");
    let kept = fs::read_to_string(&foreign).unwrap();
    assert_eq!(kept, "of another data folder");
    assert!(!is_pending(&prepared.data()).unwrap());
}

#[test]
fn what_is_kept_on_another_disk_in_the_same_place_stays_when_older_things_are_removed() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.commit(&prepared.data(), &prepared.note).unwrap();
    assert_eq!(prepared.a(), "new");
    let own = prepared.base().join(".holdfast");
    assert_eq!(fs::read(own.join("undo/7/0/0")).unwrap(), b"old");
    // Another disk, in which another data folder keeps something under the same number.
    fs::rename(&own, prepared.folder.path().join("the other disk")).unwrap();
    fs::create_dir_all(own.join("undo/7/0")).unwrap();
    fs::write(own.join("undo/7/0/0"), "of another data folder").unwrap();
    fs::create_dir_all(own.join("restore/0")).unwrap();
    fs::write(own.join("restore/0/0"), "newer").unwrap();
    let next = Swap::new(Incoming::Staged, 8);
    next.commit(&prepared.data(), &prepared.note).unwrap();
    undo::remove_older(&prepared.data());
    assert_eq!(prepared.a(), "newer");
    let kept = fs::read_to_string(own.join("undo/7/0/0")).unwrap();
    assert_eq!(kept, "of another data folder");
    assert_eq!(fs::read(own.join("undo/8/0/0")).unwrap(), b"new");
}

#[test]
fn a_number_that_something_has_in_a_target_is_passed_over() {
    let prepared = prepared_folder(Area::Target, false);
    let parts = &prepared.note.parts;
    for (foreign, next) in [(2, 1), (1, 3)] {
        let undo = prepared.base().join(".holdfast/undo");
        fs::create_dir_all(undo.join(foreign.to_string())).unwrap();
        assert_eq!(undo::next_number(&prepared.data(), parts).unwrap(), next);
    }
}

#[test]
fn what_came_to_nothing_is_forgotten_without_what_it_keeps() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.announce(&prepared.data(), &prepared.note).unwrap();
    let kept = [
        undo::folder(&prepared.data(), 7).join("library"),
        prepared.base().join(".holdfast/undo/7/0/0"),
    ];
    for kept in &kept {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(kept, "the only copy").unwrap();
    }
    undo::forget(&prepared.data(), 7, &prepared.note);
    undo::remove_older(&prepared.data());
    for kept in &kept {
        assert_eq!(fs::read(kept).unwrap(), b"the only copy");
    }
}

#[test]
fn nothing_is_left_of_what_came_to_nothing() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.announce(&prepared.data(), &prepared.note).unwrap();
    undo::forget(&prepared.data(), 7, &prepared.note);
    assert!(!prepared.base().join(".holdfast/undo").exists());
    assert!(!undo::folder(&prepared.data(), 7).exists());
}

#[test]
fn a_library_that_was_settled_alone_is_not_taken_back_with_a_folder_that_comes_later() {
    let prepared = prepared_folder(Area::Target, true);
    let data = prepared.data();
    SWAP.announce(&data, &prepared.note).unwrap();
    fs::rename(data.join(LIBRARY), undo::folder(&data, 7).join(LIBRARY)).unwrap();
    let away = prepared.folder.path().join("away");
    fs::rename(prepared.base(), &away).unwrap();
    settle(&data).unwrap();
    assert!(is_pending(&data).unwrap());
    let library = data.join(LIBRARY).join("library.db");
    assert_eq!(fs::read(&library).unwrap(), b"new");
    fs::write(&library, "worked with since").unwrap();
    // The disk comes back without what was to come.
    fs::remove_dir_all(away.join(".holdfast/restore")).unwrap();
    fs::rename(&away, prepared.base()).unwrap();
    settle(&data).unwrap();
    assert!(!is_pending(&data).unwrap());
    assert_eq!(fs::read(&library).unwrap(), b"worked with since");
    assert_eq!(prepared.a(), "old");
    // What can be undone is the library alone.
    let kept = undo::current(&data).unwrap().unwrap();
    assert_eq!(kept.record.sources, [LIBRARY]);
}

#[test]
fn a_start_goes_on_where_it_cannot_be_noted_that_the_library_alone_was_restored() {
    let prepared = prepared_folder(Area::Target, true);
    let data = prepared.data();
    SWAP.announce(&data, &prepared.note).unwrap();
    fs::rename(data.join(LIBRARY), undo::folder(&data, 7).join(LIBRARY)).unwrap();
    let away = prepared.folder.path().join("away");
    fs::rename(prepared.base(), &away).unwrap();
    settle(&data).unwrap();
    fs::remove_dir_all(away.join(".holdfast/restore")).unwrap();
    fs::rename(&away, prepared.base()).unwrap();
    // As on a disk that is full.
    let in_the_way = undo::folder(&data, 7).join("next.new");
    fs::create_dir(&in_the_way).unwrap();
    settle(&data).unwrap();
    assert!(is_pending(&data).unwrap());
    fs::remove_dir(&in_the_way).unwrap();
    settle(&data).unwrap();
    assert!(!is_pending(&data).unwrap());
    let kept = undo::current(&data).unwrap().unwrap();
    assert_eq!(kept.record.sources, [LIBRARY]);
}

#[test]
fn what_is_kept_on_a_disk_that_is_away_is_removed_once_it_is_there() {
    let prepared = prepared_folder(Area::Target, true);
    let data = prepared.data();
    SWAP.commit(&data, &prepared.note).unwrap();
    let away = prepared.folder.path().join("away");
    fs::rename(prepared.base(), &away).unwrap();
    // The next restore is of the library alone.
    fs::create_dir_all(staged(&data)).unwrap();
    fs::write(staged(&data).join("library.db"), "newer").unwrap();
    let next = Swap::new(Incoming::Staged, 8);
    next.commit(&data, &note()).unwrap();
    for _ in 0..2 {
        undo::remove_older(&data);
        assert!(!undo::folder(&data, 7).join(LIBRARY).exists());
        let kept = undo::current(&data).unwrap().unwrap();
        assert_eq!(kept.number, 8);
    }
    fs::rename(&away, prepared.base()).unwrap();
    undo::remove_older(&data);
    assert!(!prepared.base().join(".holdfast/undo").exists());
    assert!(!undo::folder(&data, 7).exists());
    assert!(undo::folder(&data, 8).join(LIBRARY).exists());
}

#[test]
fn a_folder_that_was_deleted_after_a_crash_does_not_stop_the_start() {
    for back in [false, true] {
        let prepared = prepared_folder(Area::Data, true);
        let data = prepared.data();
        SWAP.announce(&data, &prepared.note).unwrap();
        fs::rename(data.join(LIBRARY), undo::folder(&data, 7).join(LIBRARY)).unwrap();
        let kept = undo::folder(&data, 7).join("0/0");
        fs::rename(prepared.base().join("sub/a"), &kept).unwrap();
        fs::remove_dir_all(prepared.base().join("sub")).unwrap();
        if back {
            SWAP.note_failure(&data).unwrap();
        }
        settle(&data).unwrap();
        assert!(!is_pending(&data).unwrap());
        let library = fs::read_to_string(data.join("library/library.db")).unwrap();
        if back {
            assert_eq!((library.as_str(), prepared.a().as_str()), ("old", "old"));
        } else {
            assert_eq!(library, "new");
            assert_eq!(fs::read(&kept).unwrap(), b"old");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_settled_does_not_keep_the_library_from_being_used() {
    let prepared = prepared_folder(Area::Data, true);
    let data = prepared.data();
    SWAP.announce(&data, &prepared.note).unwrap();
    fs::rename(data.join(LIBRARY), undo::folder(&data, 7).join(LIBRARY)).unwrap();
    // A link in place of a folder is never followed.
    fs::rename(prepared.base().join("sub"), prepared.base().join("real")).unwrap();
    std::os::unix::fs::symlink("real", prepared.base().join("sub")).unwrap();
    for _ in 0..2 {
        settle(&data).unwrap();
        assert!(is_pending(&data).unwrap());
        let library = fs::read_to_string(data.join("library/library.db")).unwrap();
        assert_eq!(library, "new");
    }
    fs::remove_file(prepared.base().join("sub")).unwrap();
    fs::rename(prepared.base().join("real"), prepared.base().join("sub")).unwrap();
    settle(&data).unwrap();
    assert!(!is_pending(&data).unwrap());
    assert_eq!(prepared.a(), "new");
}

#[test]
fn a_folder_of_somebody_else_that_one_may_write_to_can_be_restored_into() {
    const TEST: &str = "a_folder_of_somebody_else_that_one_may_write_to_can_be_restored_into";
    const RUN_IN: &str = "HOLDFAST_TEST_FOLDER_OF_ANOTHER";
    if let Some(folder) = std::env::var_os(RUN_IN) {
        return restore_as_another(Path::new(&folder));
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be somebody else");
        return;
    }
    let prepared = run_as_another(TEST, RUN_IN);
    assert_eq!(prepared.a(), "new");
}

/// Runs a test of this program as somebody else, who may write to a folder of root.
fn run_as_another(test: &str, run_in: &str) -> Prepared {
    let prepared = prepared_folder(Area::Data, false);
    let open = |path: &Path| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(path, mode).unwrap();
    };
    open(prepared.folder.path());
    open(&prepared.base().join("sub"));
    for inner in ["data", "data/restore", "data/restore/0", "data/restore/0/0"] {
        std::os::unix::fs::chown(prepared.folder.path().join(inner), Some(65_534), None).unwrap();
    }
    use std::os::unix::process::CommandExt;
    // The program may lie where nobody else may go.
    let program = prepared.folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["--nocapture", test]);
    command.env(run_in, prepared.folder.path()).uid(65_534);
    let status = loop {
        match command.status() {
            // A process that another test has just started still has the copy open.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            status => break status.unwrap(),
        }
    };
    assert!(status.success());
    assert!(prepared.folder.path().join("done").exists(), "no such test");
    prepared
}

fn restore_as_another(folder: &Path) {
    let (data, base) = (folder.join("data"), folder.join("base"));
    let note = note_as_another(&base);
    SWAP.commit(&data, &note).unwrap();
    // With nothing to come it fails, and is taken back.
    let next = Swap::new(Incoming::Staged, 8);
    assert!(next.commit(&data, &note).is_err());
    assert!(!is_pending(&data).unwrap());
    fs::write(folder.join("done"), "").unwrap();
}

/// Of a folder that gets what it has.
fn note_as_another(base: &Path) -> UndoNote {
    let sub = Dir::open(&base.join("sub")).unwrap();
    let worn = Dress::worn(&sub.look_at_self().unwrap(), &sub.file().unwrap()).unwrap();
    let mut part = PartNote::new("docs", base, Area::Data);
    part.moves.push(Move {
        number: 0,
        at: "sub/a".into(),
        take: true,
        put: true,
        seen: None,
        comes: None,
    });
    part.folders.push(FolderNote {
        at: "sub".into(),
        before: Some(worn.clone()),
        after: Some(worn),
    });
    UndoNote {
        library: false,
        parts: vec![part],
        ..note()
    }
}

#[test]
fn a_folder_of_somebody_else_keeps_its_own_time_and_mode() {
    const TEST: &str = "a_folder_of_somebody_else_keeps_its_own_time_and_mode";
    const RUN_IN: &str = "HOLDFAST_TEST_TIME_OF_ANOTHER";
    if let Some(folder) = std::env::var_os(RUN_IN) {
        return restore_with_another_time(Path::new(&folder));
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be somebody else");
        return;
    }
    let prepared = run_as_another(TEST, RUN_IN);
    assert_eq!(prepared.a(), "newer");
}

fn restore_with_another_time(folder: &Path) {
    let (data, base) = (folder.join("data"), folder.join("base"));
    let mut note = note_as_another(&base);
    for after in note.parts[0]
        .folders
        .iter_mut()
        .flat_map(|folder| &mut folder.after)
    {
        (after.mtime, after.mode) = (Some((1_000_000_000, 0)), Some(0o755));
    }
    SWAP.commit(&data, &note).unwrap();
    // The next one breaks off.
    fs::write(data.join("restore/0/0"), "newer").unwrap();
    let next = Swap::new(Incoming::Staged, 8);
    next.announce(&data, &note).unwrap();
    fs::rename(base.join("sub/a"), undo::folder(&data, 8).join("0/0")).unwrap();
    settle(&data).unwrap();
    assert!(!is_pending(&data).unwrap());
    fs::write(folder.join("done"), "").unwrap();
}

#[test]
fn a_restore_that_waits_for_a_disk_says_for_which_folder() {
    let mut prepared = prepared_folder(Area::Target, false);
    let other = prepared.folder.path().join("other");
    fs::create_dir_all(&other).unwrap();
    let part = PartNote::new("other", &other, Area::Data);
    prepared.note.parts.insert(0, part);
    let data = prepared.data();
    SWAP.announce(&data, &prepared.note).unwrap();
    fs::remove_dir_all(prepared.base()).unwrap();
    settle(&data).unwrap();
    assert!(is_pending(&data).unwrap());
    assert_eq!(waits_for(&data).unwrap(), "base");
    // It may come back, so none is made up in its place.
    assert!(!prepared.base().exists());
}

#[test]
fn an_undo_says_which_folder_is_away() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.commit(&prepared.data(), &prepared.note).unwrap();
    fs::remove_dir_all(prepared.base()).unwrap();
    let kept = undo::current(&prepared.data()).unwrap().unwrap();
    let part = &kept.note.parts[0];
    let error = reversed(&prepared.data(), 0, &kept, part).unwrap_err();
    assert!(error.message().contains("base"), "{}", error.message());
    assert!(!prepared.base().exists());
}
