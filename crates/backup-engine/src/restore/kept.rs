//! What restores keep in a target on another disk: `.holdfast/undo/N`. More than one data folder may keep something there,
//! and one disk may be in the place of another, so each folder is made for one commit alone and marked as its own.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::dir::Dir;
use crate::sources::OWN_FOLDER;
use crate::undo::{PartNote, UndoNote, numbered};

/// Beside the folders of the parts, which have numbers for names.
const MARK: &str = "mark";

/// A mark that no other commit has.
pub(crate) fn new_mark() -> String {
    crate::hex::hex(&rand::random::<[u8; 16]>())
}

/// Where the numbers of a target are.
pub(crate) fn undo_of(base: &Path) -> PathBuf {
    base.join(OWN_FOLDER).join("undo")
}

/// Makes the folder of a commit in the folder of our own in a target. Errors: `AlreadyExists` where something has its
/// number, whoever made it.
pub(crate) fn make(own: &Dir, number: u64, mark: Option<&str>) -> io::Result<()> {
    let undo = own.walk_making("undo".as_ref())?;
    let name = number.to_string();
    undo.make_folder(name.as_ref())?;
    undo.sync()?;
    let folder = undo.enter(name.as_ref())?;
    if let Some(mark) = mark {
        let mut file = folder.create_file(MARK.as_ref())?;
        file.write_all(mark.as_bytes())?;
        file.sync_all()?;
    }
    folder.sync()
}

/// Whether the folder with this number was made for the commit with this mark. Earlier versions made none.
pub(crate) fn is_ours(own: &Dir, number: u64, mark: Option<&str>) -> io::Result<bool> {
    let folder = own.walk(&numbered(number))?;
    let mut there = String::new();
    match folder.look(MARK.as_ref())? {
        None => Ok(mark.is_none()),
        Some(_) => {
            folder
                .read_file(MARK.as_ref())?
                .read_to_string(&mut there)?;
            Ok(mark == Some(there.as_str()))
        }
    }
}

/// [`is_ours`], as an error.
pub(crate) fn check(own: &Dir, number: u64, mark: Option<&str>) -> io::Result<()> {
    if is_ours(own, number, mark)? {
        return Ok(());
    }
    let why = "another disk is in the place of the one with what was replaced";
    Err(io::Error::new(io::ErrorKind::NotFound, why))
}

/// Whether the folder of a part is not there, and what is kept in it cannot be told.
pub(crate) fn is_away(part: &PartNote) -> io::Result<bool> {
    Ok(!part.base().try_exists()?)
}

/// Removes all that a commit kept of a part, and what else it made in its target.
pub(crate) fn remove(part: &PartNote, number: u64, note: &UndoNote) -> io::Result<()> {
    let Some((base, own)) = opened(part)? else {
        return Ok(());
    };
    let ours = match is_ours(&own, number, note.mark.as_deref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        ours => ours?,
    };
    if !ours {
        tracing::info!(
            number,
            "what another data folder keeps in a target is left there"
        );
        return Ok(());
    }
    let folder = own.walk(&numbered(number))?;
    for name in folder.names()? {
        // Last, so that what an interrupted removal leaves is still known.
        if name != MARK {
            folder.remove(&name)?;
        }
    }
    own.enter("undo".as_ref())?
        .remove(number.to_string().as_ref())?;
    remove_ours(&base, &own)
}

/// Removes the folders that a commit made for a part, where nothing is in them. Returns whether nothing of it is left.
pub(crate) fn remove_empty(
    part: &PartNote,
    at: usize,
    number: u64,
    note: &UndoNote,
) -> io::Result<bool> {
    // What lies there may be the only copy.
    if is_away(part)? {
        return Ok(false);
    }
    let Some((base, own)) = opened(part)? else {
        return Ok(true);
    };
    let folder = match own.walk(&numbered(number)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        folder => folder?,
    };
    let empty = folder.names()?.is_empty();
    if !empty && !is_ours(&own, number, note.mark.as_deref())? {
        return Ok(true);
    }
    if !folder.remove_empty(at.to_string().as_ref())? {
        return Ok(false);
    }
    if folder.names()?.iter().all(|name| name == MARK) {
        folder.remove(MARK.as_ref())?;
        let name = number.to_string();
        own.enter("undo".as_ref())?.remove_empty(name.as_ref())?;
    }
    remove_ours(&base, &own)?;
    Ok(true)
}

/// The base and the folder of our own in it; `None`: gone, or never made.
fn opened(part: &PartNote) -> io::Result<Option<(Dir, Dir)>> {
    let open = || -> io::Result<(Dir, Dir)> {
        let base = Dir::open(&part.base())?;
        let own = base.enter(OWN_FOLDER.as_ref())?;
        Ok((base, own))
    };
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn remove_ours(base: &Dir, own: &Dir) -> io::Result<()> {
    own.remove_empty("undo".as_ref())?;
    base.remove_empty(OWN_FOLDER.as_ref())?;
    Ok(())
}
