//! What each program is asked to do, so that the rounds treat all of them alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::child::Cost;

/// One of the backups of a round.
#[derive(Clone, Copy, PartialEq)]
pub enum Which {
    First,
    Changed,
    Unchanged,
}

impl Which {
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A backup program with a repository and an input of its own. `None`: it has no such thing.
pub trait Program {
    fn name(&self) -> &'static str;

    /// The folder that is backed up.
    fn input(&self) -> PathBuf;

    /// Where the backups lie.
    fn repository(&self) -> PathBuf;

    /// How long it took to make the repository, where the first backup does not do that.
    fn set_up(&self) -> Duration {
        Duration::ZERO
    }

    fn back_up(&mut self, which: Which) -> Cost;

    /// Restores below a folder that does not exist yet. Returns also where the content of the input lies then.
    fn restore_to(&mut self, which: Which, folder: &Path) -> Option<(Cost, PathBuf)>;

    /// Makes the input what it was.
    fn restore_in_place(&mut self, which: Which) -> Option<Cost>;

    /// Proves by a rehearsal that this backup can be restored.
    fn rehearse(&mut self, _which: Which) -> Option<()> {
        None
    }

    /// Brings back what the restore in place replaced: the state of the changed backup.
    fn undo(&mut self) -> Option<Cost>;
}
