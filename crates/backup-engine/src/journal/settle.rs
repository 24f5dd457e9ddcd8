//! What becomes of a swap that a crash or a failure broke off, at the next start.
//!
//! The library and each folder are settled by themselves, so that one that cannot be reached keeps none of the others half
//! way, and all in one direction, which is written down before anything is renamed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::part::PartMoves;
use super::{LIBRARY, Swap, failed, journal, killed, step};
use crate::Error;
use crate::durable::sync_parent;
use crate::restore::area::Area;
use crate::restore::kept;
use crate::restore::seen::Moment;
use crate::undo::{self, PartNote, UndoNote};

/// Settles a swap that a crash or a failure broke off. To be called before anything opens the library.
///
/// The library is settled in any case, and each folder that can be reached and changed. While there is another one, the
/// journal stays, and so nothing else is restored.
pub(crate) fn settle(data_dir: &Path) -> Result<(), Error> {
    let Some(swap) = read(data_dir)? else {
        return Ok(());
    };
    tracing::warn!(?swap, "settling a restore that was broken off");
    let Some(note) = note_of(data_dir, &swap)? else {
        return set_aside(data_dir);
    };
    let settling = Settling {
        data_dir,
        since: noted_at(&undo::folder(data_dir, swap.keep)),
        note: &note,
        swap: Swap {
            back: swap.back || failed::is_remembered(&note),
            ..swap
        },
    };
    settling.run()
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

/// What a swap is about. `None`: nobody can tell any more, and the library is there.
///
/// Errors: where it is not there, as it may be what the swap has moved.
fn note_of(data_dir: &Path, swap: &Swap) -> Result<Option<UndoNote>, Error> {
    let is_lost = |error: &Error| match error {
        Error::Damaged { .. } => true,
        Error::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    match UndoNote::read_aside(&undo::folder(data_dir, swap.keep)) {
        Err(error) if is_lost(&error) && data_dir.join(LIBRARY).is_dir() => {
            tracing::error!(%error, "what a restore was about that broke off cannot be told any more");
            Ok(None)
        }
        note => note.map(Some),
    }
}

/// Without its note a journal could never be settled, and the program never start again.
fn set_aside(data_dir: &Path) -> Result<(), Error> {
    let aside = data_dir.join("journal.damaged");
    let set_aside = fs::rename(journal(data_dir), &aside)
        .and_then(|()| sync_parent(&aside))
        .and_then(|()| sync_parent(&journal(data_dir)));
    set_aside.map_err(Error::io("setting a journal aside"))
}

/// The places that a swap is about which cannot be settled yet: what is there is neither the old nor the new.
///
/// Errors: `Unsettled` where the library is one of them.
pub(crate) fn unsettled(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(swap) = read(data_dir)? else {
        return Ok(Vec::new());
    };
    let Some(note) = note_of(data_dir, &swap)? else {
        return Ok(Vec::new());
    };
    if note.library && swap.library.is_none() {
        return Err(Error::Unsettled(LIBRARY.into()));
    }
    let mut places = Vec::new();
    for (_, part) in swap.waiting(&note) {
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
    let Some(note) = note_of(data_dir, &swap)? else {
        return Ok(String::new());
    };
    let mark = note.mark.as_deref();
    let away = |part: &(usize, &PartNote)| PartMoves::open(data_dir, &swap, *part, mark).is_err();
    let part = swap.waiting(&note).find(away);
    let part = part.or_else(|| swap.waiting(&note).next());
    Ok(part.map_or_else(|| LIBRARY.to_owned(), |(_, part)| part.name()))
}

impl Swap {
    /// The parts that are not settled, with their numbers.
    fn waiting<'a>(&self, note: &'a UndoNote) -> impl Iterator<Item = (usize, &'a PartNote)> {
        let busy = note.busy_parts();
        busy.filter(|(number, _)| !self.settled.contains(number))
    }

    /// Which way it is settled, where that was decided before.
    fn decided(&self) -> Option<bool> {
        self.forward.or(self.library).or(self.back.then_some(false))
    }
}

/// The settling of one swap.
struct Settling<'a> {
    data_dir: &'a Path,
    note: &'a UndoNote,
    since: Option<Moment>,
    /// As it is in the journal, or could not be written there.
    swap: Swap,
}

/// A part that can be reached, with its number and how far the swap got with it.
struct Reached {
    number: usize,
    moves: PartMoves,
    state: State,
}

/// How far a swap got with what it renames under one folder.
#[derive(Clone, Copy, Default)]
struct State {
    /// It renames anything at all.
    tells: bool,
    begun: bool,
    /// What was to come is nowhere any more.
    lost: bool,
}

impl State {
    fn of(moves: &PartMoves) -> io::Result<Self> {
        let mut state = Self {
            tells: !moves.moves.is_empty(),
            ..Self::default()
        };
        for (entry, there) in moves.all()? {
            state.begun |= there.begun(entry);
            state.lost |= moves.lost(entry, &there);
        }
        Ok(state)
    }
}

impl Settling<'_> {
    fn run(mut self) -> Result<(), Error> {
        let library = self.reach_library()?;
        let parts = self.reach_parts();
        let all = parts.len() == self.swap.waiting(self.note).count();
        let states = library.iter().map(|(_, state)| *state);
        let states: Vec<_> = states.chain(parts.iter().map(|part| part.state)).collect();
        if !all && self.swap.decided().is_none() && !states.iter().any(|state| state.tells) {
            return Ok(());
        }
        let noted = self.decide(&states);
        if noted.is_err() && killed() {
            return noted;
        }
        if let Some((moves, state)) = &library {
            self.settle_library(moves, *state)?;
        }
        match noted {
            // A start that reaches others might decide otherwise.
            Err(error) if !all => {
                tracing::error!(%error, "which way a restore is settled could not be noted");
                return Ok(());
            }
            _ => self.settle_parts(&parts)?,
        }
        if self.swap.waiting(self.note).next().is_some() {
            return Ok(());
        }
        self.end()
    }

    /// `None`: it is settled, or not in the swap.
    fn reach_library(&self) -> Result<Option<(PartMoves, State)>, Error> {
        if !self.note.library || self.swap.library.is_some() {
            return Ok(None);
        }
        let reach = || {
            let moves = PartMoves::of_library(self.data_dir, &self.swap)?;
            let state = State::of(&moves)?;
            Ok((moves, state))
        };
        reach().map(Some).map_err(SETTLING)
    }

    fn reach_parts(&self) -> Vec<Reached> {
        let mut reached = Vec::new();
        for part in self.swap.waiting(self.note) {
            match self.reach(part) {
                Ok(part) => reached.push(part),
                Err(error) => {
                    tracing::error!(%error, "a restore into another folder cannot be settled yet");
                }
            }
        }
        reached
    }

    fn reach(&self, (number, part): (usize, &PartNote)) -> Result<Reached, Error> {
        make_base(part)?;
        let mark = self.note.mark.as_deref();
        let moves = PartMoves::open(self.data_dir, &self.swap, (number, part), mark)?;
        let state = State::of(&moves).map_err(SETTLING)?;
        Ok(Reached {
            number,
            moves,
            state,
        })
    }

    /// It is carried out where it had begun. It is as if it never had where it had not, or was being taken back, or what was
    /// to come is not there any more.
    ///
    /// Errors: where that could not be noted. It is decided all the same.
    fn decide(&mut self, states: &[State]) -> Result<(), Error> {
        let forward = self.swap.decided().unwrap_or_else(|| {
            let lost = states.iter().any(|state| state.lost);
            !lost && states.iter().any(|state| state.begun)
        });
        if self.swap.forward == Some(forward) {
            return Ok(());
        }
        self.swap.forward = Some(forward);
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        step().map_err(SETTLING)?;
        self.swap.write(self.data_dir)
    }

    fn settle_library(&mut self, moves: &PartMoves, state: State) -> Result<(), Error> {
        let carried_out = self.settle_one(moves, state).map_err(SETTLING)?;
        self.swap.library = Some(carried_out);
        self.note_settled().map(drop)
    }

    /// Errors: only where the process is killed.
    fn settle_parts(&mut self, parts: &[Reached]) -> Result<(), Error> {
        for part in parts {
            match self.settle_one(&part.moves, part.state) {
                Ok(carried_out) => self.part_is_settled(part.number, carried_out)?,
                Err(error) if killed() => return Err(SETTLING(error)),
                Err(error) => {
                    tracing::error!(%error, "a restore into another folder cannot be settled yet");
                }
            }
        }
        Ok(())
    }

    /// Returns whether it is carried out.
    fn settle_one(&self, moves: &PartMoves, state: State) -> io::Result<bool> {
        // Others may have been carried out before it was known that what was to come here is gone.
        let carry_out = self.swap.forward == Some(true) && !state.lost;
        if carry_out {
            moves.complete()?;
        } else {
            moves.bring_back(self.since)?;
        }
        Ok(carry_out)
    }

    fn part_is_settled(&mut self, number: usize, carried_out: bool) -> Result<(), Error> {
        self.swap.settled.insert(number);
        if !carried_out && self.swap.forward == Some(true) {
            self.swap.returned.insert(number);
        }
        let noted = self.note_settled()?;
        // By what is removed it is known that what is there is of this swap.
        if noted && !carried_out {
            self.remove_empty(number);
        }
        Ok(())
    }

    /// Returns whether it is noted. Else the next start settles it once more, and finds nothing left to do.
    ///
    /// Errors: only where the process is killed.
    fn note_settled(&self) -> Result<bool, Error> {
        match self.write() {
            Err(error) if killed() => Err(error),
            Err(error) => {
                tracing::error!(%error, "what of a restore is settled could not be noted");
                Ok(false)
            }
            Ok(()) => Ok(true),
        }
    }

    /// Removes what was made in a target for keeping something of a part that was taken back.
    fn remove_empty(&self, number: usize) {
        if let Some(part) = self.note.parts.get(number)
            && part.area == Area::Target
            && let Err(error) = kept::remove_empty(part, number, self.swap.keep, self.note)
        {
            tracing::warn!(%error, "the folders of a restore that came to nothing stay");
        }
    }

    /// Everything is settled: what was carried out can be undone.
    fn end(&self) -> Result<(), Error> {
        let carried_out = self.carried_out();
        if self.swap.forward != Some(true) || !carried_out.changes_anything() {
            self.swap.withdraw(self.data_dir)?;
            undo::forget(self.data_dir, self.swap.keep, self.note);
            return Ok(());
        }
        if carried_out != *self.note {
            let folder = undo::folder(self.data_dir, self.swap.keep);
            let noted = step().and_then(|()| carried_out.write_aside(&folder));
            // On a full disk the journal stays, and the next start looks at it again: all is right already, and in use.
            if let Err(error) = noted {
                tracing::error!(%error, "what of a restore can be undone could not be noted");
                return Ok(());
            }
            self.swap
                .returned
                .iter()
                .for_each(|number| self.remove_empty(*number));
        }
        self.swap.finish(self.data_dir)
    }

    /// The note without what was taken back. What is left of it goes by the same numbers.
    fn carried_out(&self) -> UndoNote {
        let mut note = self.note.clone();
        note.library &= self.swap.library != Some(false);
        for number in &self.swap.returned {
            if let Some(part) = note.parts.get_mut(*number) {
                part.moves.clear();
                part.folders.clear();
            }
        }
        note
    }
}

const SETTLING: fn(io::Error) -> Error = |source| Error::Io {
    doing: "settling a restore",
    source,
};

/// A folder on the disk of the data folder that is not there was deleted by the user since. What was kept of it is there all
/// the same, and nothing would ever be settled without it.
fn make_base(part: &PartNote) -> Result<(), Error> {
    part.check()?;
    if part.area != Area::Data {
        return Ok(());
    }
    part.make_base()
        .map_err(Error::io("making the folder of a restore again"))
}

/// When the note was written: after all that was to come was, and before anything of it was in its place.
pub(super) fn noted_at(folder: &Path) -> Option<Moment> {
    let notes = ["next.json", "undo.json"].map(|note| folder.join(note));
    let found = notes.iter().find_map(|note| fs::metadata(note).ok())?;
    Some((found.mtime(), found.mtime_nsec() as u32))
}
