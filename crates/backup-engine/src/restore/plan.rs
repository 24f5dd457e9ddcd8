//! What a restore will do, found out by comparing the backup with what is there: which entries are put in place, taken
//! away or replaced, and which folders get other metadata. Nothing is written here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use super::changes::Changes;
use super::dir::Dir;
use super::seen::{Dress, Seen};
use super::target::Target;
use super::tree::{Contents, Wanted};
use super::walk::Walk;
use crate::destination::Part;
use crate::{Error, Watch};

/// One change of one entry. No step lies within another.
#[derive(Debug)]
pub(crate) struct Step {
    /// Relative to the target's base.
    pub at: PathBuf,
    /// What is there, and is taken away.
    pub take: Option<Seen>,
    /// What is put there, a folder before what is in it.
    pub put: Vec<Put>,
}

impl Step {
    pub(super) fn puts_database(&self) -> bool {
        let top = self.put.first().map(|put| &put.wanted);
        top.is_some_and(|wanted| wanted.part == Part::Databases && wanted.node.is_file())
    }
}

/// One entry to be made.
#[derive(Debug)]
pub(crate) struct Put {
    /// Within the step: empty for what it puts itself.
    pub within: PathBuf,
    pub wanted: Wanted,
    /// Which chunks are in the file that it takes the place of.
    pub there: Vec<bool>,
}

/// A folder that stays or comes, and its metadata. Taken back, it wears what it wore before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderStep {
    pub at: PathBuf,
    pub before: Option<Dress>,
    pub after: Option<Dress>,
}

/// All changes of one target.
#[derive(Debug)]
pub(crate) struct Plan {
    pub target: Target,
    /// Held open, so that it stays the folder that was looked at.
    pub base: Dir,
    pub steps: Vec<Step>,
    pub folders: Vec<FolderStep>,
    pub changes: Changes,
}

impl Plan {
    /// Whether it does the same to what is there, of the same backup.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let step = |step: &Step| (step.at.clone(), step.take, step.put.len());
        self.folders == other.folders
            && self.steps.iter().map(step).eq(other.steps.iter().map(step))
    }
}

/// Compares one target with the backup.
pub(crate) fn plan(target: Target, contents: &Contents, watch: &Watch) -> Result<Plan, Error> {
    let base = Dir::open(&target.base).map_err(in_the_way)?;
    let mut walk = Walk::new(&target, &base, contents, watch)?;
    walk.run()?;
    let replaced = walk.steps.values().find(|step| step.take.is_some());
    if let Some(step) = replaced.filter(|_| !target.replaces) {
        let name = step.at.file_name().unwrap_or_default().to_string_lossy();
        let what = format!("\u{201c}{name}\u{201d} is there already, and is another one");
        return Err(Error::InTheWay(what));
    }
    let folders = dressed(&walk)?;
    let (steps, changes) = (walk.steps, walk.changes);
    Ok(Plan {
        steps: steps.into_values().collect(),
        folders,
        changes,
        base,
        target,
    })
}

/// The folders whose metadata are to be set: those that are to wear something else, those in which something is renamed,
/// and those that come.
fn dressed(walk: &Walk) -> Result<Vec<FolderStep>, Error> {
    let differing = walk
        .folders
        .values()
        .filter(|folder| folder.before != folder.after);
    let mut all: BTreeMap<PathBuf, FolderStep> = differing
        .map(|folder| (folder.at.clone(), folder.clone()))
        .collect();
    for step in walk.steps.values() {
        if let Some(parent) = step.at.parent()
            && !all.contains_key(parent)
        {
            let folder = match walk.folders.get(parent) {
                Some(known) => known.clone(),
                None => {
                    let folder = walk.base.walk(parent).map_err(in_the_way)?;
                    let (_, worn) = worn(&folder)?;
                    FolderStep::unchanged(parent.to_owned(), worn)
                }
            };
            all.insert(parent.to_owned(), folder);
        }
        if let Some(top) = step.put.first().filter(|put| put.wanted.node.is_dir()) {
            let folder = FolderStep {
                at: step.at.clone(),
                before: None,
                after: Some(Dress::of(&top.wanted.node.meta)),
            };
            all.insert(step.at.clone(), folder);
        }
    }
    Ok(all.into_values().collect())
}

impl FolderStep {
    pub(super) fn unchanged(at: PathBuf, worn: Dress) -> Self {
        Self {
            at,
            before: Some(worn.clone()),
            after: Some(worn),
        }
    }
}

pub(super) fn worn(folder: &Dir) -> Result<(Seen, Dress), Error> {
    let seen = folder.look_at_self().map_err(LOOKING)?;
    let file = folder.file().map_err(LOOKING)?;
    let worn = Dress::worn(&seen, &file).map_err(LOOKING)?;
    Ok((seen, worn))
}

/// The error of a look at what is there.
pub(super) const LOOKING: fn(io::Error) -> Error = |source| Error::Io {
    doing: "looking at what is there",
    source,
};

pub(super) fn collision(name: &OsStr, twin: Option<OsString>) -> Error {
    let text = |name: &OsStr| name.to_string_lossy().into_owned();
    Error::NameCollision(text(name), twin.as_deref().map(text).unwrap_or_default())
}

/// A link or a file where a folder belongs: never followed.
pub(super) fn in_the_way(error: io::Error) -> Error {
    let link = rustix::io::Errno::LOOP.raw_os_error();
    if error.kind() == io::ErrorKind::NotADirectory || error.raw_os_error() == Some(link) {
        Error::InTheWay("a link or a file in place of a folder".into())
    } else {
        LOOKING(error)
    }
}

/// Taken for what it is by whoever runs the job.
pub(super) fn canceled() -> Error {
    LOOKING(io::Error::other("cancelled"))
}
