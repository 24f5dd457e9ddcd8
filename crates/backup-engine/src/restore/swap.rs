//! The commit of a restore and of its undoing: what is renamed is noted, and the journal carries it out.

use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::area::{self, Area};
use super::plan::Plan;
use super::seen::Lasting;
use super::wait::wait_for_undo;
use super::{InUse, Plans, Restore, remove_staging};
use crate::journal::{self, Incoming, Swap};
use crate::library::Library;
use crate::names::escape;
use crate::undo::{self, FolderNote, Move, PartNote, UndoNote};
use crate::watch::Outcome;
use crate::{Error, Watch};

impl Restore<'_> {
    pub(super) fn swap(&self, plans: Plans) -> Result<Outcome<()>, Error> {
        if !self.watch.begin_commit() {
            return Ok(Outcome::Canceled);
        }
        let nothing = |plan: &Plan| plan.steps.is_empty() && plan.folders.is_empty();
        if plans.library.is_none() && plans.parts.iter().all(nothing) {
            remove_staging(self.data_dir)?;
            return Ok(Outcome::Completed(()));
        }
        let (assets, bytes) = counts(self.library);
        let parts = plans
            .parts
            .iter()
            .enumerate()
            .map(|(number, plan)| part_note(self.data_dir, number, plan));
        let note = UndoNote {
            backup: self.id.to_string(),
            restored: Utc::now(),
            assets,
            bytes,
            undone: false,
            library: plans.library.is_some(),
            mark: None,
            parts: parts.collect::<Result<_, _>>()?,
            aside: plans.library.is_none() && plans.parts.iter().all(|plan| !plan.target.replaces),
        };
        replace(self.data_dir, self.library, Incoming::Staged, &note)?;
        Ok(Outcome::Completed(()))
    }
}

fn part_note(data_dir: &Path, number: usize, plan: &Plan) -> Result<PartNote, Error> {
    let area = Area::of(data_dir, &plan.base).map_err(super::plan::LOOKING)?;
    let comes = staged(data_dir, area, number, plan).map_err(super::plan::LOOKING)?;
    let steps = plan.steps.iter().zip(comes).enumerate();
    let moves = steps.map(|(number, (step, comes))| Move {
        number: number as u64,
        at: escape(&step.at),
        take: step.take.is_some(),
        put: !step.put.is_empty(),
        seen: step.take,
        comes,
    });
    let folders = plan.folders.iter().map(|folder| FolderNote {
        at: escape(&folder.at),
        before: folder.before.clone(),
        after: folder.after.clone(),
    });
    Ok(PartNote {
        moves: moves.collect(),
        folders: folders.collect(),
        ..PartNote::new(&plan.target.id, &plan.target.base, area)
    })
}

/// What is staged for each step of a plan.
fn staged(
    data_dir: &Path,
    area: Area,
    number: usize,
    plan: &Plan,
) -> io::Result<Vec<Option<Lasting>>> {
    if plan.steps.is_empty() {
        return Ok(Vec::new());
    }
    let folder = area.open(data_dir, &plan.base)?;
    let folder = folder.walk(&area::staged(number))?;
    let names = (0..plan.steps.len()).map(|step| step.to_string());
    let looked = names.map(|name| folder.look(name.as_ref()));
    looked
        .map(|seen| Ok(seen?.map(|seen| seen.lasting())))
        .collect()
}

/// Brings back what the last restore replaced, once no program has it open.
pub(crate) fn undo(
    data_dir: &Path,
    library: &Library,
    in_use: InUse,
    watch: &Watch,
) -> Result<Outcome<()>, Error> {
    let kept = undo::current(data_dir)?.ok_or(Error::NothingToUndo)?;
    wait_for_undo(&kept.note, in_use, watch)?;
    let numbered = kept.note.parts.iter().enumerate();
    let parts = numbered.map(|(at, part)| journal::reversed(data_dir, at, &kept, part));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    if !watch.begin_commit() {
        return Ok(Outcome::Canceled);
    }
    let (assets, bytes) = counts(library);
    let note = UndoNote {
        assets,
        bytes,
        undone: true,
        parts,
        ..kept.note
    };
    replace(data_dir, library, Incoming::Kept(kept.number), &note).map(Outcome::Completed)
}

/// What is about to be replaced, as far as it can be read: a damaged library is replaced and kept like a sound one.
fn counts(library: &Library) -> (u64, u64) {
    library
        .facts()
        .map_or((0, 0), |facts| (facts.assets, facts.bytes))
}

/// Puts what comes in the place of what is there, and keeps that.
fn replace(
    data_dir: &Path,
    library: &Library,
    incoming: Incoming,
    note: &UndoNote,
) -> Result<(), Error> {
    let keep = undo::next_number(data_dir, &note.parts)?;
    let commit = || Swap::new(incoming, keep).commit(data_dir, note);
    if note.library {
        library.replace(commit)?;
    } else {
        commit()?;
    }
    // A journal that could not be removed still counts, and with it all that it is about.
    if is_over(data_dir) {
        undo::remove_older(data_dir);
        if let Err(error) = remove_staging(data_dir) {
            tracing::warn!(%error, "the empty folders of a restore stay until the next one");
        }
    }
    Ok(())
}

/// Whether nothing is left to be settled. The journal of a swap stays where its end could not be noted: with what was staged
/// and what is kept, the next start notes it.
fn is_over(data_dir: &Path) -> bool {
    matches!(journal::is_pending(data_dir), Ok(false))
}

/// [`settle_pending`], for a backup, which goes on without what cannot be settled yet. Returns the places of that.
///
/// Errors: `Unsettled` where the library is one of them.
pub(crate) fn settle_for_backup(data_dir: &Path, library: &Library) -> Result<Vec<PathBuf>, Error> {
    match settle_pending(data_dir, library) {
        Err(Error::Unsettled(_)) => journal::unsettled(data_dir),
        settled => settled.map(|()| Vec::new()),
    }
}

/// Settles a swap that broke off in this process and could not be taken back then.
///
/// Errors: `Unsettled` where that cannot be done yet.
pub(crate) fn settle_pending(data_dir: &Path, library: &Library) -> Result<(), Error> {
    if journal::is_pending(data_dir)? {
        library.replace(|| journal::settle(data_dir))?;
    }
    if journal::is_pending(data_dir)? {
        return Err(Error::Unsettled(journal::waits_for(data_dir)?));
    }
    Ok(())
}
