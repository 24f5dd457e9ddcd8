//! Where the destination's key is kept: the keychain, else a file encrypted with a passphrase, else a file of mode 0600
//! that is announced as unprotected. There is one key a data folder, made once, and never replaced silently.

mod exported;
mod passphrase;
mod protect;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::{Error, Secret, keychain};
use passphrase::decrypt;

pub use exported::{export_key, import_key};

/// Of a new passphrase, in characters.
const SHORTEST_PASSPHRASE: usize = 8;

/// How the key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    Keychain,
    Passphrase,
    /// In a file that only the user may read. Must be shown until it is mended.
    Unprotected,
    /// There is one, but it could not be had at the last try.
    Missing,
    /// There is none yet; the first backup makes it.
    NotYet,
}

/// Whether to try again for a key that could not be had before: trying costs time and memory, and may ask the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Again,
    Once,
}

/// `key.json`: which entry of the keychain holds the key.
#[derive(Serialize, Deserialize)]
struct InKeychain {
    keychain_account: String,
}

/// The keys of one data folder.
#[derive(Debug)]
pub(crate) struct KeyStore {
    folder: PathBuf,
    passphrase: Mutex<Option<Secret>>,
    use_keychain: bool,
    /// Held while the key is looked for, protected or made: one at a time.
    at_work: Mutex<()>,
    /// How the last try to have the key ended: why it could not be had.
    tried: Mutex<Option<Result<(), String>>>,
    /// Which repository the key did not open at the last try.
    refused_by: Mutex<Option<String>>,
    /// The fingerprint of the key that opened the destination last.
    accepted: Mutex<Option<String>>,
}

