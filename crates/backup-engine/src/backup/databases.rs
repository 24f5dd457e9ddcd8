//! Storing databases: the library, and those that were met in the sources. Each is read as it is at one moment while its
//! program goes on; one that has not changed since the last backup is not read at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Node, SnapshotFile};
use rustic_core::{ReadSource, ReadSourceEntry, RusticResult};

use super::archive::{Archive, processed};
use super::ends::{Ends, Sums};
use super::library::LibraryToStore;
use super::seen::{Seen, SeenDatabase};
use super::to_read::{Pages, PagesToRead, ToRead, later};
use super::{LIBRARY_FILE, Origin, Store};
use crate::database::{Begun, ChangeToken, CopyFolder, PageReader, Proof, Soundness};
use crate::destination::PENDING;
use crate::sources::{FolderSources, FoundDatabase, Unread, path_text};
use crate::{Error, Watch};

type Entry = ReadSourceEntry<ToRead>;

/// Checks that run at a time, beside that of the library. Each holds what it reads: a view, and with it the log of its
/// database, or a copy.
const CHECKS: usize = 4;

/// The databases of one backup.
#[derive(Clone)]
pub(super) struct Databases(Arc<State>);

/// Shared by the entries, their readers, and the one who asks afterwards.
struct State {
    sources: FolderSources,
    seen: Seen,
    copies: CopyFolder,
    watch: Watch,
    /// Of this backup. What is stored anew carries it, so that the archiver does not take it for what it has already.
    time: Timestamp,
    ends: Ends,
    /// In the order of a tree, which the archiver needs.
    planned: Mutex<BTreeMap<PathBuf, Planned>>,
    noted: Mutex<Noted>,
}

enum Planned {
    Library(Box<Node>, Pages),
    Found(Box<FoundDatabase>, Unread),
    /// The log or journal of a database that is stored as the files that it consists of.
    Beside(PathBuf, Unread),
}

#[derive(Default)]
struct Noted {
    proofs: Vec<(PathBuf, Proof, Unread)>,
    databases: BTreeMap<PathBuf, SeenDatabase>,
}

/// What was stored.
pub(super) struct Stored {
    pub snapshot: SnapshotFile,
    pub sums: Sums,
    /// To tell the next time what has not changed.
    pub databases: BTreeMap<String, SeenDatabase>,
}

impl Databases {
    pub(super) fn new(
        library: &mut LibraryToStore,
        sources: &FolderSources,
        seen: Seen,
        copies: &CopyFolder,
        (origin, watch): (&Origin, &Watch),
    ) -> Result<Self, Error> {
        let found = sources.databases().into_iter().map(|(found, unread)| {
            let path = found.in_backup.clone();
            (path, Planned::Found(Box::new(found), unread))
        });
        let mut planned: BTreeMap<_, _> = found.collect();
        let pages = std::mem::replace(&mut library.pages, Pages::Taken);
        let first = Planned::Library(Box::new(library.stored.node.clone()), pages);
        planned.insert(LIBRARY_FILE.into(), first);
        Ok(Self(Arc::new(State {
            sources: sources.clone(),
            seen,
            copies: copies.clone(),
            watch: watch.clone(),
            time: origin.time()?,
            ends: Ends::default(),
            planned: Mutex::new(planned),
            noted: Mutex::default(),
        })))
    }

    /// Each is then stored as it should be, or named in the list of its source; the library is stored, or this fails.
    pub(super) fn store(&self, store: &Store, origin: &Origin) -> Result<Stored, Error> {
        let state = &self.0;
        let before = state.sources.counts();
        let archive = Archive {
            store,
            origin,
            label: PENDING,
            description: None,
            parent: state.seen.parent,
            paths: vec![LIBRARY_FILE.to_owned()],
        };
        let snapshot = archive.run(self)?;
        let sums = state
            .ends
            .sums()
            .map_err(Error::io("reading the library"))?;
        let after = state.sources.counts();
        let expected = (
            sums.entries() + after.stored_files() - before.stored_files(),
            sums.bytes() + after.bytes - before.bytes,
        );
        if processed(&snapshot) != expected {
            let detail = format!("{:?} of {expected:?} were stored", processed(&snapshot));
            return Err(Error::Repository(detail));
        }
        Ok(Stored {
            snapshot,
            sums,
            databases: state.proven(),
        })
    }
}

impl State {
    fn next(&self) -> Option<Entry> {
        loop {
            let (path, planned) = lock(&self.planned).pop_first()?;
            let entry = match planned {
                Planned::Library(node, pages) => Some(self.pages(&path, *node, pages, None)),
                Planned::Found(found, unread) => self.database(*found, unread),
                Planned::Beside(absolute, unread) => self.file(path, &absolute, &unread),
            };
            if self.watch.is_canceled() || entry.is_some() {
                return entry.filter(|_| !self.watch.is_canceled());
            }
        }
    }

    fn pages(&self, path: &Path, node: Node, pages: Pages, unread: Option<Unread>) -> Entry {
        let open = PagesToRead {
            path: path.to_owned(),
            bytes: node.meta.size,
            pages,
            watch: self.watch.clone(),
            ends: self.ends.clone(),
            unread,
        };
        Entry {
            path: path.to_owned(),
            node,
            open: Some(ToRead::Pages(Box::new(open))),
        }
    }

