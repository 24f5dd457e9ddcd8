//! Removing what restores kept, once it does not count any more. Best effort: what stays only costs space.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::{PartNote, UndoNote, folder, newest, numbers};
use crate::failpoint::failpoint;
use crate::restore::area::Area;
use crate::restore::dir::Dir;
use crate::restore::kept;

/// A swap was carried out where it has the first of them.
const NOTES: [&str; 2] = ["undo.json", "next.json"];

/// Removes what a swap that came to nothing made for keeping: its notes and empty folders. Whatever lies in them is the
/// user's, and perhaps the only copy, so it stays, and the note that says where it is from stays with it.
pub(crate) fn forget(data_dir: &Path, number: u64, note: &UndoNote) {
    match remove_empty(data_dir, number, note) {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(number, "what a restore that came to nothing kept stays");
        }
        Err(error) => {
            tracing::warn!(%error, "the folders of a restore that came to nothing stay");
        }
    }
}

/// Removes what older restores kept, all but the one that counts. To be called only when no swap is pending.
pub(crate) fn remove_older(data_dir: &Path) {
    let noted = newest(data_dir).and_then(|newest| Ok((newest, numbers(&data_dir.join("undo"))?)));
    let (newest, numbers) = match noted {
        Ok(noted) => noted,
        Err(error) => {
            tracing::warn!(%error, "what older restores replaced stays for now");
            return;
        }
    };
    for number in numbers {
        // One that cannot be removed keeps no other from it.
        if Some(number) != newest
            && let Err(error) = remove_number(data_dir, number)
        {
            tracing::warn!(%error, number, "what an older restore replaced stays for now");
        }
    }
}

fn remove_number(data_dir: &Path, number: u64) -> io::Result<()> {
    failpoint("undo-remove")?;
    let note = UndoNote::read_aside(&folder(data_dir, number)).unwrap_or_default();
    if folder(data_dir, number).join(NOTES[0]).is_file() {
        return remove_all(data_dir, number, &note);
    }
    forget(data_dir, number, &note);
    Ok(())
}

/// One that was only half written as well.
fn is_note(name: &OsStr) -> bool {
    name == "next.new" || NOTES.iter().any(|note| name == *note)
}

/// The notes last, and not while a disk is away or cannot be changed, so that what is left of an interrupted removal is still
/// known to be one.
fn remove_all(data_dir: &Path, number: u64, note: &UndoNote) -> io::Result<()> {
    let mut away = Vec::new();
    let parts = note.busy_parts().map(|(_, part)| part);
    for part in parts.filter(|part| part.area == Area::Target) {
        match remove_kept(part, number, note) {
            Ok(true) => {}
            Ok(false) => away.push(part.clone()),
            Err(error) => {
                tracing::warn!(%error, number, "what an older restore replaced on another disk stays for now");
                away.push(part.clone());
            }
        }
    }
    let everything = away.is_empty();
    if !everything {
        wait_for(data_dir, number, note, away)?;
    }
    let undo = Dir::open(&data_dir.join("undo"))?;
    let name = number.to_string();
    let folder = undo.enter(name.as_ref())?;
    for inner in folder.names()? {
        if !is_note(&inner) {
            folder.remove(&inner)?;
        }
    }
    if everything {
        undo.remove(name.as_ref())?;
    }
    Ok(())
}

/// Returns whether it is removed: not while its disk is away.
fn remove_kept(part: &PartNote, number: u64, note: &UndoNote) -> io::Result<bool> {
    if kept::is_away(part)? {
        return Ok(false);
    }
    kept::remove(part, number, note)?;
    Ok(true)
}

/// What is kept on disks that are away is removed once they are there: the note of it stays, as one that can bring back
/// nothing.
fn wait_for(data_dir: &Path, number: u64, note: &UndoNote, away: Vec<PartNote>) -> io::Result<()> {
    if note.aside && note.parts == away {
        return Ok(());
    }
    let waiting = UndoNote {
        library: false,
        aside: true,
        parts: away,
        ..note.clone()
    };
    waiting.write_aside(&folder(data_dir, number))?;
    UndoNote::settle(&folder(data_dir, number))
}

/// Returns whether nothing is left.
fn remove_empty(data_dir: &Path, number: u64, note: &UndoNote) -> io::Result<bool> {
    let mut all = true;
    for (at, part) in note.busy_parts() {
        if part.area == Area::Target {
            all &= kept::remove_empty(part, at, number, note)?;
        }
    }
    let folder = match Dir::open(&folder(data_dir, number)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        folder => folder?,
    };
    for inner in folder.names()? {
        all &= is_note(&inner) || folder.remove_empty(&inner)?;
    }
    if all {
        Dir::open(&data_dir.join("undo"))?.remove(number.to_string().as_ref())?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Move, current};
    use super::*;
    use crate::journal::LIBRARY;

    /// A restore of the library and of a folder on another disk, carried out or not.
    fn keep(data: &Path, number: u64, base: &Path, carried_out: bool) -> UndoNote {
        let kept = folder(data, number);
        fs::create_dir_all(kept.join(LIBRARY)).unwrap();
        let mut part = PartNote::new("docs", base, Area::Target);
        part.moves.push(Move {
            number: 0,
            at: "file".into(),
            take: true,
            put: true,
            seen: None,
            comes: None,
        });
        let note = UndoNote {
            backup: "1.0.0_20260102T030405678Z".into(),
            library: true,
            parts: vec![part],
            ..UndoNote::default()
        };
        note.write_aside(&kept).unwrap();
        if carried_out {
            UndoNote::settle(&kept).unwrap();
        }
        note
    }

    #[test]
    fn a_target_that_cannot_be_changed_keeps_nothing_else_from_being_removed() {
        let place = tempfile::tempdir().unwrap();
        let (data, broken) = (place.path().join("data"), place.path().join("broken"));
        // Nothing can be opened in it, and not because it is away.
        fs::create_dir_all(&broken).unwrap();
        fs::write(broken.join(".holdfast"), "").unwrap();
        for number in [1, 2, 3] {
            keep(&data, number, &broken, true);
            fs::write(folder(&data, number).join(LIBRARY).join("library.db"), "").unwrap();
        }
        remove_older(&data);
        for number in [1, 2] {
            assert!(!folder(&data, number).join(LIBRARY).exists(), "{number}");
            // What is left to be removed is known.
            assert!(folder(&data, number).join("undo.json").exists());
        }
        assert!(folder(&data, 3).join(LIBRARY).exists());
        fs::remove_file(broken.join(".holdfast")).unwrap();
        remove_older(&data);
        assert_eq!(numbers(&data.join("undo")).unwrap(), [3]);
        assert_eq!(current(&data).unwrap().unwrap().number, 3);
    }

    #[test]
    fn what_came_to_nothing_is_not_forgotten_while_its_disk_is_away() {
        let place = tempfile::tempdir().unwrap();
        let (data, disk) = (place.path().join("data"), place.path().join("disk"));
        let note = keep(&data, 1, &disk, false);
        forget(&data, 1, &note);
        assert!(folder(&data, 1).join("next.json").exists());
        // The disk comes back with what may be the only copy.
        let kept = disk.join(".holdfast/undo/1/0");
        fs::create_dir_all(&kept).unwrap();
        fs::write(kept.join("0"), "the only copy").unwrap();
        remove_older(&data);
        assert!(kept.join("0").exists());
        assert!(folder(&data, 1).join("next.json").exists());
        fs::remove_file(kept.join("0")).unwrap();
        remove_older(&data);
        assert!(!folder(&data, 1).exists() && !disk.join(".holdfast").exists());
    }
}
