//! The engine as its callers see it: one library, one destination, one job at a time.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use chrono::{DateTime, Utc};

use crate::backup::{Backup, Origin, SeenStore};
use crate::browse::Shelf;
use crate::database::CopyFolder;
use crate::destination::{BackupRecord, Destination, DestinationReport};
use crate::durable::{create_private_folder, lock_file, remove_folder};
use crate::keys::{KeyState, KeyStore};
use crate::library::Library;
use crate::sources::{Missing, NewSource, Root, Source, SourceId, SourceStore};
use crate::watch::Outcome;
use crate::{
    BackupId, Error, Secret, VERSION, Watch, backup, delete, journal, restore, undo, verify,
};

/// The folder of copies of databases that cannot be read where they are.
const COPIES: &str = "copies";

/// Where an engine works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    pub data_dir: PathBuf,
    pub destination: PathBuf,
    /// Protects the key where it is kept in the data folder.
    pub passphrase: Option<Secret>,
    /// Whether a new key goes into the keychain, where there is one.
    pub use_keychain: bool,
    /// The name of this device in its backups.
    pub device_name: String,
}

#[derive(Debug)]
pub struct Engine {
    pub(crate) data_dir: PathBuf,
    device_name: String,
    pub(crate) sources: SourceStore,
    seen: SeenStore,
    pub(crate) library: Library,
    pub(crate) destination: Destination,
    pub(crate) shelf: Shelf,
    job: Mutex<()>,
    last_id: Mutex<DateTime<Utc>>,
    /// Held as long as the engine lives.
    _lock: File,
}

impl Engine {
    /// Takes the data folder, settles what a crash broke off, and opens the library.
    ///
    /// A destination that is absent, locked or damaged does not fail here; see [`Engine::destination_state`].
    /// Errors: `InUse` when another process has the data folder.
    pub fn open(options: EngineOptions) -> Result<Self, Error> {
        create_private_folder(&options.data_dir).map_err(Error::io("making the data folder"))?;
        let data_dir =
            fs::canonicalize(&options.data_dir).map_err(Error::io("opening the data folder"))?;
        let lock = lock(&data_dir)?;
        journal::settle(&data_dir)?;
        // A restore into a disk that is not there keeps its journal, and what it is about, until it is.
        if !journal::is_pending(&data_dir)? {
            restore::remove_staging(&data_dir)?;
            undo::remove_older(&data_dir);
        }
        remove_folder(&data_dir.join(COPIES))?;
        verify::remove_scratch(&data_dir)?;
        let library = Library::open(&data_dir.join(journal::LIBRARY).join(backup::LIBRARY_FILE))?;
        let keys = KeyStore::new(&data_dir, options.passphrase, options.use_keychain);
        let root = std::path::absolute(&options.destination)
            .map_err(Error::io("reading the destination's path"))?;
        Ok(Self {
            destination: Destination::new(&root, &data_dir, &options.device_name, keys),
            sources: SourceStore::new(&data_dir),
            seen: SeenStore::new(&data_dir),
            shelf: Shelf::new(&data_dir)?,
            data_dir,
            device_name: options.device_name,
            library,
            job: Mutex::default(),
            last_id: Mutex::default(),
            _lock: lock,
        })
    }

    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The folders that are in every backup beside the library.
    pub fn sources(&self) -> Result<Vec<Source>, Error> {
        self.sources.all()
    }

    /// Errors: `UnknownSource`.
    pub fn source(&self, id: &SourceId) -> Result<Source, Error> {
        let source = self.sources.all()?.into_iter().find(|one| one.id == *id);
        source.ok_or_else(|| Error::UnknownSource(id.clone()))
    }

    /// Errors: `BadSource`.
    pub fn add_source(&self, new: NewSource) -> Result<Source, Error> {
        self.sources.add(new, &self.kept_out())
    }

    /// What is left out of it, from the next backup on. Errors: `UnknownSource` and `BadPattern`, with nothing changed.
    pub fn change_source(&self, id: &SourceId, excludes: Vec<String>) -> Result<Source, Error> {
        self.sources.change(id, excludes)
    }

    /// Its earlier backups stay. Errors: `UnknownSource`.
    pub fn remove_source(&self, id: &SourceId) -> Result<(), Error> {
        self.sources.remove(id)
    }

    /// A Pieces data folder that is there and no source yet.
    pub fn suggested_source(&self) -> Result<Option<NewSource>, Error> {
        match std::env::home_dir() {
            Some(home) => self.sources.suggested(&home),
            None => Ok(None),
        }
    }

    /// What is in no backup: backups themselves, and the folder of the library, which is read in its own way.
    pub(crate) fn kept_out(&self) -> [&Path; 2] {
        [&self.data_dir, self.destination.root()]
    }

    pub fn device_name(&self) -> &str {
        &self.device_name
    }

    /// An id for a backup that starts now: later than every other this engine gave.
    pub fn new_backup_id(&self) -> BackupId {
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        let next = *last + chrono::TimeDelta::milliseconds(1);
        *last = Utc::now().max(next);
        BackupId::new(VERSION, *last)
    }

    /// Stores the library as it is as the backup `id`. It is listed from the moment this returns `Completed`.
    pub fn back_up(&self, id: &BackupId, watch: &Watch) -> Result<Outcome<BackupRecord>, Error> {
        let _job = self.begin();
        cancelable(watch, || {
            // What a restore left half done would be taken for what there is.
            let unsettled = restore::settle_for_backup(&self.data_dir, &self.library)?;
            let (sources, missing) = self.sources_but(&unsettled)?;
            let backup = Backup {
                destination: &self.destination,
                library: &self.library,
                sources,
                missing,
                seen: &self.seen,
                copies: CopyFolder::new(&self.data_dir.join(COPIES)),
                origin: Origin {
                    id,
                    device_name: &self.device_name,
                },
                watch,
            };
            let outcome = backup.run()?;
            self.destination.look_again();
            Ok(outcome)
        })
    }

