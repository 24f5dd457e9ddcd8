//! What a restore leaves as it is: what backups leave out, now or when they were made, and what only seems to be our own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustic_core::DataId;

use super::as_user::{AsUser, give};
use super::bench::*;
use crate::Watch;
use crate::destination::UnreadFile;
use crate::restore::chunks::{Chunk, there_in};
use crate::restore::{Place, RestoreRequest, What};

#[test]
fn what_is_left_out_by_now_is_not_overwritten_but_where_it_is_chosen() {
    let bench = Bench::new();
    write(&bench.docs(), "was-in.tmp", "as it was");
    write(&bench.docs(), "gone.tmp", "as it was");
    write(&bench.docs(), "a.txt", "one");
    let stored = bench.store();
    write(&bench.docs(), "was-in.tmp", "in no backup any more");
    write(&bench.docs(), "a.txt", "two");
    fs::remove_file(bench.docs().join("gone.tmp")).unwrap();
    let read = |name: &str| fs::read_to_string(bench.docs().join(name)).unwrap();
    bench.restore(&stored, docs());
    assert_eq!(read("was-in.tmp"), "in no backup any more");
    assert_eq!(
        (read("a.txt"), read("gone.tmp")),
        ("one".into(), "as it was".into())
    );
    bench.restore(&stored, What::Paths(vec!["docs/was-in.tmp".into()]));
    assert_eq!(read("was-in.tmp"), "as it was");
}

#[test]
fn what_was_left_out_of_the_backup_stays() {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "one");
    let mut stored = bench.store();
    stored.details.sources[0].excludes = Some(vec!["videos/".into()]);
    write(&bench.docs(), "videos/holiday.mp4", "in no backup");
    write(&bench.docs(), "extra.txt", "later");
    bench.restore(&stored, docs());
    assert!(bench.docs().join("videos/holiday.mp4").exists());
    assert!(!bench.docs().join("extra.txt").exists());
}

#[test]
fn only_the_folder_of_our_own_at_the_top_is_passed_over() {
    let bench = Bench::new();
    write(&bench.docs(), "deep/.holdfast/mine.txt", "as it was");
    let stored = bench.store();
    write(&bench.docs(), "deep/.holdfast/mine.txt", "changed");
    write(&bench.docs(), ".holdfast/undo/1/0/0", "ours");
    bench.restore(&stored, docs());
    let read = |name: &str| fs::read_to_string(bench.docs().join(name)).unwrap();
    assert_eq!(read("deep/.holdfast/mine.txt"), "as it was");
    assert_eq!(read(".holdfast/undo/1/0/0"), "ours");
}

#[test]
fn a_chosen_file_whose_bytes_have_rotted_is_mended() {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "rotten");
    let mut entries = Vec::new();
    let top = bench.docs();
    entries.push(("docs".into(), node_of(&top, "docs".as_ref()), None));
    let node = node_of(&top.join("a.txt"), "a.txt".as_ref());
    entries.push(("docs/a.txt".into(), node, Some(b"intact".to_vec())));
    let stored = bench.store_entries(entries);
    bench.restore(&stored, What::Paths(vec!["docs/a.txt".into()]));
    assert_eq!(fs::read(top.join("a.txt")).unwrap(), b"intact");
}

#[test]
fn into_another_folder_nothing_is_replaced_and_what_was_kept_before_stays() {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "one");
    let stored = bench.store();
    write(&bench.docs(), "a.txt", "two");
    bench.restore(&stored, docs());
    let target = bench.folder.path().join("target");
    let restore = || {
        let place = Place::Folder(target.clone());
        bench.try_restore(&stored, What::Everything, place, &Watch::unwatched())
    };
    restore().unwrap();
    write(&target, "docs/mine.txt", "mine");
    restore().unwrap();
    write(&target, "docs/a.txt", "mine too");
    let before = state(&target);
    assert_eq!(restore().unwrap_err().code(), "in-the-way");
    assert_eq!(state(&target), before);
    assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"one");
    let kept = fs::read_dir(bench.data().join("undo")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["1"]);
    bench.undo();
    assert_eq!(fs::read(bench.docs().join("a.txt")).unwrap(), b"two");
    assert_eq!(state(&target), before);
}

#[test]
fn into_another_folder_no_folder_that_is_there_gets_another_mode_or_time() {
    let bench = Bench::new();
    for name in ["there/a.txt", "comes/b.txt", "there/comes/c.txt"] {
        write(&bench.docs(), name, "one");
    }
    let (stored, original) = (bench.store(), state(&bench.docs()));
    let target = bench.folder.path().join("target");
    fs::create_dir_all(target.join("docs/there")).unwrap();
    for folder in ["docs", "docs/there"] {
        let mine = fs::Permissions::from_mode(0o2750);
        fs::set_permissions(target.join(folder), mine).unwrap();
    }
    let before = state(&target.join("docs"));
    let place = Place::Folder(target.clone());
    let watch = Watch::unwatched();
    bench.try_restore(&stored, docs(), place, &watch).unwrap();
    let after = state(&target.join("docs"));
    for (path, now) in &after {
        assert_eq!(now, before.get(path).unwrap_or(&original[path]), "{path:?}");
    }
    assert_eq!(after.len(), original.len());
}

