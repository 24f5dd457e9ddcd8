//! One job's open destination, and what its failures mean.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_core::repofile::{IndexFile, PackId, SnapshotFile, SnapshotId};
use rustic_core::{
    FileType, Open, OpenStatus, ReadBackend, RepairIndexOptions, Repository, RusticError,
    RusticResult,
};

use super::backend::GuardedBackend;
use super::damaged;
use super::fault::{Fault, FirstFault, tells_of_loss};
use super::lease::Lease;
use super::written::Written;
use super::{Details, Part};
use crate::engine::guarded;
use crate::{Error, Watch};

/// `S` says how much of the repository's index is loaded.
pub(crate) struct Session<S = OpenStatus> {
    part: Part,
    pub(crate) repository: Repository<S>,
    storage: Arc<GuardedBackend>,
    fault: FirstFault,
    written: Written,
    root: PathBuf,
    watch: Watch,
    /// Of a session that writes.
    lease: Option<Lease>,
}

impl Session {
    pub(super) fn new(
        part: Part,
        repository: Repository<OpenStatus>,
        storage: Arc<GuardedBackend>,
        (fault, written): (FirstFault, Written),
        root: &Path,
        watch: &Watch,
    ) -> Self {
        Self {
            part,
            repository,
            storage,
            fault,
            written,
            root: root.to_owned(),
            watch: watch.clone(),
            lease: None,
        }
    }

    pub(super) fn under(self, lease: Lease) -> Self {
        self.storage.under(lease.claim());
        let lease = Some(lease);
        Self { lease, ..self }
    }
}

