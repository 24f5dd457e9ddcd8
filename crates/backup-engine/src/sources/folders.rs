//! All folder sources of a backup, one after another, as the archiver reads them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use rustic_core::repofile::Node;
use rustic_core::{ReadSource, ReadSourceEntry, RusticResult};

use super::class::Class;
use super::node::{Names, node_of};
use super::read::{FileToRead, Stat, Task};
use super::root::Root;
use super::tally::{Counts, Tally};
use super::tree::Tree;
use super::unread::BESIDE_UNREAD;
use super::walk::{Found, Walk};
use super::{Source, Unread};
use crate::{Error, Watch};

/// A database that lies in a source: for the repository of databases, which reads it consistently.
#[derive(Clone, Debug)]
pub(crate) struct FoundDatabase {
    /// From the id of the source on.
    pub in_backup: PathBuf,
    pub absolute: PathBuf,
    /// Of the database's own file; size and times are of the moment it was met.
    pub node: Node,
}

/// The sources of one backup. Their entries are to be asked for once.
#[derive(Clone, Debug)]
pub(crate) struct FolderSources {
    parts: Vec<Part>,
    watch: Watch,
}

/// One source, and what became of it.
#[derive(Clone, Debug)]
struct Part {
    root: Root,
    unread: Unread,
    tally: Tally,
    found: Arc<Mutex<Outcome>>,
}

#[derive(Debug, Default)]
struct Outcome {
    databases: Vec<FoundDatabase>,
    /// Whether the walk came to its end.
    walked: bool,
    broken: Option<io::Error>,
}

/// What the sources hold, for the progress of a job: not what will be stored, as files come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    pub entries: u64,
    /// The sizes of all regular files, databases and their companions counted.
    pub bytes: u64,
}

impl FolderSources {
    pub(crate) fn new(roots: Vec<Root>, watch: &Watch) -> Self {
        let mut parts: Vec<Part> = roots.into_iter().map(Part::new).collect();
        parts.sort_by(|a, b| a.root.source.id.cmp(&b.root.source.id));
        Self {
            parts,
            watch: watch.clone(),
        }
    }

    /// A file that belongs to a database which is stored as the files that it consists of. `in_backup` starts with the id of
    /// its source.
    pub(crate) fn file(&self, in_backup: &Path, absolute: &Path) -> io::Result<(Node, FileToRead)> {
        let id = in_backup.iter().next().unwrap_or_default();
        let part = self
            .parts
            .iter()
            .find(|part| *part.root.source.id.as_str() == *id);
        let part = part.ok_or_else(|| io::Error::other("it lies in no source"))?;
        let metadata = fs::symlink_metadata(absolute)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file any more"));
        }
        let (node, problem) = node_of(absolute, &metadata, &mut Names::default())?;
        if let Some(error) = problem {
            part.unread.note_attributes(in_backup, &error);
        }
        let task = Task {
            absolute: absolute.to_owned(),
            in_backup: in_backup.to_owned(),
            stat: Stat::of(&metadata),
            recognised: true,
            watch: self.watch.clone(),
            unread: part.unread.clone(),
            tally: part.tally.clone(),
        };
        Ok((node, FileToRead::new(task)))
    }

    /// Looks at the metadata of everything. Stops early when nobody wants to know any more, or the job is cancelled.
    pub(crate) fn measure(&self, given_up: impl Fn() -> bool) -> Measure {
        let mut measure = Measure::default();
        for part in &self.parts {
            // What cannot be read is told by the walk that reads.
            let Ok((_, tree)) = Tree::new(&part.root, &Unread::silent()) else {
                continue;
            };
            for met in tree.take_while(|_| !self.watch.is_canceled() && !given_up()) {
                measure.entries += 1;
                if met.metadata.is_file() {
                    // Sparse files may say more than fits into any disk.
                    measure.bytes = measure.bytes.saturating_add(met.metadata.len());
                }
            }
        }
        measure
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Fails for the first source whose folder could not be read as a whole: it was gone, or became another one, while
    /// the backup ran. To be asked after all entries were taken.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        for part in &self.parts {
            let mut found = part.found();
            let error = match found.broken.take() {
                Some(error) => error,
                None if found.walked => continue,
                None => io::Error::other("it was not read to its end"),
            };
            return Err(Error::SourceUnreadable {
                id: part.root.source.id.clone(),
                source: error,
            });
        }
        Ok(())
    }

    /// Each source with what became of it, in the order of their ids.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (&Source, Counts, &Unread)> {
        let parts = self.parts.iter();
        parts.map(|part| (&part.root.source, part.tally.counts(), &part.unread))
    }

    /// Of all sources together.
    pub(crate) fn counts(&self) -> Counts {
        self.parts.iter().map(|part| part.tally.counts()).sum()
    }

    /// The databases that were met, in the order of a tree, each with the list in which to name it if it cannot be read.
    pub(crate) fn databases(&self) -> Vec<(FoundDatabase, Unread)> {
        let of = |part: &Part| {
            let databases = part.found().databases.clone();
            databases
                .into_iter()
                .map(|found| (found, part.unread.clone()))
                .collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(of).collect()
    }
}

