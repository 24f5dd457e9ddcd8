//! Keeping the locks that SQLite holds in this process.
//!
//! On Unix the locks on a file belong to the process: whoever closes any handle on it gives up all that the process has
//! there, also those of SQLite ([2.2](https://www.sqlite.org/howtocorrupt.html)). Then a program may begin its log anew, or
//! cut its index short, while its pages are read. So what SQLite does with its own handles is done here with the plain ones:
//! while a database is open through SQLite, those on it and on what lies beside it are parked, and closed after it.
//!
//! Where files have no identity, which is elsewhere than on Unix, nothing is parked, and need not be.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What stays the same as long as it is the same file or folder, where the system knows such a thing.
pub(crate) type Identity = (u64, u64);

#[cfg(unix)]
pub(crate) fn identity(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(crate) fn identity(_metadata: &Metadata) -> Option<Identity> {
    None
}

/// The name of the database that a file of this name (or path) would lie beside.
#[cfg(unix)]
pub(crate) fn database_of(name: &OsStr) -> Option<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    let strip = |suffix: &&str| name.as_bytes().strip_suffix(suffix.as_bytes());
    let database = super::COMPANIONS.iter().find_map(strip)?;
    Some(OsStr::from_bytes(database))
}

#[cfg(not(unix))]
pub(crate) fn database_of(name: &OsStr) -> Option<&OsStr> {
    let name = name.to_str()?;
    let strip = |suffix: &&str| name.strip_suffix(*suffix);
    super::COMPANIONS.iter().find_map(strip).map(OsStr::new)
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    guarded: BTreeMap::new(),
    parked: Vec::new(),
    closing: Vec::new(),
});
/// A handle was closed.
static CLOSED: Condvar = Condvar::new();

struct Registry {
    /// The databases that are open through SQLite, and how often.
    guarded: BTreeMap<Identity, usize>,
    /// Not more than were ever open at one time, because a parked one is used again before its file is opened once more.
    parked: Vec<Arc<Handle>>,
    /// Those that are being closed at this moment.
    closing: Vec<Marks>,
}

impl Registry {
    fn guards(&self, marks: &Marks) -> bool {
        let mut ids = [marks.file, marks.database].into_iter().flatten();
        ids.any(|id| self.guarded.contains_key(&id))
    }
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which databases a file belongs to: to itself, if it is one, and to the one that it lies beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    file: Option<Identity>,
    database: Option<Identity>,
}

impl Marks {
    fn belong_to(&self, database: Identity) -> bool {
        [self.file, self.database].contains(&Some(database))
    }
}

/// A connection of SQLite's, and what keeps its locks: from before it is opened until it is closed.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    inner: T,
    /// Behind it, and so dropped after it.
    _guard: Option<Guard>,
}

impl<T> Guarded<T> {
    /// Opens the database at `path` through SQLite.
    pub(crate) fn open<E>(path: &Path, open: impl Fn() -> Result<T, E>) -> Result<Self, E> {
        loop {
            let guard = Guard::on(identity_at(path));
            let inner = open()?;
            // Else it was made or replaced just now, and the one that was opened need not be the guarded one.
            if guard.0 == identity_at(path) {
                let _guard = Some(guard);
                return Ok(Self { inner, _guard });
            }
        }
    }
}