    /// The sources as they are to be read, and those that cannot be: they are not there, or a restore has left them half done.
    fn sources_but(&self, unsettled: &[PathBuf]) -> Result<(Vec<Root>, Vec<Missing>), Error> {
        let (mut roots, mut missing) = self.sources.open(&self.kept_out())?;
        for source in self.sources.all()? {
            let folder = match roots.iter().find(|root| *root.id() == source.id) {
                Some(root) => root.folder().to_owned(),
                None => continue,
            };
            let touched = |place: &PathBuf| place.starts_with(&folder) || folder.starts_with(place);
            if unsettled.iter().any(touched) {
                tracing::warn!(id = %source.id, "a source is half restored");
                roots.retain(|root| *root.id() != source.id);
                let why = "a restore into it was broken off and cannot be finished yet".to_owned();
                missing.push(Missing { source, why });
            }
        }
        Ok((roots, missing))
    }

    /// Every complete backup of the destination, newest first; while it is away, those that it held at the last look.
    pub fn backups(&self) -> Result<Arc<Vec<BackupRecord>>, Error> {
        guarded(|| self.destination.backups())
    }

    /// One backup, also while the destination is away.
    pub fn backup(&self, id: &BackupId) -> Result<BackupRecord, Error> {
        let backups = self.backups()?;
        match backups.iter().find(|record| record.id == *id) {
            Some(record) => Ok(record.clone()),
            // While the destination is away, nobody knows what else is in it by now.
            None => self.present_backup(id),
        }
    }

    /// One backup that is there to be worked with. Errors: `Unreachable` while the destination is away.
    pub fn present_backup(&self, id: &BackupId) -> Result<BackupRecord, Error> {
        let backups = guarded(|| self.destination.present_backups())?;
        let found = backups.iter().find(|record| record.id == *id);
        // One whose record cannot be read is not one that never was.
        let unknown = || {
            let damaged = self.destination.unreadable();
            damaged.unwrap_or_else(|| Error::UnknownBackup(id.clone()))
        };
        found.cloned().ok_or_else(unknown)
    }

    /// Removes a backup from the list. Until the engine is dropped, [`Engine::undelete`] puts it back.
    /// Errors: `Busy` while a job runs.
    pub fn delete(&self, id: &BackupId) -> Result<(), Error> {
        let _job = self.begin_at_once()?;
        guarded(|| {
            self.present_backup(id)?;
            delete::delete(&self.destination, id)
        })
    }

    /// Puts back a backup that was deleted since the engine was opened. Errors: `NothingToUndelete`, `Busy` while a job runs.
    pub fn undelete(&self, id: &BackupId) -> Result<(), Error> {
        let _job = self.begin_at_once()?;
        guarded(|| delete::undelete(&self.destination, id))
    }

    pub fn destination_state(&self) -> DestinationReport {
        self.destination.report()
    }

    /// Protects the key with a passphrase, or opens it with the one that protects it. Errors: `WrongPassphrase`,
    /// `BadPassphrase`, `NeedsNoPassphrase`, `Busy` while a job runs.
    pub fn give_passphrase(&self, passphrase: Secret) -> Result<(), Error> {
        let _job = self.begin_at_once()?;
        self.destination.give_passphrase(passphrase)
    }

    pub fn key_protection(&self) -> KeyState {
        self.destination.key_state()
    }

    /// Waits for what runs: a deletion, which is short, or another job of a caller that does not keep them apart itself.
    pub(crate) fn begin(&self) -> MutexGuard<'_, ()> {
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        self.shelf.forget();
        job
    }

    fn begin_at_once(&self) -> Result<MutexGuard<'_, ()>, Error> {
        match self.job.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
        }
    }
}

/// Takes the data folder for this process. Errors: `InUse`.
pub(crate) fn lock(data_dir: &Path) -> Result<File, Error> {
    let path = data_dir.join("service.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let file = file.map_err(Error::io("opening the data folder's lock"))?;
    match lock_file(&file).map_err(Error::io("locking the data folder"))? {
        true => Ok(file),
        false => Err(Error::InUse("data folder")),
    }
}

/// [`guarded`], for a job. Reads and writes of a job that is cancelled fail wherever it is, and a commit cannot begin
/// any more: so whatever error it ends with, it was cancelled, and everything is as before.
pub(crate) fn cancelable<T>(
    watch: &Watch,
    work: impl FnOnce() -> Result<Outcome<T>, Error>,
) -> Result<Outcome<T>, Error> {
    match guarded(work) {
        Err(error) if watch.is_canceled() => {
            tracing::debug!(%error, "a cancelled job ended");
            Ok(Outcome::Canceled)
        }
        result => result,
    }
}

/// [`guarded`], for a look at what a backup has: whatever error it ends with where it is cancelled, that is why.
pub(crate) fn look<T>(watch: &Watch, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guarded(work).map_err(|error| {
        if watch.is_canceled() {
            Error::Canceled
        } else {
            error
        }
    })
}

/// Runs work that goes through the repository library, whose threads panic on some failures.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Error::Panicked(
            text.unwrap_or_else(|| "without a word".into()),
        ))
    })
}
