//! The renames of a swap, under all folders together.

use std::io;
use std::path::Path;

use super::Swap;
use super::part::PartMoves;
use crate::Error;
use crate::restore::seen::Moment;
use crate::undo::UndoNote;

/// All that a swap renames.
pub(super) struct Moves(Vec<PartMoves>);

impl Moves {
    /// Errors: where a folder of it is not there, or the note names something else than what a restore may rename.
    pub(super) fn open(data_dir: &Path, swap: Swap, note: &UndoNote) -> Result<Self, Error> {
        let mut parts = Vec::new();
        if note.library && swap.library.is_none() {
            parts.extend(Self::of_library(data_dir, swap)?.0);
        }
        for (number, part) in note.parts.iter().enumerate() {
            let opened = PartMoves::open(data_dir, swap, (number, part), note.mark.as_deref())?;
            parts.push(opened);
        }
        Ok(Self(parts))
    }

    pub(super) fn of_library(data_dir: &Path, swap: Swap) -> Result<Self, Error> {
        let opening = Error::io("opening the data folder");
        PartMoves::of_library(data_dir, swap)
            .map(|part| Self(vec![part]))
            .map_err(opening)
    }

    /// First everything that is there goes, then everything comes: at no time lies an entry beside one that it does not
    /// belong to, a database beside the log of another.
    pub(super) fn carry_out(&mut self) -> Result<(), Error> {
        let replacing = Error::io("replacing what is there");
        self.carry_out_all().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::StaleNetworkFileHandle => {
                Error::ChangedMeanwhile
            }
            _ => replacing(error),
        })
    }

    fn carry_out_all(&mut self) -> io::Result<()> {
        for part in &self.0 {
            part.loosen()?;
        }
        for part in &self.0 {
            part.take()?;
        }
        for part in &self.0 {
            part.put()?;
        }
        self.dress(false)
    }

    /// Brings everything back to where it was, from wherever it is. What somebody worked with since it came is kept.
    pub(super) fn take_back(&mut self, since: Option<Moment>) -> io::Result<()> {
        for part in &self.0 {
            part.loosen()?;
            part.take_back(since)?;
        }
        self.dress(true)
    }

    fn dress(&self, back: bool) -> io::Result<()> {
        for part in &self.0 {
            part.dress(back)?;
            part.sync()?;
        }
        Ok(())
    }

    /// Ends what broke off. True: it is carried out; false: it is as if it had never begun, because it had not, or was
    /// being taken back, or what was to come is not there any more.
    pub(super) fn settle(&mut self, swap: Swap, since: Option<Moment>) -> Result<bool, Error> {
        self.settle_all(swap, since)
            .map_err(Error::io("settling a restore"))
    }

    fn settle_all(&mut self, swap: Swap, since: Option<Moment>) -> io::Result<bool> {
        let back = swap.back || swap.library == Some(false);
        let (mut begun, mut lost) = (swap.library == Some(true), false);
        for part in &self.0 {
            for (entry, there) in part.all()? {
                begun |= there.begun(entry);
                lost |= part.lost(entry, &there);
            }
        }
        if back || lost || !begun {
            self.take_back(since)?;
            return Ok(false);
        }
        for part in &self.0 {
            part.loosen()?;
            part.finish()?;
        }
        self.dress(false)?;
        Ok(true)
    }
}
