//! Opening a part of the destination: with the key that is known already, else with one that is derived from the password.

use std::path::Path;
use std::sync::Arc;

use rustic_backend::LocalBackend;
use rustic_core::repofile::MasterKey;
use rustic_core::{
    Credentials, OpenStatus, Repository, RepositoryBackends, RepositoryOptions, RusticResult,
    WriteBackend,
};

use super::backend::GuardedBackend;
use super::fault::FirstFault;
use super::key_files::damaged_keys;
use super::keyless::fingerprint;
use super::written::Written;
use super::{Destination, Part, Session, session, unreachable};
use crate::keys::Ask;
use crate::{Error, Secret, Watch};

/// The newest version of the repository format this version writes into.
const REPOSITORY_VERSION: u32 = 2;

impl Destination {
    pub(super) fn open(&self, part: Part, watch: &Watch, ask: Ask) -> Result<Session, Error> {
        self.forgive_another_disk();
        if let Some(master) = self.known_master(part) {
            match self.open_with_master(part, watch, master) {
                // Another disk may be in the place of the last one, with another repository under the same password.
                Err(Error::Damaged { .. }) if !watch.is_canceled() => self.masters.forget(),
                opened => return opened,
            }
        }
        let key = self.keys.load(ask)?;
        let session = self.open_deriving(part, &key, watch)?;
        self.keys.note_accepted();
        Ok(session)
    }

    /// Where the key files of a part are damaged, those of the other one are tried: they are the same, and the next backup mends
    /// the one with the other.
    pub(super) fn open_deriving(
        &self,
        part: Part,
        key: &Secret,
        watch: &Watch,
    ) -> Result<Session, Error> {
        match self.derive(part, key, watch) {
            // The folder of the key files may be gone as well.
            Err(damaged @ (Error::Damaged { .. } | Error::Repository(_)))
                if !self.has_whole_keys(part)
                    && self.has_a_whole_key(part.other())
                    && !watch.is_canceled() =>
            {
                let opened = self.open_with_keys_of_other(part, key, watch);
                opened.map_err(|error| {
                    tracing::warn!(%error, "the keys of the other part do not open it either");
                    damaged
                })
            }
            opened => opened,
        }
    }

    fn open_with_keys_of_other(
        &self,
        part: Part,
        key: &Secret,
        watch: &Watch,
    ) -> Result<Session, Error> {
        let master = self.derive(part.other(), key, watch)?.repository.key();
        self.open_with_master(part, watch, master)
    }

    /// Fails with `Damaged` where it is not encrypted with that.
    pub(super) fn open_with_master(
        &self,
        part: Part,
        watch: &Watch,
        master: MasterKey,
    ) -> Result<Session, Error> {
        let credentials = Credentials::Masterkey(master);
        self.open_with(part, watch, |storage| Ok(open_on(storage, &credentials)))
    }

    pub(super) fn derive(&self, part: Part, key: &Secret, watch: &Watch) -> Result<Session, Error> {
        let password = Credentials::password(key.reveal());
        self.open_with(part, watch, |storage| {
            self.masters.derive(watch, move |masters| {
                let open = open_on(storage, &password);
                // Whether anybody still waits for it or not.
                if let Ok(open) = &open {
                    masters.set(part, Some(open.key()));
                }
                open
            })
        })
    }

    /// The key that was derived for this part, or for the other one where both have the same files of keys.
    pub(super) fn known_master(&self, part: Part) -> Option<MasterKey> {
        self.masters.get(part).or_else(|| match part {
            Part::Files if self.have_same_keys() => self.masters.get(Part::Databases),
            _ => None,
        })
    }

    /// Opens it with the key that is stored, whatever opened it before.
    pub(super) fn open_anew(&self) -> Result<Session, Error> {
        self.masters.set(Part::Databases, None);
        self.open(Part::Databases, &Watch::unwatched(), Ask::Once)
    }

    fn open_with(
        &self,
        part: Part,
        watch: &Watch,
        open: impl FnOnce(Arc<GuardedBackend>) -> Result<RusticResult<Repository<OpenStatus>>, Error>,
    ) -> Result<Session, Error> {
        let (fault, written) = (FirstFault::default(), Written::default());
        let folder = self.folder(part);
        let storage = self.storage(&folder, watch, &fault, &written)?;
        let open = open(storage.clone())?.map_err(|error| {
            if !error.is_incorrect_password() {
                session::explain_open(&error, &fault, &self.root)
            } else if self.has_whole_keys(part) {
                self.keys.note_refused(self.repository_here());
                Error::Locked("the key does not open this destination".into())
            } else {
                damaged_keys()
            }
        })?;
        self.accept(part, &open)?;
        Ok(Session::new(
            part,
            open,
            storage,
            (fault, written),
            &self.root,
            watch,
        ))
    }

    /// Another disk may be in the place of the one that the key did not open, and this one need not suffer for it.
    pub(super) fn forgive_another_disk(&self) {
        let refused_by = self.keys.refused_by();
        if refused_by.is_some_and(|repository| repository != self.repository_here()) {
            self.keys.forget_refused();
        }
    }

    /// Names the repository that is in the place. Empty: it cannot be recognized.
    fn repository_here(&self) -> String {
        let recognized = fingerprint(&self.folder(Part::Databases));
        recognized
            .inspect_err(|error| tracing::debug!(%error, "the repository is not recognized"))
            .unwrap_or_default()
    }

    fn accept(&self, part: Part, open: &Repository<OpenStatus>) -> Result<(), Error> {
        let found = open.config().version;
        if found > REPOSITORY_VERSION {
            return Err(Error::NewerLayout {
                found: found.into(),
                known: REPOSITORY_VERSION.into(),
            });
        }
        self.masters.set(part, Some(open.key()));
        Ok(())
    }

    pub(super) fn storage(
        &self,
        folder: &Path,
        watch: &Watch,
        fault: &FirstFault,
        written: &Written,
    ) -> Result<Arc<GuardedBackend>, Error> {
        let text = folder
            .to_str()
            .ok_or_else(|| unreachable("its path is not valid Unicode"))?;
        let local = LocalBackend::new(text, []);
        let local = local.map_err(|error| Error::Repository(error.display_log()))?;
        let guarded = GuardedBackend::new(
            Arc::new(local),
            folder,
            watch.clone(),
            fault.clone(),
            written.clone(),
        );
        Ok(Arc::new(guarded))
    }
}

pub(super) fn repository_on(storage: Arc<dyn WriteBackend>) -> RusticResult<Repository<()>> {
    let backends = RepositoryBackends::new(storage, None);
    Repository::new(&RepositoryOptions::default().no_cache(true), &backends)
}

fn open_on(
    storage: Arc<GuardedBackend>,
    credentials: &Credentials,
) -> RusticResult<Repository<OpenStatus>> {
    repository_on(storage)?.open(credentials)
}
