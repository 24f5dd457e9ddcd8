//! Where backups go: a folder with two restic-format repositories, one for files made of pages and one for all others, and
//! a note of its layout.
//!
//! Every job opens a session of its own, whose storage is wrapped so that the job can be cancelled in it.

mod backend;
mod catalog;
mod catalog_file;
mod content;
mod create;
mod damaged;
mod fault;
mod in_memory;
mod key_files;
mod keyless;
mod lease;
mod listing;
mod masters;
mod mend;
mod note;
mod open;
mod pack;
mod part;
mod records;
mod session;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
mod written;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustic_core::repofile::SnapshotId;
use serde::{Deserialize, Serialize};

use crate::durable::{create_private_folder, lock_file};
use crate::keys::{Ask, KeyState, KeyStore};
use crate::{Error, Secret, Watch};

pub(crate) use catalog::Catalog;
pub(crate) use content::{Content, CopyError, Location};
use lease::{Claimant, Lease, Timing};
use masters::Masters;
use note::Found;
pub(crate) use part::Part;
pub use records::{BackupRecord, SourceRecord, UnreadFile};
pub(crate) use records::{COMMITTED, Details, FILES, FilesDetails, LibraryDetails, PENDING};
pub(crate) use session::Session;
use written::remove_half_written;

/// `destination.json` in the data folder: the destinations that were in use, so that a disk that is absent is not taken
/// for a new, empty one.
#[derive(Default, Serialize, Deserialize)]
struct KnownPlaces {
    places: Vec<PathBuf>,
}

/// How the destination is at the moment.
#[derive(Debug)]
pub struct DestinationReport {
    /// The folder, for a person.
    pub place: String,
    pub free_bytes: Option<u64>,
    /// What all backups take together.
    pub stored_bytes: Option<u64>,
    /// Why it cannot be used.
    pub error: Option<Error>,
}

#[derive(Debug)]
pub(crate) struct Destination {
    root: PathBuf,
    data_dir: PathBuf,
    device_name: String,
    keys: KeyStore,
    masters: Masters,
    catalog: Mutex<Catalog>,
    /// Held while what it takes is measured, which is long where there is much: once at a time.
    measuring: Mutex<()>,
}

/// The destination, taken by one writer.
pub(crate) struct Hold {
    lease: Lease,
}

