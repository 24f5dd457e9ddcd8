//! The note of a swap that brings back what another one kept.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::paths::{Parents, there_or_not};
use super::shut;
use crate::Error;
use crate::database::database_of;
use crate::names::escape;
use crate::restore::area::Area;
use crate::restore::beside::{beside, is_database};
use crate::restore::dir::Dir;
use crate::restore::kept;
use crate::restore::seen::Seen;
use crate::undo::{self, FolderNote, Kept, Move, PartNote};

/// What there is to bring back under one folder, and what is to be kept in its place. Nothing is made for that, and a folder
/// that had to be opened to be looked into has its mode again.
///
/// Errors: `KeptAway` where the disk with what was kept is not there.
pub(crate) fn reversed(
    data_dir: &Path,
    number: usize,
    kept: &Kept,
    part: &PartNote,
) -> Result<PartNote, Error> {
    part.check()?;
    if part.is_idle() {
        return Ok(part.clone());
    }
    let reversed = || {
        let places = Places::open(data_dir, number, kept, part)?;
        Ok(PartNote {
            moves: places.moves(part)?,
            folders: places.folders(part)?,
            ..part.clone()
        })
    };
    reversed().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound if part.area == Area::Target => Error::KeptAway(part.name()),
        _ => Error::io("looking at what can be undone")(error),
    })
}

/// Where things are that an undo brings back, and where they come to.
struct Places {
    /// `None`: it was deleted since, and is made again by the commit.
    base: Option<Dir>,
    kept: Dir,
}

impl Places {
    fn open(data_dir: &Path, number: usize, kept: &Kept, part: &PartNote) -> io::Result<Self> {
        let base = there_or_not(Dir::open(&part.base()))?;
        let area = match (&base, part.area) {
            (_, Area::Data) => Dir::open(data_dir)?,
            (Some(base), Area::Target) => part.area.open(data_dir, base)?,
            (None, Area::Target) => return Err(io::ErrorKind::NotFound.into()),
        };
        if part.area == Area::Target {
            kept::check(&area, kept.number, kept.note.mark.as_deref())?;
        }
        let kept = area.walk(&undo::kept(kept.number, number))?;
        Ok(Self { base, kept })
    }

    fn moves(&self, part: &PartNote) -> io::Result<Vec<Move>> {
        let mut parents = self.base.as_ref().map(Parents::new);
        let mut moves = Vec::new();
        let known: HashSet<_> = part.moves.iter().map(Move::at).collect();
        let (mut left_alone, mut comes) = (HashSet::new(), HashMap::<PathBuf, String>::new());
        let numbers = part.moves.iter().map(|entry| entry.number);
        let mut next = numbers.max().unwrap_or(0).saturating_add(1);
        for entry in &part.moves {
            let at = entry.at();
            let of = database_of(at.as_os_str()).map(Path::new);
            if of.is_some_and(|of| left_alone.contains(of)) {
                continue;
            }
            let folder = match &mut parents {
                Some(parents) => there_or_not(parents.of(&at))?,
                None => None,
            };
            let reversed = self.reversed(folder, entry)?;
            let comes_beside = match of.and_then(|of| comes.get(of)) {
                Some(database) => is_database(&self.kept, database.as_ref())?,
                None => false,
            };
            // What was to be kept was set aside, or removed by the user: without what came there would be nothing. But a log
            // does not stay beside another database than its own.
            if entry.take && !reversed.put && !comes_beside {
                if self.is_database(folder, entry)? {
                    left_alone.insert(at);
                }
                continue;
            }
            if reversed.put {
                comes.insert(at.clone(), entry.number.to_string());
            }
            if reversed.put || reversed.take {
                moves.push(reversed);
            }
            for (log, seen) in self.logs(folder, entry)? {
                if !known.contains(&log) {
                    moves.push(gone(next, &log, seen));
                    next = next.saturating_add(1);
                }
            }
        }
        Ok(moves)
    }

    /// `folder`: `None` where it is gone.
    fn reversed(&self, folder: Option<&Dir>, entry: &Move) -> io::Result<Move> {
        let at = entry.at();
        let name = at.file_name().unwrap_or_default();
        let live = folder
            .map(|folder| folder.look(name))
            .transpose()?
            .flatten();
        let comes = self.kept.look(entry.number.to_string().as_ref())?;
        Ok(Move {
            number: entry.number,
            at: entry.at.clone(),
            take: live.is_some(),
            put: comes.is_some(),
            seen: live,
            comes: comes.map(|seen| seen.lasting()),
        })
    }

    /// Whether one is there.
    fn is_database(&self, folder: Option<&Dir>, entry: &Move) -> io::Result<bool> {
        let at = entry.at();
        let name = at.file_name().unwrap_or_default();
        folder.map_or(Ok(false), |folder| is_database(folder, name))
    }

    /// The log of one database does not stay beside another one, nor for one that comes later.
    fn logs(&self, folder: Option<&Dir>, entry: &Move) -> io::Result<Vec<(PathBuf, Seen)>> {
        let at = entry.at();
        let name = at.file_name().unwrap_or_default();
        let logs = folder.map_or(Ok(Vec::new()), |folder| beside(folder, name))?;
        let kept = entry.number.to_string();
        if logs.is_empty()
            || !self.is_database(folder, entry)? && !is_database(&self.kept, kept.as_ref())?
        {
            return Ok(Vec::new());
        }
        let logs = logs.into_iter();
        Ok(logs
            .map(|(log, seen)| (at.with_file_name(log), seen))
            .collect())
    }

    fn folders(&self, part: &PartNote) -> io::Result<Vec<FolderNote>> {
        let mut folders = Vec::new();
        for folder in part.folders.iter().filter(|folder| folder.before.is_some()) {
            let there = match &self.base {
                Some(base) => shut::is_there(base, &folder.at())?,
                None => false,
            };
            folders.push(FolderNote {
                at: folder.at.clone(),
                // One that is gone has nothing to go back to, and gets what it had once it is made again.
                before: folder.after.clone().filter(|_| there),
                after: folder.before.clone(),
            });
        }
        Ok(folders)
    }
}

/// Of a log that nothing comes in the place of.
fn gone(number: u64, at: &Path, seen: Seen) -> Move {
    Move {
        number,
        at: escape(at),
        take: true,
        put: false,
        seen: Some(seen),
        comes: None,
    }
}
