//! The wrapper around the repository's storage: where a job is cancelled within one block of I/O, where a folder that
//! cannot be listed is an error and not an empty one, where the cause of a failure is kept for the person, and where what
//! a job has written is known, so that a job that comes to nothing leaves nothing.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend,
};

use super::damaged::mark_loss;
use super::fault::FirstFault;
use super::lease::Claim;
use super::written::Written;
use crate::Watch;
use crate::durable::sync_folder;
use crate::failpoint::failpoint;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A repository's storage as one job sees it.
#[derive(Debug)]
pub(crate) struct GuardedBackend {
    inner: Arc<dyn WriteBackend>,
    root: PathBuf,
    watch: Watch,
    fault: FirstFault,
    written: Written,
    /// Packs that are in memory whole while they are verified: what is read of them is what was read once.
    whole: Mutex<HashMap<Id, Bytes>>,
    /// Packs that are not listed with their sizes, as if they were missing.
    left_out: Mutex<HashSet<Id>>,
    /// The only pack that is listed, with the size it is said to have.
    alone: Mutex<Option<(Id, u32)>>,
    /// Of a job that writes: nothing is removed where another has taken over.
    claim: OnceLock<Claim>,
}

impl GuardedBackend {
    pub(crate) fn new(
        inner: Arc<dyn WriteBackend>,
        root: &Path,
        watch: Watch,
        fault: FirstFault,
        written: Written,
    ) -> Self {
        Self {
            inner,
            root: root.to_owned(),
            watch,
            fault,
            written,
            whole: Mutex::default(),
            left_out: Mutex::default(),
            alone: Mutex::default(),
            claim: OnceLock::new(),
        }
    }

    /// From now on removes nothing where this does not hold any more.
    pub(crate) fn under(&self, claim: Claim) {
        let _ = self.claim.set(claim);
    }

    /// A device may have slept since its job looked the last time, and what it thinks of as of no use be another's by now.
    fn still_ours(&self) -> RusticResult<()> {
        let ours = self.claim.get().map_or(Ok(()), Claim::still_ours);
        let text = "Another device has taken the destination over.";
        ours.map_err(|error| RusticError::with_source(ErrorKind::Other, text, error))
    }

    /// From now on lists these packs no more, as if they were missing.
    pub(crate) fn leave_out(&self, packs: impl IntoIterator<Item = Id>) {
        lock(&self.left_out).extend(packs);
    }

    /// From now on lists this pack alone.
    pub(crate) fn list_only(&self, id: &Id, size: u32) {
        *lock(&self.alone) = Some((*id, size));
    }

    /// From now on this is what is read of the pack.
    pub(crate) fn hold_pack(&self, id: &Id, content: Bytes) {
        lock(&self.whole).insert(*id, content);
    }

    /// What lies in the place of a pack, whatever it is.
    pub(crate) fn read_pack(&self, id: &Id) -> RusticResult<Bytes> {
        self.go_on()?;
        self.reading(fault_at("backend-read-pack"))?;
        self.reading(self.inner.read_full(FileType::Pack, id))
    }

    /// From now on leaves packs out that are too short for the header that they end with: the repository library reckons with
    /// their sizes before it looks. Returns how many there are.
    pub(crate) fn leave_out_cut_packs(&self) -> RusticResult<usize> {
        const LENGTH_BYTES: u32 = 4;
        let mut cut = HashSet::new();
        for (id, size) in self.list_with_size(FileType::Pack)? {
            let header = if size < LENGTH_BYTES {
                u32::MAX
            } else {
                let at = size - LENGTH_BYTES;
                let length = self.read_partial(FileType::Pack, &id, false, at, LENGTH_BYTES)?;
                length
                    .iter()
                    .rev()
                    .fold(0, |all, byte| all << 8 | u32::from(*byte))
            };
            if u64::from(header) + u64::from(LENGTH_BYTES) > u64::from(size) {
                tracing::error!(
                    id = id.to_hex().as_str(),
                    "a pack is cut: what it held is missing"
                );
                cut.insert(id);
            }
        }
        let count = cut.len();
        self.leave_out(cut);
        Ok(count)
    }

