//! What SQLite keeps beside a database goes and stays with it: in the place of another one it would be applied to that.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::beside::{self, beside};
use super::dir::Dir;
use super::plan::LOOKING;
use super::seen::Seen;
use super::target::{Choice, Target};
use super::tree::Wanted;
use crate::Error;
use crate::database::database_of;
use crate::destination::Part;

/// The names that a backup has in one folder.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    names: HashSet<OsString>,
    databases: HashSet<OsString>,
}

pub(super) fn is_database(wanted: &Wanted) -> bool {
    wanted.part == Part::Databases && wanted.node.is_file()
}

impl Siblings {
    pub(super) fn of(wanted: &[Wanted]) -> Self {
        let name = |wanted: &Wanted| wanted.name.clone();
        let databases = wanted.iter().filter(|wanted| is_database(wanted));
        Self {
            names: wanted.iter().map(name).collect(),
            databases: databases.map(name).collect(),
        }
    }

    pub(super) fn names(&self) -> &HashSet<OsString> {
        &self.names
    }

    /// The database with which this was stored, as its log or journal.
    pub(super) fn stored_with<'a>(&self, name: &'a OsStr) -> Option<&'a OsStr> {
        let database = database_of(name)?;
        (self.databases.contains(name) && self.databases.contains(database)).then_some(database)
    }

    /// Such a log is chosen with its database.
    pub(super) fn choice(&self, target: &Target, at: &Path) -> Choice {
        match self.stored_with(at.file_name().unwrap_or_default()) {
            Some(database) => target.choice(&at.with_file_name(database)),
            None => target.choice(at),
        }
    }

    /// Such a log has a step of its own, also where it is the same: so that it is known to belong to what comes.
    pub(super) fn always_comes(&self, name: &OsStr) -> bool {
        self.stored_with(name).is_some()
    }

    /// What lies beside this database as a log or an index of it, and is not in the backup.
    pub(super) fn there_beside(
        &self,
        folder: &Dir,
        database: &OsStr,
    ) -> Result<Vec<(OsString, Seen)>, Error> {
        let mut there = beside(folder, database).map_err(LOOKING)?;
        there.retain(|(name, _)| !self.names.contains(name));
        Ok(there)
    }

    /// Whether this file of the backup is a log of a database that is there, is not in the backup and stays. What only has
    /// the name of one lies beside something else, or beside nothing.
    pub(super) fn is_of_one_that_stays(
        &self,
        target: &Target,
        folder: &Dir,
        at: &Path,
    ) -> Result<bool, Error> {
        let name = at.file_name().unwrap_or_default();
        let Some(database) = database_of(name).filter(|of| !self.names.contains(*of)) else {
            return Ok(false);
        };
        let is_there = beside::is_database(folder, database).map_err(LOOKING)?;
        Ok(is_there && (!target.removes || target.keeps(&at.with_file_name(database), false)))
    }
}
