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
    pub(super) fn open(data_dir: &Path, swap: &Swap, note: &UndoNote) -> Result<Self, Error> {
        let mut parts = Vec::new();
        if note.library {
            let opening = Error::io("opening the data folder");
            parts.push(PartMoves::of_library(data_dir, swap).map_err(opening)?);
        }
        for (number, part) in note.busy_parts() {
            let opened = PartMoves::open(data_dir, swap, (number, part), note.mark.as_deref())?;
            parts.push(opened);
        }
        Ok(Self(parts))
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
        for part in &self.0 {
            part.dress(false)?;
            part.sync()?;
        }
        Ok(())
    }

    /// Brings everything back to where it was, from wherever it is. What somebody worked with since it came is kept.
    ///
    /// Errors: the first one. What is under other folders is brought back all the same.
    pub(super) fn take_back(&mut self, since: Option<Moment>) -> io::Result<()> {
        let mut back = Ok(());
        for part in &self.0 {
            let part_back = part.bring_back(since);
            if let Err(error) = &part_back {
                tracing::error!(%error, "what a failed restore replaced in a folder is not back yet");
            }
            back = back.and(part_back);
        }
        back
    }
}

impl PartMoves {
    /// The whole of taking it back, down to the disk.
    pub(super) fn bring_back(&self, since: Option<Moment>) -> io::Result<()> {
        self.loosen()?;
        self.take_back(since)?;
        self.dress(true)?;
        self.sync()
    }

    /// The whole of carrying out what is left of it, down to the disk.
    pub(super) fn complete(&self) -> io::Result<()> {
        self.loosen()?;
        self.finish()?;
        self.dress(false)?;
        self.sync()
    }
}