    fn database(&self, found: FoundDatabase, unread: Unread) -> Option<Entry> {
        let path = found.in_backup.clone();
        // Before it is read: what changes in between is then read once more by the next backup, and not missed.
        let token = ChangeToken::take(&found.absolute).unwrap_or_else(|error| {
            tracing::debug!(%error, "a database will be read again");
            None
        });
        if let Some(seen) = self.unchanged(&path, token.as_ref()) {
            lock(&self.noted)
                .databases
                .insert(path.clone(), seen.clone());
            let pages = self.later(found);
            return Some(self.pages(&path, seen.node, pages, Some(unread)));
        }
        self.wait_for_checks();
        match PageReader::begin(&found.absolute, &self.copies, &self.watch) {
            Begun::Pages(mut reader) => {
                let mut node = found.node;
                node.meta.size = reader.len();
                node.meta.ctime = Some(self.time);
                let mut noted = lock(&self.noted);
                if let Some(token) = token {
                    let node = node.clone();
                    noted
                        .databases
                        .insert(path.clone(), SeenDatabase { token, node });
                }
                noted
                    .proofs
                    .push((path.clone(), reader.proof(), unread.clone()));
                drop(noted);
                Some(self.pages(&path, node, Pages::Open(reader), Some(unread)))
            }
            Begun::Plain { why, beside } => {
                unread.note(&path, why.to_string());
                for absolute in beside {
                    if let Some(name) = absolute.file_name() {
                        let path = path.with_file_name(name);
                        let planned = Planned::Beside(absolute, unread.clone());
                        lock(&self.planned).insert(path, planned);
                    }
                }
                self.file(path, &found.absolute, &unread)
            }
            Begun::Unread(why) => {
                unread.tell(&path, why.to_string());
                None
            }
            Begun::Canceled => None,
        }
    }

    /// Returns when another check may begin.
    fn wait_for_checks(&self) {
        let mut noted = lock(&self.noted);
        let running = noted.proofs.iter_mut().map(|(_, proof, _)| proof);
        let mut running: Vec<_> = running.filter(|proof| proof.is_running()).collect();
        let excess = (running.len() + 1).saturating_sub(CHECKS);
        // Those that began first.
        running
            .iter_mut()
            .take(excess)
            .for_each(|proof| proof.settle());
    }

    fn unchanged(&self, path: &Path, token: Option<&ChangeToken>) -> Option<SeenDatabase> {
        let seen = self.seen.databases.get(&path_text(path))?;
        (Some(&seen.token) == token).then(|| seen.clone())
    }

    fn later(&self, found: FoundDatabase) -> Pages {
        let (copies, watch) = (self.copies.clone(), self.watch.clone());
        later(
            move || match PageReader::begin(&found.absolute, &copies, &watch) {
                Begun::Pages(reader) => Ok(*reader),
                _ => Err(std::io::Error::other("it cannot be read any more")),
            },
        )
    }

    fn file(&self, path: PathBuf, absolute: &Path, unread: &Unread) -> Option<Entry> {
        match self.sources.file(&path, absolute) {
            Ok((node, file)) => Some(Entry {
                path,
                node,
                open: Some(ToRead::File(file)),
            }),
            Err(error) => {
                unread.tell(&path, error.to_string());
                None
            }
        }
    }

    fn proven(&self) -> BTreeMap<String, SeenDatabase> {
        let noted = std::mem::take(&mut *lock(&self.noted));
        let mut databases = noted.proven();
        for path in self.ends.left_out() {
            databases.remove(&path);
        }
        let named = databases.into_iter();
        named.map(|(path, seen)| (path_text(&path), seen)).collect()
    }
}

impl Noted {
    /// Waits for the checks. A damaged database is stored all the same, as it may be all there is, and named. It is read again
    /// by the next backup, and so is one that could not be checked this time.
    fn proven(mut self) -> BTreeMap<PathBuf, SeenDatabase> {
        for (path, proof, unread) in self.proofs {
            match proof.wait() {
                Soundness::Damaged(damage) => {
                    unread.note(&path, format!("this database is damaged: {damage}"));
                    self.databases.remove(&path);
                }
                Soundness::Unchecked(why) => {
                    tracing::debug!(why, "a database will be read and checked again");
                    self.databases.remove(&path);
                }
                Soundness::Sound | Soundness::Unjudged(_) | Soundness::Canceled => {}
            }
        }
        self.databases
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReadSource for Databases {
    type Open = ToRead;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    /// To be asked for once.
    fn entries(&self) -> Entries {
        Entries(self.clone())
    }
}

pub(super) struct Entries(Databases);

impl Iterator for Entries {
    type Item = RusticResult<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.0.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_checked_is_read_again_by_the_next_backup() {
        // Any file that did not change just now.
        let program = std::env::current_exe().unwrap();
        let seen = SeenDatabase {
            token: ChangeToken::take(&program).unwrap().unwrap(),
            node: Node::default(),
        };
        let mut noted = Noted::default();
        for (name, found) in [
            ("damaged", Soundness::Damaged("a page".into())),
            ("sound", Soundness::Sound),
            ("unchecked", Soundness::Unchecked("it changed".into())),
            ("unjudged", Soundness::Unjudged("a collation".into())),
        ] {
            let (path, proof) = (PathBuf::from(name), Proof::known(found));
            noted.databases.insert(path.clone(), seen.clone());
            noted.proofs.push((path, proof, Unread::default()));
        }
        let remembered: Vec<_> = noted.proven().into_keys().collect();
        assert_eq!(remembered, ["sound", "unjudged"].map(PathBuf::from));
    }
}
