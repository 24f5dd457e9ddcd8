//! The commit of a restore: renames alone, of the library's folder and of all that differs in other folders, with a journal
//! that is settled at the next start, before anything opens the library.
//!
//! For each entry that is renamed there are three places: the live one, where it is kept, and where the new one comes from.
//! Which of them are taken tells how far a swap got, however often it is looked at.

mod aside;
mod failed;
mod logs;
mod moves;
mod part;
mod paths;
mod placed;
mod reversed;
mod settle;
mod shut;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::durable::{
    create_private_folder, remove_if_there, sync_folder, sync_parent, write_private,
};
use crate::restore::area::Area;
use crate::restore::dir::Dir;
use crate::restore::kept;
use crate::undo::{self, PartNote, UndoNote};
use moves::Moves;
pub(crate) use reversed::reversed;
pub(crate) use settle::{settle, unsettled, waits_for};

/// The folder of the library in the data folder.
pub(crate) const LIBRARY: &str = "library";

/// `restore/journal.json`. It holds numbers; the paths are in the note of the same swap, which is checked before it is
/// trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Swap {
    pub incoming: Incoming,
    /// The number under which what is replaced is kept: a new one.
    pub keep: u64,
    /// It failed, and is being taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// Which way a start settles all of it, once that is decided: true: it is carried out; false: it is taken back. Written
    /// before anything is settled, as what is left of the swap tells less afterwards. Earlier versions noted `library` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<bool>,
    /// The library is settled: whether it is carried out. It is in use since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<bool>,
    /// The parts that are settled. They are in use since, and not looked at again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub settled: BTreeSet<usize>,
    /// Those of them that were taken back although the rest is carried out, because what was to come was gone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub returned: BTreeSet<usize>,
}

/// What takes the place of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Incoming {
    Staged,
    Kept(u64),
}

/// Where a restore stages the library.
pub(crate) fn staged(data_dir: &Path) -> PathBuf {
    data_dir.join("restore").join("staged")
}

fn journal(data_dir: &Path) -> PathBuf {
    data_dir.join("restore").join("journal.json")
}

/// Whether a swap broke off that could not be taken back. What it was about must not be touched before it is settled.
pub(crate) fn is_pending(data_dir: &Path) -> Result<bool, Error> {
    journal(data_dir)
        .try_exists()
        .map_err(Error::io("looking for the journal"))
}

impl Swap {
    pub(crate) const fn new(incoming: Incoming, keep: u64) -> Self {
        Self {
            incoming,
            keep,
            back: false,
            forward: None,
            library: None,
            settled: BTreeSet::new(),
            returned: BTreeSet::new(),
        }
    }

    /// Carries the swap out, with what *Undo restore* needs to know noted first. On an error everything is as before; where
    /// even that failed, the journal stays, and the next start or restore settles it.
    ///
    /// Errors: `ChangedMeanwhile` where something is not any more what the plan saw.
    pub(crate) fn commit(&self, data_dir: &Path, note: &UndoNote) -> Result<(), Error> {
        let note = &UndoNote {
            mark: Some(kept::new_mark()),
            ..note.clone()
        };
        if let Err(source) = self.announce(data_dir, note) {
            return self.drop(data_dir, note, Error::io("writing the journal")(source));
        }
        let mut moves = match Moves::open(data_dir, self, note) {
            Ok(moves) => moves,
            Err(error) => return self.drop(data_dir, note, error),
        };
        if let Err(error) = moves.carry_out() {
            if !killed() {
                self.take_back(data_dir, note, &mut moves)?;
            }
            return self.drop(data_dir, note, error);
        }
        if killed() {
            return Err(Error::Unsettled(LIBRARY.into()));
        }
        // From here on the journal says nothing that is not so already.
        if let Err(error) = self.finish(data_dir) {
            tracing::warn!(%error, "the journal of a restore stays until the next start");
        }
        Ok(())
    }

    /// What failed is as it was before: only then is its journal not needed any more. Returns what it failed with.
    fn drop(&self, data_dir: &Path, note: &UndoNote, failed: Error) -> Result<(), Error> {
        if !killed() {
            self.withdraw(data_dir)?;
            undo::forget(data_dir, self.keep, note);
        }
        Err(failed)
    }

    /// On an error the journal stays, with all that it is about, for the next start.
    fn take_back(&self, data_dir: &Path, note: &UndoNote, moves: &mut Moves) -> Result<(), Error> {
        let noted = self.note_failure(data_dir);
        if let Err(error) = &noted {
            tracing::warn!(%error, "that a restore failed could not be noted");
        }
        // Somebody may have worked with what had come already, as after a crash.
        let since = settle::noted_at(&undo::folder(data_dir, self.keep));
        let back = moves.take_back(since);
        if back.is_err() && noted.is_err() {
            self.note_failure_after_all(data_dir, note);
        }
        back.map_err(Error::io("taking a failed restore back"))
    }

