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
    let removed = newest(data_dir).and_then(|newest| {
        for number in numbers(&data_dir.join("undo"))? {
            if Some(number) == newest {
                continue;
            }
            failpoint("undo-remove")?;
            let note = UndoNote::read_aside(&folder(data_dir, number)).unwrap_or_default();
            if folder(data_dir, number).join(NOTES[0]).is_file() {
                remove_all(data_dir, number, &note)?;
            } else {
                forget(data_dir, number, &note);
            }
        }
        Ok(())
    });
    if let Err(error) = removed {
        tracing::warn!(%error, "what an older restore replaced stays for now");
    }
}

/// One that was only half written as well.
fn is_note(name: &OsStr) -> bool {
    name == "next.new" || NOTES.iter().any(|note| name == *note)
}

/// The notes last, and not while a disk is away, so that what is left of an interrupted removal is still known to be one.
fn remove_all(data_dir: &Path, number: u64, note: &UndoNote) -> io::Result<()> {
    let mut away = Vec::new();
    for part in note.parts.iter().filter(|part| part.area == Area::Target) {
        if kept::is_away(part)? {
            away.push(part.clone());
        } else {
            kept::remove(part, number, note)?;
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
    for (at, part) in note.parts.iter().enumerate() {
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