impl KeyStore {
    pub(crate) fn new(folder: &Path, passphrase: Option<Secret>, use_keychain: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            passphrase: Mutex::new(passphrase),
            use_keychain,
            at_work: Mutex::default(),
            tried: Mutex::new(None),
            refused_by: Mutex::new(None),
            accepted: Mutex::new(None),
        }
    }

    /// How the key is kept. Does not touch the keychain, which could ask the user.
    pub(crate) fn state(&self) -> KeyState {
        let is_protected = self.encrypted().exists() || self.in_keychain().exists();
        let has_passphrase = !self.encrypted().exists() || self.passphrase().is_some();
        if self.failed().is_some() || !has_passphrase {
            KeyState::Missing
        } else if self.plain().exists() {
            // Also beside a protected one: a crash between the two leaves both.
            KeyState::Unprotected
        } else if !is_protected {
            KeyState::NotYet
        } else if self.encrypted().exists() {
            KeyState::Passphrase
        } else {
            KeyState::Keychain
        }
    }

    /// The key, which is protected from then on where it can be. Errors: `Locked` when there is one that cannot be had, or none.
    pub(crate) fn load(&self, ask: Ask) -> Result<Secret, Error> {
        let _one_at_a_time = lock(&self.at_work);
        self.load_now(ask)
    }

    fn load_now(&self, ask: Ask) -> Result<Secret, Error> {
        if let (Ask::Once, Some(why)) = (ask, self.failed()) {
            return Err(Error::Locked(why));
        }
        let (key, settled) = self.have()?;
        if let Err(error) = settled {
            // Tried again the next time. The key was had, and what lies beside it keeps nobody from using it.
            tracing::warn!(%error, "the key is not protected, or its open copy stays");
        }
        Ok(key)
    }

    /// The key, and what came of protecting it.
    fn have(&self) -> Result<(Secret, Result<(), Error>), Error> {
        let found = self.find().and_then(|key| key.ok_or_else(none));
        *lock(&self.refused_by) = None;
        *lock(&self.tried) = Some(match &found {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        });
        let key = found?;
        let settled = self.settle(&key);
        Ok((key, settled))
    }

    /// That the key can be had. It is asked for once, as a passphrase costs time and memory to try. Errors: `Locked`.
    pub(crate) fn prove(&self) -> Result<(), Error> {
        let proven = matches!(*lock(&self.tried), Some(Ok(())));
        if proven {
            return Ok(());
        }
        self.load(Ask::Once).map(drop)
    }

    /// The key that was given does not open this repository: it need not be tried again by itself as long as that is there.
    pub(crate) fn note_refused(&self, repository: String) {
        *lock(&self.tried) = Some(Err("the key does not open this destination".into()));
        *lock(&self.refused_by) = Some(repository);
    }

    /// Which repository refused it, if one did.
    pub(crate) fn refused_by(&self) -> Option<String> {
        lock(&self.refused_by).clone()
    }

    /// Another repository is in the place of the one that refused it.
    pub(crate) fn forget_refused(&self) {
        if lock(&self.refused_by).take().is_some() {
            *lock(&self.tried) = None;
        }
    }

    /// The key that was given opens the destination.
    pub(crate) fn note_accepted(&self) {
        *lock(&self.accepted) = self.fingerprint();
    }

    /// Which key did, as [`KeyStore::fingerprint`].
    pub(crate) fn accepted(&self) -> Option<String> {
        lock(&self.accepted).clone()
    }

    /// Uses this passphrase from now on: to open the key that it protects, or to protect one that is not protected yet or
    /// that is yet to be made. Errors: `WrongPassphrase`, `BadPassphrase`, `NeedsNoPassphrase`, and where it does not protect
    /// the key now: then the passphrase is not used later either, which nobody would know that it is needed.
    pub(crate) fn give_passphrase(&self, passphrase: Secret) -> Result<(), Error> {
        let _one_at_a_time = lock(&self.at_work);
        if self.encrypted().exists() {
            decrypt(&read(&self.encrypted())?, &passphrase).map_err(|_| Error::WrongPassphrase)?;
        } else if self.in_keychain().exists() {
            return Err(Error::NeedsNoPassphrase);
        } else if passphrase.reveal().chars().count() < SHORTEST_PASSPHRASE {
            return Err(Error::BadPassphrase);
        }
        let before = lock(&self.passphrase).replace(passphrase);
        let used = self.use_passphrase();
        // A key that is encrypted all the same is so with this one.
        if used.is_err() && !self.encrypted().exists() {
            *lock(&self.passphrase) = before;
        }
        used
    }

    /// Protects the key with the passphrase, or makes the first one.
    fn use_passphrase(&self) -> Result<(), Error> {
        if self.state() == KeyState::NotYet {
            return self.create().map(drop);
        }
        let (_, settled) = self.have()?;
        match settled {
            Err(error) if self.encrypted().exists() => {
                tracing::warn!(%error, "the open copy of the key stays");
                Ok(())
            }
            settled => settled,
        }
    }

    /// Names the file that holds the key, and nothing of the key where that is protected. Another file may hold another key.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let files = [self.encrypted(), self.in_keychain(), self.plain()];
        let file = files.iter().find(|file| file.exists())?;
        Some(hex(&Sha256::digest(read(file).ok()?)))
    }

    fn passphrase(&self) -> Option<Secret> {
        lock(&self.passphrase).clone()
    }

    /// Why the key could not be had at the last try.
    fn failed(&self) -> Option<String> {
        lock(&self.tried).clone().and_then(Result::err)
    }

    /// The key, made and stored where there is none.
    pub(crate) fn load_or_create(&self) -> Result<Secret, Error> {
        let _one_at_a_time = lock(&self.at_work);
        if self.state() == KeyState::NotYet {
            self.create()
        } else {
            self.load_now(Ask::Again)
        }
    }

    /// Only reads. `None`: there is no key.
    pub(super) fn find(&self) -> Result<Option<Secret>, Error> {
        if self.encrypted().exists() {
            let passphrase = self
                .passphrase()
                .ok_or_else(|| Error::Locked("a passphrase is needed".into()))?;
            return decrypt(&read(&self.encrypted())?, &passphrase).map(Some);
        }
        if self.in_keychain().exists() {
            return self.load_from_keychain().map(Some);
        }
        if !self.plain().exists() {
            return Ok(None);
        }
        text(read(&self.plain())?).map(Some)
    }

    fn create(&self) -> Result<Secret, Error> {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let key = Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        self.store(&key)?;
        Ok(key)
    }

    fn load_from_keychain(&self) -> Result<Secret, Error> {
        let file: InKeychain = serde_json::from_slice(&read(&self.in_keychain())?)
            .map_err(|error| Error::Locked(format!("key.json cannot be read: {error}")))?;
        keychain::load(&file.keychain_account)
            .map_err(|error| Error::Locked(format!("the keychain did not give the key: {error}")))
    }

    fn encrypted(&self) -> PathBuf {
        self.folder.join("key.age")
    }

    fn in_keychain(&self) -> PathBuf {
        self.folder.join("key.json")
    }

    fn plain(&self) -> PathBuf {
        self.folder.join("key.txt")
    }
}

fn none() -> Error {
    Error::Locked("this data folder holds no key".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error: io::Error| {
        Error::Locked(format!("the key's file cannot be read: {error}"))
    })
}

fn text(bytes: Vec<u8>) -> Result<Secret, Error> {
    let text =
        String::from_utf8(bytes).map_err(|_| Error::Locked("the key's file is damaged".into()))?;
    Ok(Secret::new(text.trim().to_owned()))
}
