//! Journals that are broken off, damaged or planted. Whole restores, killed at every step, are in `restore/tests`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod apart;
mod folders;
mod since;

use std::fs;

use chrono::Utc;

use super::*;
use crate::undo::Move;

const SWAPS: [Swap; 2] = [
    Swap::new(Incoming::Staged, 7),
    Swap::new(Incoming::Kept(6), 7),
];

fn note() -> UndoNote {
    UndoNote {
        backup: "1.0.0_20260102T030405678Z".into(),
        restored: Utc::now(),
        library: true,
        ..UndoNote::default()
    }
}

fn places(data: &Path, swap: &Swap) -> [PathBuf; 3] {
    let kept = |number: u64| data.join("undo").join(number.to_string()).join(LIBRARY);
    let incoming = match swap.incoming {
        Incoming::Staged => staged(data),
        Incoming::Kept(number) => kept(number),
    };
    [data.join(LIBRARY), kept(swap.keep), incoming]
}

fn prepared(swap: &Swap) -> (tempfile::TempDir, [PathBuf; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path(), swap);
    for (place, content) in [(&places[0], "old"), (&places[2], "new")] {
        fs::create_dir_all(place).unwrap();
        fs::write(place.join("library.db"), content).unwrap();
    }
    (folder, places)
}

fn content(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("library.db")).ok()
}

#[test]
fn a_swap_broken_off_anywhere_is_dropped_finished_or_taken_back() {
    for swap in &SWAPS {
        for (moved, gone, expected) in [
            (0, false, "old"),
            (1, false, "new"),
            (2, false, "new"),
            (0, true, "old"),
            (1, true, "old"),
        ] {
            let (data, [live, kept, incoming]) = prepared(swap);
            swap.announce(data.path(), &note()).unwrap();
            if moved > 0 {
                fs::rename(&live, &kept).unwrap();
            }
            if moved > 1 {
                fs::rename(&incoming, &live).unwrap();
            }
            if gone {
                fs::remove_dir_all(&incoming).unwrap();
            }
            settle(data.path()).unwrap();
            settle(data.path()).unwrap();
            assert_eq!(
                content(&live).as_deref(),
                Some(expected),
                "{swap:?} {moved} {gone}"
            );
            assert!(!is_pending(data.path()).unwrap());
        }
    }
}

#[test]
fn the_journal_of_an_earlier_version_is_settled() {
    let (data, [live, kept, incoming]) = prepared(&SWAPS[0]);
    fs::create_dir_all(kept.parent().unwrap()).unwrap();
    let old = r#"{"backup":"1.0.0_20260102T030405678Z","restored":"2026-01-02T03:04:05Z","assets":1,"bytes":3,"undone":false}"#;
    fs::write(kept.with_file_name("undo.json"), old).unwrap();
    fs::write(journal(data.path()), r#"{"incoming":"staged","keep":7}"#).unwrap();
    fs::rename(&live, &kept).unwrap();
    settle(data.path()).unwrap();
    assert_eq!(content(&live).as_deref(), Some("new"));
    assert!(!incoming.exists());
    assert_eq!(
        undo::current(data.path()).unwrap().unwrap().record.sources,
        [LIBRARY]
    );
}

#[test]
fn where_no_library_is_left_the_start_stops_and_none_is_made_up() {
    let data = tempfile::tempdir().unwrap();
    SWAPS[0].announce(data.path(), &note()).unwrap();
    assert!(settle(data.path()).is_err());
    assert!(is_pending(data.path()).unwrap());
}

#[test]
fn without_its_note_a_swap_is_set_aside_as_long_as_there_is_a_library() {
    let remove = |note: &Path| fs::remove_dir_all(note.parent().unwrap()).unwrap();
    let spoil = |note: &Path| fs::write(note, "{").unwrap();
    for (damage, moved) in [(remove as fn(&Path), 0), (spoil, 0), (spoil, 1)] {
        let (data, [live, kept, _]) = prepared(&SWAPS[0]);
        SWAPS[0].announce(data.path(), &note()).unwrap();
        if moved > 0 {
            fs::rename(&live, &kept).unwrap();
        }
        damage(&undo::folder(data.path(), 7).join("next.json"));
        if moved > 0 {
            assert!(settle(data.path()).is_err());
            assert!(is_pending(data.path()).unwrap() && kept.is_dir());
            continue;
        }
        settle(data.path()).unwrap();
        assert!(!is_pending(data.path()).unwrap());
        assert!(data.path().join("journal.damaged").is_file());
        assert_eq!(content(&live).as_deref(), Some("old"));
    }
}

#[test]
fn what_a_swap_kept_stays_where_nobody_can_tell_what_it_was_about() {
    let (data, [_, kept, _]) = prepared(&SWAPS[0]);
    SWAPS[0].announce(data.path(), &note()).unwrap();
    let file = kept.with_file_name("0").join("0");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "the only copy").unwrap();
    fs::write(kept.with_file_name("next.json"), "{").unwrap();
    settle(data.path()).unwrap();
    undo::remove_older(data.path());
    assert!(file.is_file());
}

#[test]
fn a_journal_that_does_not_read_stops_the_start_instead_of_being_guessed_about() {
    let (data, [live, ..]) = prepared(&SWAPS[0]);
    for text in [
        "{\"incoming\":",
        r#"{"incoming":{"kept":"../.."},"keep":1}"#,
    ] {
        fs::create_dir_all(data.path().join("restore")).unwrap();
        fs::write(journal(data.path()), text).unwrap();
        assert!(matches!(settle(data.path()), Err(Error::Damaged { .. })));
        assert_eq!(content(&live).as_deref(), Some("old"));
    }
}

#[test]
fn a_note_that_names_something_outside_its_folder_moves_nothing() {
    for at in [
        "../outside",
        "/etc/passwd",
        "a/../../b",
        "",
        ".holdfast/undo",
    ] {
        let data = tempfile::tempdir().unwrap();
        let base = data.path().join("base");
        fs::create_dir_all(base.join("a")).unwrap();
        fs::write(data.path().join("outside"), "not ours").unwrap();
        let mut part = PartNote::new("docs", &base, Area::Data);
        part.moves.push(Move {
            number: 0,
            at: at.into(),
            take: true,
            put: false,
            seen: None,
            comes: None,
        });
        let note = UndoNote {
            library: false,
            parts: vec![part],
            ..note()
        };
        let committed = SWAPS[0].commit(data.path(), &note);
        assert!(
            matches!(committed, Err(Error::Damaged { .. })),
            "{at}: {committed:?}"
        );
        assert_eq!(fs::read(data.path().join("outside")).unwrap(), b"not ours");
    }
}

#[test]
fn a_commit_that_cannot_begin_changes_nothing() {
    let (data, [live, ..]) = prepared(&SWAPS[0]);
    fs::write(data.path().join("undo"), "a file where a folder belongs").unwrap();
    assert!(SWAPS[0].commit(data.path(), &note()).is_err());
    assert_eq!(content(&live).as_deref(), Some("old"));
    assert!(!is_pending(data.path()).unwrap());
}
