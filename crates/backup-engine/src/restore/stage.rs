//! Staging: everything that a plan puts in place is made beside it first, whole, proven and durable. Names are short and flat
//! but in folders that are new as a whole.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustic_core::repofile::NodeType;

use super::chunks::{Zeros, chunks_of};
use super::compare::THREADS;
use super::dir::Dir;
use super::fill::LARGE;
use super::plan::{Plan, Put, Step, canceled, collision};
use super::seen::{Dress, Kind};
use super::staged_file::StagedFile;
use super::tree::Contents;
use crate::database::{PlainFile, Soundness, soundness};
use crate::destination::Part;
use crate::failpoint::failpoint;
use crate::{Error, Watch};

/// One part of a restore while it is staged.
pub(super) struct Staging<'a> {
    pub plan: &'a Plan,
    pub folder: &'a Dir,
    /// The same, as a path: SQLite opens files by that.
    pub path: PathBuf,
    pub contents: &'a Contents,
    pub zeros: &'a Zeros,
    pub watch: &'a Watch,
    /// Whether SQLite has to look at the databases.
    pub check: bool,
    /// Whether the record of the backup tells that this database, by its path there, was not sound.
    pub known_unsound: &'a (dyn Fn(&Path) -> bool + Sync),
}

/// One entry and where it is made.
struct Item<'a> {
    /// In the staging folder.
    parent: PathBuf,
    name: OsString,
    put: &'a Put,
    step: &'a Step,
}

impl Item<'_> {
    fn is_top(&self) -> bool {
        self.put.within.as_os_str().is_empty()
    }
}

impl Staging<'_> {
    pub(super) fn run(&self) -> Result<(), Error> {
        self.check_spelling()?;
        let items = self.items();
        let (files, others): (Vec<_>, Vec<_>) = items
            .iter()
            .partition(|item| item.put.wanted.node.is_file());
        for item in &others {
            self.go_on()?;
            self.make(item)?;
        }
        self.write_all(files)?;
        // The innermost first: what is made in a folder changes its time. Those at the top are moved first.
        for item in others.iter().rev() {
            if item.put.wanted.node.is_dir() && !item.is_top() {
                let folder = self.folder.walk(&item.parent.join(&item.name));
                let file = folder.and_then(|folder| folder.file()).map_err(STAGING)?;
                let dress = Dress::of(&item.put.wanted.node.meta);
                dress.put_on(&file).map_err(STAGING)?;
            }
        }
        Ok(())
    }

    fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        for (number, step) in self.plan.steps.iter().enumerate() {
            let top = PathBuf::from(number.to_string());
            for put in &step.put {
                let path = if put.within.as_os_str().is_empty() {
                    top.clone()
                } else {
                    top.join(&put.within)
                };
                items.push(Item {
                    parent: path.parent().unwrap_or(Path::new("")).to_owned(),
                    name: path.file_name().unwrap_or_default().to_owned(),
                    put,
                    step,
                });
            }
        }
        items
    }

    /// A folder, a link or a pipe.
    fn make(&self, item: &Item) -> Result<(), Error> {
        let folder = self.folder.walk(&item.parent).map_err(STAGING)?;
        let node = &item.put.wanted.node;
        let (made, kind) = match &node.node_type {
            NodeType::Dir => (folder.make_folder(&item.name), Kind::Folder),
            NodeType::Symlink { .. } => {
                let target = node.node_type.to_link().as_os_str();
                (folder.make_link(&item.name, target), Kind::Link)
            }
            _ => (folder.make_fifo(&item.name), Kind::Fifo),
        };
        made.map_err(|error| self.explain(error, &folder, &item.name))?;
        if kind == Kind::Folder {
            return Ok(());
        }
        let dress = Dress::of(&node.meta);
        dress
            .put_on_name(&folder, &item.name, kind)
            .map_err(STAGING)
    }

    /// The small ones several at a time, the large ones one after another.
    fn write_all(&self, files: Vec<&Item>) -> Result<(), Error> {
        let is_large = |(_, item): &(usize, &Item)| item.put.wanted.node.meta.size >= LARGE;
        let (large, small) = files.into_iter().enumerate().partition(is_large);
        self.write_together(small)?;
        for (number, item) in large {
            self.go_on()?;
            self.write(number, item)?;
        }
        Ok(())
    }

    fn write_together(&self, files: Vec<(usize, &Item)>) -> Result<(), Error> {
        let work = Mutex::new(files.into_iter());
        let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
        let run = || -> Result<(), Error> {
            while let Some((number, item)) = next() {
                self.go_on()?;
                self.write(number, item)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
            let mut result = Ok(());
            for thread in threads {
                let panicked = |_| Error::Panicked("a thread that stages files".into());
                result = result.and(thread.join().map_err(panicked).flatten());
            }
            result
        })
    }

    fn write(&self, number: usize, item: &Item) -> Result<(), Error> {
        let folder = self.folder.walk(&item.parent).map_err(STAGING)?;
        let wanted = &item.put.wanted;
        if wanted.part == Part::Files {
            let created = folder.create_file(&item.name);
            let file = created.map_err(|error| self.explain(error, &folder, &item.name))?;
            return self.fill(item, &file);
        }
        // A path that SQLite can open, however long that of its place is.
        let flat = OsString::from(format!("d{number}"));
        let file = self.folder.create_file(&flat).map_err(STAGING)?;
        self.fill(item, &file)?;
        drop(file);
        let at = item.step.at.join(&item.put.within);
        if !self.check {
            return self.move_in(&flat, &folder, item);
        }
        let known = (self.known_unsound)(&self.plan.target.in_backup(&at));
        match soundness(&self.path.join(&flat), self.watch) {
            Soundness::Canceled => return Err(canceled()),
            Soundness::Damaged(detail) if !known => {
                return Err(Error::Damaged {
                    backup: None,
                    detail: format!("a database in it: {detail}"),
                });
            }
            Soundness::Sound
            | Soundness::Damaged(_)
            | Soundness::Unjudged(_)
            | Soundness::Unchecked(_) => {}
        }
        self.move_in(&flat, &folder, item)
    }

    fn move_in(&self, flat: &OsStr, folder: &Dir, item: &Item) -> Result<(), Error> {
        let moved = self.folder.rename(flat, folder, &item.name);
        moved.map_err(|error| self.explain(error, folder, &item.name))
    }

    fn fill(&self, item: &Item, file: &File) -> Result<(), Error> {
        let content = self.contents.of(item.put.wanted.part)?;
        let chunks = chunks_of(&item.put.wanted.node, content)?;
        let there = &item.put.there;
        let some = there.iter().any(|there| *there);
        let live = some.then(|| self.live(&item.step.at)).flatten();
        let staged = StagedFile {
            file,
            chunks: &chunks,
            content,
            zeros: self.zeros,
            watch: self.watch,
        };
        staged.fill(live, Some(there))?;
        let dress = Dress::of(&item.put.wanted.node.meta);
        dress.put_on(file).map_err(STAGING)
    }

    /// The file that is replaced. One that cannot be opened any more has nothing to give.
    fn live(&self, at: &Path) -> Option<PlainFile> {
        let folder = self.plan.base.walk(at.parent()?).ok()?;
        folder.read_file(at.file_name()?).ok()
    }

    /// Where this file system takes two names for one, finds it out before the commit does.
    fn check_spelling(&self) -> Result<(), Error> {
        if !self.folds().map_err(STAGING)? {
            return Ok(());
        }
        let trial = OsStr::new("names");
        let mut last = None;
        for step in self.plan.steps.iter().filter(|step| step.take.is_none()) {
            let parent = step.at.parent();
            if last != Some(parent) {
                self.folder.remove(trial).map_err(STAGING)?;
                self.folder.make_folder(trial).map_err(STAGING)?;
                last = Some(parent);
            }
            let names = self.folder.enter(trial).map_err(STAGING)?;
            let name = step.at.file_name().unwrap_or_default();
            let made = names.create_file(name);
            made.map_err(|error| self.explain(error, &names, name))?;
        }
        self.folder.remove(trial).map_err(STAGING)
    }

    fn folds(&self) -> io::Result<bool> {
        let (one, other) = (OsStr::new("fold\u{e9}"), OsStr::new("FOLD\u{e9}"));
        let decomposed = OsStr::new("folde\u{301}");
        self.folder.create_file(one)?;
        let mut folds = self.folder.look(other)?.is_some();
        folds |= self.folder.look(decomposed)?.is_some();
        self.folder.remove(one)?;
        Ok(folds)
    }

    fn explain(&self, error: io::Error, folder: &Dir, name: &OsStr) -> Error {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return STAGING(error);
        }
        let inode = |name: &OsStr| folder.look(name).ok().flatten().map(|seen| seen.inode);
        let taken = inode(name);
        let names = folder.names().unwrap_or_default();
        let twin = names
            .into_iter()
            .find(|other| other != name && inode(other) == taken);
        collision(name, twin)
    }

    fn go_on(&self) -> Result<(), Error> {
        if self.watch.is_canceled() {
            return Err(canceled());
        }
        Ok(())
    }
}