impl Part {
    fn new(root: Root) -> Self {
        Self {
            root,
            unread: Unread::default(),
            tally: Tally::default(),
            found: Arc::default(),
        }
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Option<Walk> {
        let walk = Walk::new(&self.root, &self.unread);
        walk.map_err(|error| self.found().broken = Some(error)).ok()
    }

    /// A disk that was pulled out makes everything below it vanish.
    fn end(&self) {
        let mut found = self.found();
        found.walked = true;
        if !self.root.is_still_there() {
            let error = io::Error::other("its folder was removed or replaced while the backup ran");
            found.broken = Some(error);
        }
    }

    /// What the archiver is given of an entry; `None` for what it is not to have.
    fn take(&self, found: Found, watch: &Watch) -> Option<ReadSourceEntry<FileToRead>> {
        let open = match found.class {
            Class::DatabaseCompanion => return None,
            Class::UnrecognisedCompanion => {
                self.unread.tell(&found.in_backup, BESIDE_UNREAD);
                return None;
            }
            Class::Database => {
                self.tally.add_database();
                self.found().databases.push(FoundDatabase {
                    in_backup: found.in_backup,
                    absolute: found.absolute,
                    node: found.node,
                });
                return None;
            }
            Class::Folder => {
                self.tally.add_folder();
                None
            }
            Class::Link | Class::Special => {
                self.tally.add_other();
                None
            }
            Class::File | Class::Unrecognised => Some(FileToRead::new(Task {
                absolute: found.absolute,
                in_backup: found.in_backup.clone(),
                stat: found.stat,
                recognised: found.class == Class::File,
                watch: watch.clone(),
                unread: self.unread.clone(),
                tally: self.tally.clone(),
            })),
        };
        Some(ReadSourceEntry {
            path: found.in_backup,
            node: found.node,
            open,
        })
    }
}

impl ReadSource for FolderSources {
    type Open = FileToRead;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(Some(self.measure(|| false).bytes))
    }

    fn entries(&self) -> Entries {
        Entries {
            parts: self.parts.clone().into_iter(),
            current: None,
            watch: self.watch.clone(),
        }
    }
}

/// Ends early when the job is cancelled; the archiver then stores what it has, and the job discards it.
#[derive(Debug)]
pub(crate) struct Entries {
    parts: vec::IntoIter<Part>,
    current: Option<(Part, Walk)>,
    watch: Watch,
}

impl Iterator for Entries {
    type Item = RusticResult<ReadSourceEntry<FileToRead>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.watch.is_canceled() {
                return None;
            }
            let Some((part, walk)) = &mut self.current else {
                let part = self.parts.next()?;
                self.current = part.begin().map(|walk| (part, walk));
                continue;
            };
            let Some(found) = walk.next() else {
                part.end();
                self.current = None;
                continue;
            };
            if let Some(entry) = part.take(found, &self.watch) {
                return Some(Ok(entry));
            }
        }
    }
}

#[cfg(test)]
mod archived;
#[cfg(test)]
mod tests;
