//! The logs of databases in a swap, and what somebody made or changed since it began.

use std::ffi::OsString;
use std::io;

use super::aside::changed_since;
use super::part::PartMoves;
use super::placed::{Placed, There};
use crate::database::database_of;
use crate::restore::beside::{beside, is_database};
use crate::restore::dir::Dir;
use crate::restore::seen::Moment;

impl PartMoves {
    /// What lies beside the place of an entry, would be taken for its log if it is a database, and is not of this swap: made
    /// by somebody since. A log of the swap itself may have been taken, and another made in its place; and where its database
    /// alone was taken and another made, SQLite has made a log of that one of it.
    pub(super) fn strays(&self, folder: &Dir, entry: &Placed) -> io::Result<Vec<OsString>> {
        let (mut strays, beside) = (Vec::new(), beside(folder, entry.name())?);
        let made_again = !beside.is_empty() && self.was_made_again(folder, entry)?;
        for (name, _) in beside {
            let at = entry.at.with_file_name(&name);
            let made_since = match self.moves.iter().find(|log| log.at == at) {
                Some(log) => {
                    let there = self.look(Some(folder), log)?;
                    there.made_since(log) || made_again && log.take && !there.kept
                }
                None => true,
            };
            if made_since {
                strays.push(name);
            }
        }
        Ok(strays)
    }

    /// Whether this was taken, and somebody has made another one in its place.
    fn was_made_again(&self, folder: &Dir, entry: &Placed) -> io::Result<bool> {
        let there = self.look(Some(folder), entry)?;
        Ok(there.kept && there.made_since(entry))
    }

    /// The database that an entry is the log of, by its name.
    fn database_of(&self, log: &Placed) -> Option<&Placed> {
        let of = database_of(log.at.as_os_str())?;
        self.moves.iter().find(|entry| entry.at.as_os_str() == of)
    }

    /// Whether an entry is the log of a database that somebody made where nothing comes, and that stays there.
    pub(super) fn is_of_another(&self, folder: &Dir, log: &Placed) -> io::Result<bool> {
        match self.database_of(log) {
            Some(database) if self.was_made_again(folder, database)? => {
                is_database(folder, database.name())
            }
            _ => Ok(false),
        }
    }

    /// Whether an entry is a log that was taken from a database which is there again, and which somebody worked with since,
    /// without it: SQLite would put pages that are older over those.
    pub(super) fn is_outdated(
        &self,
        folder: &Dir,
        log: &Placed,
        since: Option<Moment>,
    ) -> io::Result<bool> {
        let (Some(database), Some(since)) = (self.database_of(log), since) else {
            return Ok(false);
        };
        let there = self.look(Some(folder), database)?;
        let is_back = database.take && !there.kept;
        let changed = there.live.is_some_and(|seen| seen.mtime > since);
        Ok(is_back && changed && is_database(folder, database.name())?)
    }

    /// What came as the logs of a database, and is one with it.
    pub(super) fn logs_that_came(&self, folder: &Dir, entry: &Placed) -> io::Result<Vec<&Placed>> {
        let mut came = Vec::new();
        for (name, _) in beside(folder, entry.name())? {
            let at = entry.at.with_file_name(&name);
            if let Some(log) = self.moves.iter().find(|log| log.at == at)
                && self.look(Some(folder), log)?.done(log)
                && is_database(folder, entry.name())?
            {
                came.push(log);
            }
        }
        Ok(came)
    }

    /// Whether what came is another one by now, or was changed.
    pub(super) fn worked_with(
        &self,
        folder: &Dir,
        entry: &Placed,
        since: Option<Moment>,
    ) -> io::Result<bool> {
        let there = self.look(Some(folder), entry)?;
        if !there.done(entry) {
            return Ok(false);
        }
        let changed = |since| changed_since(folder, entry.name(), since);
        Ok(there.is_another(entry) || since.map_or(Ok(false), changed)?)
    }

    /// What must not stay beside a database that is still to come.
    pub(super) fn in_the_way(
        &self,
        folder: &Dir,
        entry: &Placed,
        there: &There,
    ) -> io::Result<Vec<OsString>> {
        if !entry.put || !there.incoming {
            return Ok(Vec::new());
        }
        let strays = self.strays(folder, entry)?;
        if strays.is_empty() || !self.is_database(entry)? {
            return Ok(Vec::new());
        }
        if there.kept || !entry.take {
            return Ok(strays);
        }
        // Nothing was taken yet: all of it is of the database that is still there, and goes with it.
        let all = beside(folder, entry.name())?.into_iter();
        Ok(all.map(|(name, _)| name).collect())
    }

    /// Whether what comes is one.
    pub(super) fn is_database(&self, entry: &Placed) -> io::Result<bool> {
        match &self.incoming {
            Some(incoming) if entry.put => is_database(incoming, &entry.incoming),
            _ => Ok(false),
        }
    }
}