    /// Without this word a start would finish what is still half way, long after it was said to have failed: what is worked
    /// with since would go to what is kept.
    fn note_failure_after_all(&self, data_dir: &Path, note: &UndoNote) {
        if let Err(error) = self.note_failure(data_dir) {
            tracing::error!(%error, "that a restore failed is known to this process alone");
            failed::remember(note);
        }
    }

    fn announce(&self, data_dir: &Path, note: &UndoNote) -> io::Result<()> {
        let keep = undo::folder(data_dir, self.keep);
        create_private_folder(&data_dir.join("restore"))?;
        undo::make_folder(data_dir, self.keep)?;
        step()?;
        // Before anything is made in a target, which is found by the note.
        note.write_aside(&keep)?;
        sync_parent(&keep)?;
        step()?;
        let mut made = Vec::new();
        for (number, part) in note.busy_parts() {
            self.make_folders(part)?;
            let base = Dir::open(&part.base())?;
            let area = part.area.open_or_make(data_dir, &base)?;
            // Parts may have a target in common.
            if part.area == Area::Target && !made.contains(&&part.base) {
                kept::make(&area, self.keep, note.mark.as_deref())?;
                made.push(&part.base);
            }
            area.walk_making(&undo::kept(self.keep, number))?;
            area.sync()?;
        }
        step()?;
        write_private(&journal(data_dir), &serde_json::to_vec(self)?)?;
        sync_folder(data_dir)?;
        step()
    }

    /// What an undo brings back comes also where its folder was deleted since. What a restore brings does not: it has seen
    /// the folders that are there.
    fn make_folders(&self, part: &PartNote) -> io::Result<()> {
        if self.incoming == Incoming::Staged {
            return Ok(());
        }
        if part.area == Area::Data {
            part.make_base()?;
        }
        let base = Dir::open(&part.base())?;
        let mut made = HashSet::new();
        for entry in part.moves.iter().filter(|entry| entry.put) {
            let at = entry.at();
            let folder = at.parent().unwrap_or(Path::new(""));
            if made.insert(folder.to_owned()) && !shut::is_there(&base, folder)? {
                base.walk_making(folder)?;
            }
        }
        Ok(())
    }

    /// From here on a start takes it back instead of finishing it.
    fn note_failure(&self, data_dir: &Path) -> Result<(), Error> {
        let failed = Self {
            back: true,
            ..self.clone()
        };
        failed.write(data_dir)
    }

    fn write(&self, data_dir: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(|error| Error::Io {
            doing: "writing the journal",
            source: error.into(),
        })?;
        write_private(&journal(data_dir), &text).map_err(Error::io("writing the journal"))
    }

    /// What was replaced can be brought back from now on.
    fn finish(&self, data_dir: &Path) -> Result<(), Error> {
        step().map_err(Error::io("noting what can be undone"))?;
        let noted = UndoNote::settle(&undo::folder(data_dir, self.keep));
        noted.map_err(Error::io("noting what can be undone"))?;
        step().map_err(Error::io("removing the journal"))?;
        self.withdraw(data_dir)
    }

    fn withdraw(&self, data_dir: &Path) -> Result<(), Error> {
        remove_if_there(&journal(data_dir)).map_err(Error::io("removing the journal"))?;
        sync_parent(&journal(data_dir)).map_err(Error::io("removing the journal"))
    }
}

#[cfg(test)]
thread_local! {
    /// How many steps are taken before the process "is killed".
    pub(crate) static STEPS_LEFT: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
    /// What happens before each step: a fault of the disk, or what somebody else does there.
    pub(crate) static MEANWHILE: std::cell::RefCell<Option<Meanwhile>> =
        const { std::cell::RefCell::new(None) };
}

#[cfg(test)]
pub(crate) type Meanwhile = Box<dyn FnMut() -> io::Result<()>>;

/// Called between any two changes of the disk.
#[cfg(test)]
fn step() -> io::Result<()> {
    STEPS_LEFT.with(|left| match left.get() {
        Some(0) => Err(io::Error::other("killed")),
        Some(more) => {
            left.set(Some(more - 1));
            Ok(())
        }
        None => Ok(()),
    })?;
    MEANWHILE.with_borrow_mut(|meanwhile| meanwhile.as_mut().map_or(Ok(()), |happens| happens()))
}

#[cfg(test)]
fn killed() -> bool {
    STEPS_LEFT.with(|left| left.get() == Some(0))
}

#[cfg(not(test))]
fn step() -> io::Result<()> {
    crate::failpoint::failpoint("swap-step")
}

#[cfg(not(test))]
fn killed() -> bool {
    false
}
