//! The note of a swap that brings back what another one kept.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::paths::{Parents, there_or_not};
use crate::Error;
use crate::database::database_of;
use crate::names::escape;
use crate::restore::area::Area;
use crate::restore::beside::{beside, is_database};
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
        let known: HashSet<_> = part.moves.iter().map(Move::at).collect();
        let numbers = part.moves.iter().map(|entry| entry.number);
        let mut next = numbers.max().unwrap_or(0).saturating_add(1);
        let mut left_alone = HashSet::new();
        for entry in &part.moves {
            let at = entry.at();
            let of = database_of(at.as_os_str()).map(Path::new);
            if of.is_some_and(|of| left_alone.contains(of)) {
                continue;
            }
            base.walk_making(at.parent().unwrap_or(Path::new("")))?;
            let name = at.file_name().unwrap_or_default();
            let folder = parents.of(&at)?;
            let live = folder.look(name)?;
            let kept = entry.number.to_string();
            let comes = there.look(kept.as_ref())?;
            let put = comes.is_some();
            // What was to be kept was set aside, or removed by the user: without what came there would be nothing.
            if entry.take && !put {
                if is_database(folder, name)? {
                    left_alone.insert(at);
                }
                continue;
            }
            if put || live.is_some() {
                moves.push(Move {
                    number: entry.number,
                    at: entry.at.clone(),
                    take: live.is_some(),
                    put,
                    seen: live,
                    comes: comes.map(|seen| seen.lasting()),
                });
            }
            // The log of one database does not stay beside another one, nor for one that comes later.
            for (log, seen) in beside(folder, name)? {
                let log = at.with_file_name(log);
                if !known.contains(&log)
                    && (is_database(folder, name)? || is_database(&there, kept.as_ref())?)
                {
                    moves.push(Move {
                        number: next,
                        at: escape(&log),
                        take: true,
                        put: false,
                        seen: Some(seen),
                        comes: None,
                    });
                    next = next.saturating_add(1);
                }
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