impl Destination {
    pub(crate) fn new(root: &Path, data_dir: &Path, device_name: &str, keys: KeyStore) -> Self {
        Self {
            root: root.to_owned(),
            data_dir: data_dir.to_owned(),
            device_name: device_name.to_owned(),
            keys,
            masters: Masters::default(),
            catalog: Mutex::new(Catalog::new(data_dir, root)),
            measuring: Mutex::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn key_state(&self) -> KeyState {
        self.keys.state()
    }

    pub(crate) fn give_passphrase(&self, passphrase: Secret) -> Result<(), Error> {
        let mut catalog = self.catalog();
        let before = self.keys.fingerprint();
        self.keys.give_passphrase(passphrase)?;
        // The same key, in another file.
        if before.is_some() && catalog.opened_with() == before.as_deref() {
            catalog.note_opened_with(self.keys.fingerprint());
        }
        Ok(())
    }

    /// Takes the destination for a job that writes, setting it up when it is new. One writer at a time, across processes
    /// and devices: it is given back when what is returned is dropped, or its process ends. Waits where it cannot tell
    /// whether another device still writes.
    pub(crate) fn hold(&self, watch: &Watch) -> Result<Hold, Error> {
        match self.look_at_note()? {
            Found::New => create_private_folder(&self.root).map_err(session::explain_write)?,
            // Nothing is written, not even a lease, where the key is another's or the format newer.
            Found::Ready | Found::WithoutNote => {
                drop(self.open(Part::Databases, watch, Ask::Again)?);
            }
        }
        let (lock, claimant) = (
            self.lock()?,
            Claimant::of(&self.data_dir, &self.device_name)?,
        );
        let lease = Lease::take(&self.root, &claimant, lock, Timing::default(), watch)?;
        // Another may have set it up in the meantime.
        match self.look()? {
            Found::New => self.create(watch)?,
            Found::WithoutNote => self.renew_note()?,
            Found::Ready => {}
        }
        self.remember()?;
        Ok(Hold { lease })
    }

    /// Opens a part of a destination that is held for writing, making it where there is none yet.
    pub(crate) fn write(&self, held: &Hold, part: Part, watch: &Watch) -> Result<Session, Error> {
        let there = self.folder(part).try_exists();
        match (there.map_err(session::explain_write)?, part) {
            (true, _) => {}
            // It was there when the destination was taken: its disk has gone since.
            (false, Part::Databases) => return Err(unreachable("its databases are gone")),
            (false, Part::Files) => {
                held.lease.still_ours()?;
                self.add(part, watch)?;
            }
        }
        let session = self.open(part, watch, Ask::Again)?;
        Ok(session.under(held.lease.clone()))
    }

    /// Removes what interrupted backups left in a destination that is held for writing, mends what was found damaged, and makes
    /// sure that what a part counts as stored is there.
    pub(crate) fn tidy(&self, session: &Session) -> Result<(), Error> {
        let leftovers = match session.part() {
            Part::Databases => {
                let catalog = self.refreshed()?;
                let (leftovers, unreadable) = (catalog.pending(), catalog.unreadable().to_vec());
                drop(catalog);
                session.still_ours()?;
                damaged::set_records_aside(&session.folder(), &unreadable)
                    .map_err(session::explain_write)?;
                leftovers
            }
            Part::Files => self.files_without_backup(session)?,
        };
        if !leftovers.is_empty() {
            session.remove(&leftovers)?;
        }
        session.still_ours()?;
        if session.part() == Part::Databases {
            self.mend_keys(session)?;
        }
        if let Err(error) = remove_half_written(&self.folder(session.part())) {
            tracing::warn!(%error, "what a killed backup was writing stays for now");
        }
        self.mend(session)?;
        session.check_index()
    }

    /// The catalog as the destination is now. What cannot be read any more must not keep a new backup from being made.
    pub(crate) fn refreshed(&self) -> Result<MutexGuard<'_, Catalog>, Error> {
        let mut catalog = self.catalog();
        let open = || self.open(Part::Databases, &Watch::unwatched(), Ask::Again);
        match catalog.refresh(&self.folder(Part::Databases), open) {
            Ok(_) | Err(Error::DamagedRecords(_)) => Ok(catalog),
            Err(error) => Err(error),
        }
    }

    /// Snapshots of files whose backup was never committed. None, where there is or was a record that cannot be read or
    /// understood: it could be the one that they belong to, and they may be all that is left of their backup.
    fn files_without_backup(&self, session: &Session) -> Result<Vec<SnapshotId>, Error> {
        let Some(used) = self.refreshed()?.files_snapshots() else {
            return Ok(Vec::new());
        };
        let databases = self.folder(Part::Databases);
        if damaged::has_records_aside(&databases).map_err(session::explain_write)? {
            return Ok(Vec::new());
        }
        let there = session.snapshot_ids()?;
        Ok(there.into_iter().filter(|id| !used.contains(id)).collect())
    }

    /// Opens a part of the destination for a job that reads. `None`: it is new, and so holds nothing.
    pub(crate) fn read(&self, part: Part, watch: &Watch) -> Result<Option<Session>, Error> {
        match self.look_at_note()? {
            Found::New => Ok(None),
            Found::Ready | Found::WithoutNote => self.open(part, watch, Ask::Again).map(Some),
        }
    }

    /// Opens it with this key, and notes it as one in use. Errors: `Locked` when the key is another's, `Unreachable` when
    /// there is nothing to open.
    pub(crate) fn prove(&self, key: &Secret) -> Result<(), Error> {
        if let Found::New = self.look_at_note()? {
            return Err(unreachable("there are no backups in it"));
        }
        self.open_deriving(Part::Databases, key, &Watch::unwatched())?;
        self.remember()
    }

    pub(crate) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> DestinationReport {
        let error = match self.look() {
            Ok(Found::Ready | Found::WithoutNote) => {
                self.present_backups().err().or_else(|| self.unreadable())
            }
            Ok(Found::New) => None,
            Err(error) => Some(error),
        };
        let existing = self.root.ancestors().find(|folder| folder.exists());
        let reachable = error
            .as_ref()
            .is_none_or(|error| !matches!(error, Error::Unreachable(_)));
        DestinationReport {
            place: self.root.display().to_string(),
            free_bytes: existing
                .filter(|_| reachable)
                .and_then(|folder| fs4::available_space(folder).ok()),
            stored_bytes: if reachable { self.stored_bytes() } else { None },
            error,
        }
    }

    /// That there are backups whose records could not be read.
    pub(crate) fn unreadable(&self) -> Option<Error> {
        let count = self.catalog().unreadable().len();
        (count > 0).then_some(Error::DamagedRecords(count))
    }

    fn folder(&self, part: Part) -> PathBuf {
        self.root.join(part.folder_name())
    }

    /// The folders of the parts that are there.
    fn parts(&self) -> Vec<PathBuf> {
        let parts = [Part::Databases, Part::Files].map(|part| self.folder(part));
        parts.into_iter().filter(|folder| folder.is_dir()).collect()
    }

    fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("holdfast.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        let file = file.map_err(session::explain_write)?;
        match lock_file(&file).map_err(Error::io("locking the destination"))? {
            true => Ok(file),
            false => Err(Error::InUse("destination")),
        }
    }
}

fn unreachable(why: &str) -> Error {
    Error::Unreachable(why.to_owned())
}
