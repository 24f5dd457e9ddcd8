//! One entry of a swap, and which of its three places are taken: how far the swap got with it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::restore::seen::{Lasting, Seen};
use crate::undo::Move;

/// An entry and the names of its three places.
pub(super) struct Placed {
    pub at: PathBuf,
    pub take: bool,
    pub put: bool,
    pub seen: Option<Seen>,
    pub comes: Option<Lasting>,
    pub incoming: OsString,
    pub kept: OsString,
}

/// Which of the three places of an entry are taken.
pub(super) struct There {
    pub live: Option<Seen>,
    pub kept: bool,
    pub incoming: bool,
}

impl Placed {
    pub(super) fn of(entry: &Move) -> Self {
        let number = OsString::from(entry.number.to_string());
        Self {
            at: entry.at(),
            take: entry.take,
            put: entry.put,
            seen: entry.seen,
            comes: entry.comes,
            incoming: number.clone(),
            kept: number,
        }
    }

    pub(super) fn name(&self) -> &OsStr {
        self.at.file_name().unwrap_or_default()
    }
}

impl There {
    /// The new one is in its place.
    pub(super) fn done(&self, entry: &Placed) -> bool {
        entry.put && !self.incoming && self.live.is_some() && (!entry.take || self.kept)
    }

    /// It is not what came, or was written to, whatever its time says.
    pub(super) fn is_another(&self, entry: &Placed) -> bool {
        let now = self.live.map(|seen| seen.lasting());
        entry.comes.is_some() && entry.comes != now
    }

    /// What is in the live place is neither what was there nor what comes.
    pub(super) fn made_since(&self, entry: &Placed) -> bool {
        let gone = self.kept || !entry.take;
        gone && self.live.is_some() && (!entry.put || self.incoming)
    }

    pub(super) fn begun(&self, entry: &Placed) -> bool {
        entry.take && self.kept || self.done(entry)
    }
}