impl<S: Open> Session<S> {
    /// The same session with more of the index loaded.
    pub(crate) fn load<T>(
        self,
        load: impl FnOnce(Repository<S>) -> RusticResult<Repository<T>>,
    ) -> Result<Session<T>, Error> {
        let explain = self.explain();
        let Self {
            part,
            repository,
            storage,
            fault,
            written,
            root,
            watch,
            lease,
        } = self;
        Ok(Session {
            part,
            repository: load(repository).map_err(explain)?,
            storage,
            fault,
            written,
            root,
            watch,
            lease,
        })
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What a failure of the repository library means, from the first I/O error behind it.
    pub(crate) fn explain(&self) -> impl Fn(Box<RusticError>) -> Error + use<S> {
        let (fault, root) = (self.fault.clone(), self.root.clone());
        move |error| explain(&error, &fault, &root)
    }

    /// Errors: `Damaged` where it is not there, or not what was written; not where it cannot be read at the moment.
    pub(crate) fn snapshot(&self, id: &SnapshotId) -> Result<SnapshotFile, Error> {
        let read = self.repository.get_file::<SnapshotFile>(id);
        read.map_err(|error| {
            let is_lost = tells_of_loss(&error);
            match self.explain()(error) {
                Error::Repository(detail) if is_lost => Error::Damaged {
                    backup: None,
                    detail,
                },
                explained => explained,
            }
        })
    }

    /// The packs that are there, with their sizes.
    pub(crate) fn packs(&self) -> Result<HashMap<PackId, u32>, Error> {
        let packs = self.storage.list_with_size(FileType::Pack);
        let packs = packs.map_err(self.explain())?.into_iter();
        Ok(packs.map(|(id, size)| (id.into(), size)).collect())
    }

    /// Reads a pack whole and compares it with its name; `work` then reads of it what was read.
    pub(crate) fn with_whole_pack<T>(
        &self,
        id: &PackId,
        work: impl FnOnce() -> T,
    ) -> Result<T, Error> {
        let done = self.storage.with_whole_pack(id, work);
        done.map_err(self.explain())
    }

    /// Notes where every device sees it that a pack is damaged: the next backup mends what can be mended.
    pub(crate) fn note_damaged(&self, pack: &PackId) -> Result<(), Error> {
        tracing::error!(pack = pack.to_hex().as_str(), "damage was found in a pack");
        damaged::note_pack(&self.folder(), pack).map_err(explain_write)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.root.join(self.part.folder_name())
    }

    pub(super) fn storage(&self) -> &GuardedBackend {
        &self.storage
    }

    /// What was written so far stays, whatever becomes of the job.
    pub(super) fn keep_written(&self) {
        self.written.keep();
    }

    /// What the files of the index say, one after another.
    pub(crate) fn index(&self) -> Result<impl Iterator<Item = Result<IndexFile, Error>>, Error> {
        let files = self.repository.stream_files::<IndexFile>();
        let explain = self.explain();
        let files = files.map_err(self.explain())?;
        Ok(files.map(move |file| file.map(|(_, index)| index).map_err(&explain)))
    }

    pub(crate) fn snapshot_ids(&self) -> Result<Vec<SnapshotId>, Error> {
        let ids = self.repository.list().map_err(self.explain())?;
        Ok(ids.collect())
    }

    /// Makes sure that no other device has taken the destination over. Errors: `LeaseLost`.
    pub(crate) fn still_ours(&self) -> Result<(), Error> {
        self.lease.as_ref().map_or(Ok(()), Lease::still_ours)
    }

    pub(crate) fn save(&self, snapshot: SnapshotFile) -> Result<(), Error> {
        self.still_ours()?;
        self.repository
            .save_snapshots(vec![snapshot])
            .map_err(self.explain())
    }

    /// Saves the record of a backup. A device may stand still between its look at the lease and the write, and another one
    /// take the list of files for left over meanwhile: where that is gone, the record that names it goes as well.
    /// Errors: `LeaseLost`.
    pub(crate) fn save_record(&self, record: SnapshotFile) -> Result<(), Error> {
        let files = Details::of(&record).and_then(|details| details.files);
        self.save(record)?;
        match self.still_ours() {
            Err(Error::LeaseLost) if !self.is_there(files.as_deref()) => {
                self.written
                    .remove_last_record(&self.folder())
                    .map_err(|error| {
                        tracing::error!(%error, "the record of a backup that is not whole stays");
                        explain_write(error)
                    })?;
                Err(Error::LeaseLost)
            }
            Err(error) => {
                tracing::warn!(%error, "the lease could not be looked at after a record was saved");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Whether the list of files that a record names is there for sure.
    fn is_there(&self, files: Option<&str>) -> bool {
        let lists = self.root.join(Part::Files.folder_name()).join("snapshots");
        files.is_none_or(|name| lists.join(name).is_file())
    }

    pub(crate) fn remove(&self, ids: &[SnapshotId]) -> Result<(), Error> {
        self.still_ours()?;
        self.repository
            .delete_snapshots(ids)
            .map_err(self.explain())
    }

    /// Brings the index in line with the packs that are there. It is what a backup believes of what is stored already: a
    /// pack that is missing or cut would be missing in every backup from here on. Packs that an interrupted backup left
    /// are entered, and so put to use. What a damaged file of the index said is read out of the packs.
    pub(crate) fn check_index(&self) -> Result<(), Error> {
        self.still_ours()?;
        if let Err(error) = guarded(|| self.repair_index()) {
            let cut = self.storage.leave_out_cut_packs();
            if self.set_damaged_index_aside()? + cut.map_err(self.explain())? == 0 {
                return Err(error);
            }
            self.repair_index()?;
        }
        // It tells what all backups consist of: it stays although this one may come to nothing.
        self.written.keep();
        Ok(())
    }

    fn repair_index(&self) -> Result<(), Error> {
        self.repository
            .repair_index(&RepairIndexOptions::default(), false)
            .map_err(self.explain())
    }

    fn set_damaged_index_aside(&self) -> Result<usize, Error> {
        self.still_ours()?;
        damaged::set_index_files_aside(&self.folder()).map_err(explain_write)
    }

    /// Removes everything that this session has written, unless another device has taken over, which may have put it to
    /// use. Returns whether none of it is left. What stays harms nobody, as long as all that it refers to stays as well.
    pub(crate) fn discard_written(&self) -> bool {
        let claim = self.lease.as_ref().map(Lease::claim);
        let removed = self.written.remove(&self.folder(), claim.as_ref());
        if let Err(error) = &removed {
            tracing::warn!(%error, "what a broken-off backup stored stays until a later one uses it");
        }
        removed.is_ok()
    }
}

pub(super) fn explain(error: &RusticError, fault: &FirstFault, root: &Path) -> Error {
    let ours = ["holdfast.json", "databases/config", "databases.new"];
    if !ours.iter().any(|name| root.join(name).exists()) {
        return Error::Unreachable(error.display_log());
    }
    let Some(Fault { error: io, writing }) = fault.take() else {
        return Error::Repository(error.display_log());
    };
    match io.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Error::DestinationFull(io)
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied if writing => {
            Error::DestinationReadOnly(io)
        }
        io::ErrorKind::PermissionDenied => Error::Unreachable(io.to_string()),
        _ => Error::Repository(error.display_log()),
    }
}

/// The same for a repository that does not open: where no I/O failed, its configuration or a file of its keys is not what
/// was written.
pub(super) fn explain_open(error: &RusticError, fault: &FirstFault, root: &Path) -> Error {
    let io_failed = fault.is_noted();
    match explain(error, fault, root) {
        Error::Repository(detail) if !io_failed => Error::Damaged {
            backup: None,
            detail: format!("the repository does not open: {detail}"),
        },
        explained => explained,
    }
}

pub(super) fn explain_write(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DestinationFull(error),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::DestinationReadOnly(error)
        }
        _ => Error::Unreachable(error.to_string()),
    }
}

pub(super) fn explain_read(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Damaged {
            backup: None,
            detail: format!("the folder of snapshots: {error}"),
        },
        _ => Error::Unreachable(error.to_string()),
    }
}