    /// Reads a pack whole and compares it with its name. While `work` runs, what is read of the pack comes from there.
    pub(crate) fn with_whole_pack<T>(&self, id: &Id, work: impl FnOnce() -> T) -> RusticResult<T> {
        let pack = self.read_full(FileType::Pack, id)?;
        self.hold_pack(id, pack);
        let done = work();
        lock(&self.whole).remove(id);
        Ok(done)
    }

    fn go_on(&self) -> RusticResult<()> {
        if self.watch.is_canceled() {
            return Err(RusticError::new(ErrorKind::Other, "The job was cancelled."));
        }
        Ok(())
    }

    fn reading<T>(&self, result: RusticResult<T>) -> RusticResult<T> {
        result.inspect_err(|error| self.fault.note(error, false))
    }

    fn writing<T>(&self, result: RusticResult<T>) -> RusticResult<T> {
        result.inspect_err(|error| self.fault.note(error, true))
    }

    /// The repository library tries one key file after another, and gives up at the first one that is damaged. One that
    /// cannot be read at the moment counts as whole: the library says why.
    fn is_damaged(&self, tpe: FileType, id: &Id) -> bool {
        let content = self.inner.read_full(tpe, id);
        content.is_ok_and(|content| named_after_content(tpe, id, &content).is_err())
    }

    /// The library's own listing answers "nothing" where it cannot read: every folder is asked first. Returns what is in it.
    fn files(&self, tpe: FileType) -> RusticResult<Vec<PathBuf>> {
        if tpe == FileType::Config {
            return Ok(Vec::new());
        }
        let folder = self.root.join(tpe.dirname());
        let files = if tpe == FileType::Pack {
            read_folders(&folder)
        } else {
            read_names(&folder)
        };
        files.map_err(not_listed)
    }
}

fn not_listed(error: io::Error) -> Box<RusticError> {
    let text = "A folder of the repository cannot be listed.";
    RusticError::with_source(ErrorKind::Backend, text, error)
}

/// The library's own listing passes over a file that it could not look at: this tells of those what it left out, with their
/// sizes. What is missing in a list counts as gone.
fn overlooked(files: &[PathBuf], listed: &HashSet<Id>) -> RusticResult<Vec<(Id, u64)>> {
    let mut found = Vec::new();
    for path in files {
        let Some(id) = id_named(path).filter(|id| !listed.contains(id)) else {
            continue;
        };
        match fs::symlink_metadata(path) {
            Ok(data) if data.is_file() => found.push((id, data.len())),
            Ok(_) => {}
            // It was removed in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_listed(error)),
        }
    }
    Ok(found)
}

fn id_named(path: &Path) -> Option<Id> {
    let name = path.file_name()?.to_str()?;
    let id: Id = name.parse().ok()?;
    (id.to_hex().as_str() == name).then_some(id)
}

impl ReadBackend for GuardedBackend {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn list(&self, tpe: FileType) -> RusticResult<Vec<Id>> {
        self.go_on()?;
        self.reading(fault_at("backend-list"))?;
        let files = self.reading(self.files(tpe))?;
        let mut listed = self.reading(self.inner.list(tpe))?;
        let known = listed.iter().copied().collect();
        let more = self.reading(overlooked(&files, &known))?;
        listed.extend(more.into_iter().map(|(id, _)| id));
        if tpe == FileType::Key {
            listed.retain(|id| !self.is_damaged(tpe, id));
        }
        Ok(listed)
    }

    fn list_with_size(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.go_on()?;
        self.reading(fault_at("backend-list-with-size"))?;
        let files = self.reading(self.files(tpe))?;
        let mut listed = self.reading(self.inner.list_with_size(tpe))?;
        let known = listed.iter().map(|(id, _)| *id).collect();
        let more = self.reading(overlooked(&files, &known))?;
        // What is larger than any file of a repository is none.
        let sized = |(id, size)| Some((id, u32::try_from(size).ok()?));
        listed.extend(more.into_iter().filter_map(sized));
        if tpe == FileType::Pack {
            if let Some(alone) = *lock(&self.alone) {
                return Ok(vec![alone]);
            }
            let left_out = lock(&self.left_out);
            listed.retain(|(id, _)| !left_out.contains(id));
        }
        Ok(listed)
    }