pub(super) const STAGING: fn(io::Error) -> Error = |source| Error::Io {
    doing: "staging the backup",
    source,
};

/// Up to so many entries are synced one by one.
const FEW: usize = 256;

/// Makes so many entries that were staged in this folder durable. Many are, with one call for the whole disk, which waits
/// for what others have written as well; one by one they would take minutes.
pub(super) fn sync(staged: &Dir, entries: usize) -> io::Result<()> {
    failpoint("restore-sync-all")?;
    #[cfg(target_os = "linux")]
    if entries > FEW {
        return Ok(rustix::fs::syncfs(staged.file()?)?);
    }
    tracing::trace!(entries, few = FEW, "syncing one by one");
    sync_each(staged)
}

fn sync_each(folder: &Dir) -> io::Result<()> {
    for name in folder.names()? {
        match folder.look(&name)?.map(|seen| seen.kind) {
            Some(Kind::Folder) => sync_inner(folder, &name)?,
            Some(Kind::File) => folder.sync_file(&name)?,
            _ => {}
        }
    }
    folder.sync()
}

/// A folder that wears its mode already, which may let nobody in.
fn sync_inner(folder: &Dir, name: &OsStr) -> io::Result<()> {
    let mode = folder.look(name)?.map_or(0, |seen| seen.mode);
    if mode & 0o500 == 0o500 {
        return sync_each(&folder.enter(name)?);
    }
    folder.set_mode_of(name, mode | 0o500)?;
    let inner = folder.enter(name)?;
    sync_each(&inner)?;
    inner.set_mode(mode)?;
    inner.sync()
}
