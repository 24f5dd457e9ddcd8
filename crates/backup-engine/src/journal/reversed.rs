//! The note of a swap that brings back what another one kept.

use std::io;
use std::path::Path;

use super::part::{Parents, there_or_not};
use crate::Error;
use crate::restore::area::Area;
use crate::restore::dir::Dir;
use crate::restore::kept;
use crate::restore::seen::Kind;
use crate::undo::{self, FolderNote, Kept, Move, PartNote};

/// What there is to bring back under one folder, and what is to be kept in its place.
pub(crate) fn reversed(
    data_dir: &Path,
    number: usize,
    kept: &Kept,
    part: &PartNote,
) -> Result<PartNote, Error> {
    part.check()?;
    let reversed = || -> io::Result<PartNote> {
        let base = Dir::open(&part.base())?;
        let area: Area = part.area;
        let area_folder = area.open(data_dir, &base)?;
        if area == Area::Target {
            kept::check(&area_folder, kept.number, kept.note.mark.as_deref())?;
        }
        let there = area_folder.walk(&undo::kept(kept.number, number))?;
        let mut parents = Parents::new(&base);
        let mut moves = Vec::new();
        for entry in &part.moves {
            let at = entry.at();
            base.walk_making(at.parent().unwrap_or(Path::new("")))?;
            let live = parents.of(&at)?.look(at.file_name().unwrap_or_default())?;
            let put = there.look(entry.number.to_string().as_ref())?.is_some();
            if put || live.is_some() {
                moves.push(Move {
                    number: entry.number,
                    at: entry.at.clone(),
                    take: live.is_some(),
                    put,
                    seen: live,
                });
            }
        }
        let mut folders = Vec::new();
        for folder in part.folders.iter().filter(|folder| folder.before.is_some()) {
            let seen = match there_or_not(base.walk(&folder.at()))? {
                Some(open) => open.look_at_self()?,
                None => continue,
            };
            debug_assert_eq!(seen.kind, Kind::Folder);
            folders.push(FolderNote {
                at: folder.at.clone(),
                before: folder.after.clone(),
                after: folder.before.clone(),
            });
        }
        Ok(PartNote {
            moves,
            folders,
            ..part.clone()
        })
    };
    reversed().map_err(Error::io("looking at what can be undone"))
}