    fn read_full(&self, tpe: FileType, id: &Id) -> RusticResult<Bytes> {
        self.go_on()?;
        self.reading(fault_at("backend-read-full"))?;
        let content = self.reading(self.inner.read_full(tpe, id))?;
        named_after_content(tpe, id, &content)?;
        Ok(content)
    }

    fn read_partial(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.go_on()?;
        let whole = lock(&self.whole).get(id).cloned();
        if let Some(pack) = whole.filter(|_| tpe == FileType::Pack) {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            let text = "A pack is shorter than its index says.";
            let short = || RusticError::new(ErrorKind::Repository, text);
            return (end <= pack.len())
                .then(|| pack.slice(start..end))
                .ok_or_else(short);
        }
        self.reading(fault_at("backend-read-partial"))?;
        self.reading(self.inner.read_partial(tpe, id, cacheable, offset, length))
    }

    fn needs_warm_up(&self) -> bool {
        self.inner.needs_warm_up()
    }

    fn warm_up(&self, tpe: FileType, id: &Id) -> RusticResult<()> {
        self.inner.warm_up(tpe, id)
    }

    fn warmup_path(&self, tpe: FileType, id: &Id) -> String {
        self.inner.warmup_path(tpe, id)
    }
}

impl WriteBackend for GuardedBackend {
    fn create(&self) -> RusticResult<()> {
        self.go_on()?;
        self.writing(self.inner.create())
    }

    fn write_bytes(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.go_on()?;
        self.written.note(tpe, id)?;
        self.writing(fault_at("backend-write"))?;
        self.writing(self.inner.write_bytes(tpe, id, cacheable, content))?;
        self.writing(fault_at("backend-written"))?;
        self.writing(sync_place(&self.root, tpe, id))
    }

    /// Durable at its end, so that what is removed after it is never gone before it. Not stopped by a cancel: what removes
    /// things is cleaning up.
    fn remove(&self, tpe: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.still_ours()?;
        if tpe == FileType::Index {
            let text = "A loss cannot be marked.";
            let marked = mark_loss(&self.root);
            self.writing(
                marked
                    .map_err(|error| RusticError::with_source(ErrorKind::InputOutput, text, error)),
            )?;
        }
        self.writing(fault_at("backend-remove"))?;
        self.writing(self.inner.remove(tpe, id, cacheable))?;
        self.writing(fault_at("backend-removed"))?;
        self.writing(sync_place(&self.root, tpe, id))
    }
}

/// A failpoint, as a failure of the storage library.
fn fault_at(name: &'static str) -> RusticResult<()> {
    let text = "The storage failed, as a test asked for.";
    failpoint(name).map_err(|error| RusticError::with_source(ErrorKind::InputOutput, text, error))
}

/// Whole files but the config are named after the hash of their content: one that was damaged, or changed places with
/// another, is told from its name.
fn named_after_content(tpe: FileType, id: &Id, content: &Bytes) -> RusticResult<()> {
    let length = content.len() as u64;
    if tpe == FileType::Config || id.blob_matches_reader(length, &mut content.as_ref()) {
        return Ok(());
    }
    let text = "A file of the repository does not hold what its name says.";
    Err(RusticError::new(ErrorKind::Repository, text))
}

/// The storage library syncs a file but not the folder in which it gave it its name, or removed it.
fn sync_place(root: &Path, tpe: FileType, id: &Id) -> RusticResult<()> {
    sync_folder(&folder_of(root, tpe, id)).map_err(|error| {
        RusticError::with_source(
            ErrorKind::InputOutput,
            "A folder of the repository cannot be synced.",
            error,
        )
    })
}

pub(super) fn folder_of(root: &Path, tpe: FileType, id: &Id) -> PathBuf {
    match tpe {
        FileType::Config => root.to_owned(),
        FileType::Pack => root.join(tpe.dirname()).join(&id.to_hex()[..2]),
        _ => root.join(tpe.dirname()),
    }
}

pub(super) fn read_names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect()
}

/// What is in the folders of a folder.
fn read_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in read_names(folder)? {
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => files.extend(read_names(&path)?),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}