/// Of one that holds no locks.
impl<T> From<T> for Guarded<T> {
    fn from(inner: T) -> Self {
        let _guard = None;
        Self { inner, _guard }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// While it is there, no plain handle on the database, or on what lies beside it, is closed.
#[derive(Debug)]
struct Guard(Option<Identity>);

impl Guard {
    /// Waits for those that are closing a handle on it.
    fn on(database: Option<Identity>) -> Self {
        if let Some(database) = database {
            let closing = |registry: &mut Registry| {
                let mut closing = registry.closing.iter();
                closing.any(|marks| marks.belong_to(database))
            };
            let mut registry = CLOSED
                .wait_while(registry(), closing)
                .unwrap_or_else(PoisonError::into_inner);
            *registry.guarded.entry(database).or_default() += 1;
        }
        Self(database)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(database) = self.0 else {
            return;
        };
        let mut registry = registry();
        if let Some(count) = registry.guarded.get_mut(&database) {
            *count -= 1;
            if *count == 0 {
                registry.guarded.remove(&database);
            }
        }
        let parked = std::mem::take(&mut registry.parked);
        let (kept, done) = parked
            .into_iter()
            .partition(|handle| registry.guards(&handle.marks));
        registry.parked = kept;
        // Still within the lock, so that no guard is taken meanwhile.
        drop::<Vec<_>>(done);
    }
}

fn identity_at(path: &Path) -> Option<Identity> {
    identity(&fs::metadata(path).ok()?)
}

#[derive(Debug)]
struct Handle {
    file: File,
    marks: Marks,
}

/// A file of another program that is opened for reading: all that may be a database, or lie beside one, is opened as this,
/// so that closing it cannot be done wrongly. A clone of the `File` would escape that.
#[derive(Debug)]
pub(crate) struct PlainFile {
    handle: Arc<Handle>,
    /// Behind the handle, because it tells that the handle is closed.
    closing: Option<Closing>,
}

impl PlainFile {
    /// Opens what lies at `path`: itself, and not what a link there leads to, or a parked handle is not found again.
    pub(crate) fn open(path: &Path, open: impl FnOnce() -> io::Result<File>) -> io::Result<Self> {
        let there = fs::symlink_metadata(path).ok();
        let there = there.and_then(|metadata| identity(&metadata));
        let database = database_of(path.as_os_str()).and_then(|path| identity_at(path.as_ref()));
        Self::known(there, database, open)
    }

    /// Opens a file. `there`: what lies in its place; `database`: what it lies beside, if it has the name for that.
    pub(crate) fn known(
        there: Option<Identity>,
        database: Option<Identity>,
        open: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<Self> {
        if let Some(again) = there.and_then(Self::again) {
            (&again.handle.file).rewind()?;
            return Ok(again);
        }
        let file = open()?;
        let marks = Marks {
            file: identity(&file.metadata()?),
            database,
        };
        Ok(Self {
            handle: Arc::new(Handle { file, marks }),
            closing: None,
        })
    }

    /// The parked handle on this file.
    fn again(file: Identity) -> Option<Self> {
        let mut registry = registry();
        let mut parked = registry.parked.iter();
        let at = parked.position(|handle| handle.marks.file == Some(file))?;
        let handle = registry.parked.swap_remove(at);
        Some(Self {
            handle,
            closing: None,
        })
    }
}

impl Deref for PlainFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.handle.file
    }
}

impl Read for PlainFile {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        (&self.handle.file).read(target)
    }
}

impl Drop for PlainFile {
    fn drop(&mut self) {
        let marks = self.handle.marks;
        let mut registry = registry();
        if registry.guards(&marks) {
            registry.parked.push(self.handle.clone());
        }
        registry.closing.push(marks);
        self.closing = Some(Closing(marks));
    }
}

/// From the decision whether a handle may be closed until that is done.
#[derive(Debug)]
struct Closing(Marks);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut registry = registry();
        let mut closing = registry.closing.iter();
        if let Some(at) = closing.position(|marks| *marks == self.0) {
            registry.closing.swap_remove(at);
        }
        CLOSED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn a_guard_waits_for_a_handle_that_is_being_closed() {
        // No file has this identity.
        let database = (u64::MAX, u64::MAX);
        let marks = Marks {
            file: None,
            database: Some(database),
        };
        registry().closing.push(marks);
        let (closing, closed) = (Closing(marks), Arc::new(AtomicBool::new(false)));
        let seen = closed.clone();
        let guarded = thread::spawn(move || {
            let _guard = Guard::on(Some(database));
            seen.load(Ordering::SeqCst)
        });
        for _ in 0..10_000 {
            thread::yield_now();
        }
        closed.store(true, Ordering::SeqCst);
        drop(closing);
        assert!(guarded.join().unwrap());
        assert!(!registry().guarded.contains_key(&database));
    }
}
