//! What becomes of a swap that a crash or a failure broke off, at the next start.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::moves::Moves;
use super::part::PartMoves;
use super::{LIBRARY, Swap, failed, journal, killed};
use crate::Error;
use crate::restore::area::Area;
use crate::restore::kept;
use crate::restore::seen::Moment;
use crate::undo::{self, PartNote, UndoNote};

/// Settles a swap that a crash or a failure broke off. To be called before anything opens the library.
///
/// The library is settled in any case. Where another folder cannot be reached or changed, the journal stays, and so nothing
/// else is restored until it can.
pub(crate) fn settle(data_dir: &Path) -> Result<(), Error> {
    let Some(swap) = read(data_dir)? else {
        return Ok(());
    };
    tracing::warn!(?swap, "settling a restore that was broken off");
    let folder = undo::folder(data_dir, swap.keep);
    let note = UndoNote::read_aside(&folder)?;
    let swap = Swap {
        back: swap.back || failed::is_remembered(&note),
        ..swap
    };
    let since = noted_at(&folder);
    let settled = make_bases(&note).and_then(|()| Moves::open(data_dir, swap, &note));
    match settled.and_then(|mut moves| moves.settle(swap, since)) {
        Ok(true) => swap.finish(data_dir),
        Ok(false) if swap.library == Some(true) => finish_library(data_dir, swap, &note),
        Ok(false) => {
            swap.withdraw(data_dir)?;
            undo::forget(data_dir, swap.keep, &note);
            Ok(())
        }
        Err(error) if killed() => Err(error),
        Err(error) => {
            if note.library {
                settle_library(data_dir, swap, since)?;
            }
            tracing::error!(%error, "a restore into another folder cannot be settled yet");
            Ok(())
        }
    }
}

fn read(data_dir: &Path) -> Result<Option<Swap>, Error> {
    let text = match fs::read(journal(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::Io {
                doing: "reading the journal",
                source,
            });
        }
    };
    // The journal is written whole or not at all, so one that does not read is damage, and nothing to guess about.
    let swap = serde_json::from_slice(&text).map_err(|error| Error::Damaged {
        backup: None,
        detail: format!("the journal of a restore: {error}"),
    })?;
    Ok(Some(swap))
}

/// The places that a swap is about which cannot be settled yet: what is there is neither the old nor the new.
///
/// Errors: `Unsettled` where the library is one of them.
pub(crate) fn unsettled(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(swap) = read(data_dir)? else {
        return Ok(Vec::new());
    };
    let note = UndoNote::read_aside(&undo::folder(data_dir, swap.keep))?;
    if note.library && swap.library.is_none() {
        return Err(Error::Unsettled(LIBRARY.into()));
    }
    let mut places = Vec::new();
    for part in &note.parts {
        let base = part.base();
        places.extend(part.moves.iter().map(|entry| base.join(entry.at())));
    }
    Ok(places)
}

/// The name of the first folder that a swap waits for: one that cannot be reached, or, where all can, cannot be changed.
pub(crate) fn waits_for(data_dir: &Path) -> Result<String, Error> {
    let Some(swap) = read(data_dir)? else {
        return Ok(String::new());
    };
    let note = UndoNote::read_aside(&undo::folder(data_dir, swap.keep))?;
    let mark = note.mark.as_deref();
    let mut parts = note.parts.iter().enumerate();
    let away = parts.find(|part| PartMoves::open(data_dir, swap, *part, mark).is_err());
    let part = away.map(|(_, part)| part).or(note.parts.first());
    Ok(part.map_or_else(|| LIBRARY.to_owned(), PartNote::name))
}

/// A folder on the disk of the data folder that is not there was deleted by the user since. What was kept of it is there all
/// the same, and nothing would ever be settled without it.
fn make_bases(note: &UndoNote) -> Result<(), Error> {
    for part in note.parts.iter().filter(|part| part.area == Area::Data) {
        part.check()?;
        part.make_base()
            .map_err(Error::io("making the folder of a restore again"))?;
    }
    Ok(())
}

/// When the note was written: after all that was to come was, and before anything of it was in its place.
pub(super) fn noted_at(folder: &Path) -> Option<Moment> {
    let notes = ["next.json", "undo.json"].map(|note| folder.join(note));
    let found = notes.iter().find_map(|note| fs::metadata(note).ok())?;
    Some((found.mtime(), found.mtime_nsec() as u32))
}

/// Settles the library alone. It is in use from now on, so what becomes of the other folders must not change it again.
fn settle_library(data_dir: &Path, swap: Swap, since: Option<Moment>) -> Result<(), Error> {
    if swap.library.is_some() {
        return Ok(());
    }
    let carried_out = Moves::of_library(data_dir, swap)?.settle(swap, since)?;
    let settled = Swap {
        library: Some(carried_out),
        ..swap
    };
    if let Err(error) = settled.write(data_dir) {
        tracing::error!(%error, "that the library is settled could not be noted");
    }
    Ok(())
}

/// The library was restored, and the other folders are as they were: what can be undone is the library alone.
fn finish_library(data_dir: &Path, swap: Swap, note: &UndoNote) -> Result<(), Error> {
    let library_alone = UndoNote {
        parts: Vec::new(),
        ..note.clone()
    };
    // On a full disk the journal stays, and the next start looks at it again: the library is right already, and in use.
    if let Err(error) = library_alone.write_aside(&undo::folder(data_dir, swap.keep)) {
        tracing::error!(%error, "what of a restore can be undone could not be noted");
        return Ok(());
    }
    // Not before: by them it is known that what is there is of this swap.
    for (at, part) in note.parts.iter().enumerate() {
        if part.area == Area::Target
            && let Err(error) = kept::remove_empty(part, at, swap.keep, note)
        {
            tracing::warn!(%error, "the folders of a restore that came to nothing stay");
        }
    }
    swap.finish(data_dir)
}
