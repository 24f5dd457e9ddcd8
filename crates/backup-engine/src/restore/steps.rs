//! The steps that a walk finds: what is put, and what is taken away.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::changes::kind_of_wanted;
use super::companions::{Siblings, is_database};
use super::dir::Dir;
use super::plan::{LOOKING, Put, Step};
use super::seen::{Kind, Seen};
use super::target::Choice;
use super::tree::Wanted;
use super::walk::Walk;
use crate::Error;
use crate::browse::Change;

impl Walk<'_> {
    /// Puts an entry, in place of what is there.
    pub(super) fn put(
        &mut self,
        folder: &Dir,
        at: &Path,
        wanted: Wanted,
        live: Option<Seen>,
        siblings: &Siblings,
    ) -> Result<(), Error> {
        let is_folder = live.is_some_and(|seen| seen.kind == Kind::Folder);
        if is_folder && self.holds_what_stays(folder, at)? {
            let what = "a folder, with things in it that backups leave out, in place of a file";
            return Err(Error::InTheWay(what.into()));
        }
        if live.is_none() {
            self.is_here(&folder.look_at_self().map_err(LOOKING)?)?;
        }
        if is_database(&wanted) {
            self.take_companions(at, siblings.there_beside(folder, &wanted.name)?)?;
        }
        let change = if live.is_some() {
            Change::Changed
        } else {
            Change::Added
        };
        let put = self.flatten(at, wanted)?;
        self.step(at, live, put, change)
    }

    /// An entry and all that is in it.
    fn flatten(&self, at: &Path, wanted: Wanted) -> Result<Vec<Put>, Error> {
        let (mut open, mut all) = (vec![(PathBuf::new(), wanted)], Vec::new());
        while let Some((within, wanted)) = open.pop() {
            self.go_on()?;
            if Kind::of(&wanted.node.node_type).is_none() {
                tracing::warn!(name = ?wanted.name, "a socket or device of the backup is not made");
                continue;
            }
            if wanted.node.is_dir() {
                let inside = self.contents.folder(&wanted.trees)?;
                let siblings = Siblings::of(&inside);
                for inner in inside {
                    let path = within.join(&inner.name);
                    let whole = at.join(&path);
                    let chosen = siblings.choice(self.target, &whole) != Choice::Outside;
                    if chosen && !self.target.protects(&whole) {
                        open.push((path, inner));
                    }
                }
            }
            all.push(Put {
                within,
                wanted,
                there: Vec::new(),
            });
        }
        Ok(all)
    }

    /// What is on another disk that is mounted in the folder is compared, and cannot be replaced: nothing is renamed from one
    /// disk to another.
    fn is_here(&self, seen: &Seen) -> Result<(), Error> {
        if seen.device == self.device {
            return Ok(());
        }
        let what =
            "another disk is mounted in the folder, and something on it is not as in the backup";
        Err(Error::InTheWay(what.into()))
    }

    pub(super) fn step(
        &mut self,
        at: &Path,
        take: Option<Seen>,
        put: Vec<Put>,
        change: Change,
    ) -> Result<(), Error> {
        take.as_ref().map_or(Ok(()), |seen| self.is_here(seen))?;
        for entry in &put {
            let bytes = self.changes.weigh(entry, self.contents)?;
            let named = kind_of_wanted(&entry.wanted);
            if entry.within.as_os_str().is_empty() {
                let sizes = (take.map(|seen| seen.size), Some(bytes));
                self.changes.note(self.target, (at, named), change, sizes);
            } else {
                let path = at.join(&entry.within);
                let sizes = (None, Some(bytes));
                self.changes
                    .note(self.target, (&path, named), Change::Added, sizes);
            }
        }
        let at = at.to_owned();
        self.steps.insert(at.clone(), Step { at, take, put });
        Ok(())
    }

    pub(super) fn take_companions(
        &mut self,
        database: &Path,
        companions: Vec<(OsString, Seen)>,
    ) -> Result<(), Error> {
        for (name, seen) in companions {
            let at = database.with_file_name(&name);
            self.step(&at, Some(seen), Vec::new(), Change::Removed)?;
        }
        Ok(())
    }
}