#[test]
fn folders_that_may_not_be_read_or_entered_would_stay() {
    for mode in [0o000, 0o600] {
        folders_of_this_mode_would_stay(mode);
    }
}

fn folders_of_this_mode_would_stay(mode: u32) {
    let bench = Bench::new();
    write(&bench.docs(), "a.txt", "one");
    write(&bench.docs(), "lost+found/inner", "of somebody else");
    let denied = fs::Permissions::from_mode(mode);
    give(bench.folder.path());
    let mut stored = {
        let mut entries = Vec::new();
        for (path, name) in [
            ("docs", "docs"),
            ("docs/a.txt", "a.txt"),
            ("docs/lost+found", "lost+found"),
        ] {
            let place = bench.folder.path().join(path);
            let content = place.is_file().then(|| fs::read(&place).unwrap());
            entries.push((path.into(), node_of(&place, name.as_ref()), content));
        }
        bench.store_entries(entries)
    };
    stored.details.sources[0].unread = vec![UnreadFile {
        path: "docs/lost+found".into(),
        why: "permission denied".into(),
        missing: true,
    }];
    write(&bench.docs(), "a.txt", "two");
    write(&bench.docs(), "later/inner", "of somebody else");
    give(bench.folder.path());
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let _user = AsUser::new();
    for folder in ["lost+found", "later"] {
        fs::set_permissions(bench.docs().join(folder), denied.clone()).unwrap();
    }
    let request = RestoreRequest {
        backup: backup_id(),
        what: docs(),
        place: Place::InPlace,
    };
    let preview = bench.with(&stored, &Watch::unwatched(), &|_| Ok(None), |restore| {
        restore.preview(&request)
    });
    let part = &preview.unwrap().parts[0];
    assert_eq!((part.added, part.changed, part.removed), (0, 1, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_disk_cannot_read_any_more_is_not_there() {
    let file = fs::File::open("/proc/self/mem").unwrap();
    let chunk = Chunk {
        id: DataId::default(),
        at: 0,
        length: 16,
    };
    let there = there_in(&file, &[chunk], &Watch::unwatched());
    assert_eq!(there.unwrap(), [false]);
}

#[test]
fn a_folder_that_is_left_out_by_now_stays_where_the_backup_has_something_else() {
    for was_link in [true, false] {
        let bench = Bench::new();
        let videos = bench.docs().join("videos");
        if was_link {
            std::os::unix::fs::symlink("/elsewhere", &videos).unwrap();
        } else {
            write(&bench.docs(), "videos", "a list");
        }
        let stored = bench.store();
        fs::remove_file(&videos).unwrap();
        write(&videos, "holiday.mp4", "in no backup");
        let places = [place("docs", &bench.docs(), &["videos/"])];
        bench.restore_to(&stored, &places, docs()).unwrap();
        assert!(videos.join("holiday.mp4").exists(), "a link: {was_link}");
    }
}

#[test]
fn what_is_left_out_by_now_is_not_overwritten_where_only_a_folder_above_it_is_chosen() {
    let names = ["was.tmp", "a.txt", "build/x.o", "build/deep/y.o"];
    let all = || {
        let bench = Bench::new();
        for name in names {
            write(&bench.docs(), &format!("sub/{name}"), "as it was");
        }
        let stored = bench.store();
        for name in names {
            write(&bench.docs(), &format!("sub/{name}"), "as it is by now");
        }
        (bench, stored)
    };
    for (chosen, restored) in [
        ("docs", &names[1..2]),
        ("docs/sub", &names[1..2]),
        ("docs/sub/was.tmp", &names[..1]),
        // All that is in it is left out, and nothing else can be meant.
        ("docs/sub/build", &names[2..]),
        ("docs/sub/build/deep", &names[3..]),
        ("docs/sub/build/x.o", &names[2..3]),
    ] {
        let (bench, stored) = all();
        let places = [place("docs", &bench.docs(), &["*.tmp", "*.o", "build/"])];
        let what = What::Paths(vec![chosen.into()]);
        bench.restore_to(&stored, &places, what).unwrap();
        for name in names {
            let now = fs::read_to_string(bench.docs().join("sub").join(name)).unwrap();
            let is_restored = now == "as it was";
            assert_eq!(is_restored, restored.contains(&name), "{chosen}: {name}");
        }
    }
}

#[test]
fn a_link_on_the_way_to_a_chosen_path_is_not_replaced() {
    let bench = Bench::new();
    let photos = bench.docs().join("photos");
    write(&photos, "2019/x.jpg", "a photo");
    let stored = bench.store();
    let elsewhere = bench.folder.path().join("other-disk");
    fs::rename(&photos, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &photos).unwrap();
    fs::remove_file(elsewhere.join("2019/x.jpg")).unwrap();
    let before = state(&bench.docs());
    let watch = Watch::unwatched();
    let what = What::Paths(vec!["docs/photos/2019/x.jpg".into()]);
    let restored = bench.try_restore(&stored, what, Place::InPlace, &watch);
    assert_eq!(restored.unwrap_err().code(), "in-the-way");
    assert_eq!(state(&bench.docs()), before);
    // Chosen itself, it is.
    bench.restore(&stored, What::Paths(vec!["docs/photos".into()]));
    assert!(photos.is_dir() && !photos.is_symlink());
}
