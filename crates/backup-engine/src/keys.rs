//! Where the destination's key is kept: the keychain, else a file encrypted with a passphrase, else a file of mode 0600
//! that is announced as unprotected. There is one key a data folder, made once, and never replaced silently.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::durable::{remove_if_there, write_private};
use crate::{Error, Secret};

const KEYCHAIN_SERVICE: &str = "Holdfast";

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

/// `key.json`: which entry of the keychain holds the key.
#[derive(Serialize, Deserialize)]
struct InKeychain {
    keychain_account: String,
}

/// The keys of one data folder.
#[derive(Debug)]
pub(crate) struct KeyStore {
    folder: PathBuf,
    passphrase: Option<Secret>,
    use_keychain: bool,
    failed: Mutex<bool>,
}

impl KeyStore {
    pub(crate) fn new(folder: &Path, passphrase: Option<Secret>, use_keychain: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            passphrase,
            use_keychain,
            failed: Mutex::new(false),
        }
    }

    /// How the key is kept. Does not touch the keychain, which could ask the user.
    pub(crate) fn state(&self) -> KeyState {
        if *self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            KeyState::Missing
        } else if self.encrypted().exists() {
            if self.passphrase.is_some() {
                KeyState::Passphrase
            } else {
                KeyState::Missing
            }
        } else if self.in_keychain().exists() {
            KeyState::Keychain
        } else if self.plain().exists() {
            KeyState::Unprotected
        } else {
            KeyState::NotYet
        }
    }

    /// The key. Errors: `Locked` when there is one that cannot be had, or none.
    pub(crate) fn load(&self) -> Result<Secret, Error> {
        let loaded = self.find();
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = loaded.is_err();
        match loaded {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(Error::Locked("this data folder holds no key".into())),
            Err(error) => Err(error),
        }
    }

    /// The key, made and stored where there is none.
    pub(crate) fn load_or_create(&self) -> Result<Secret, Error> {
        if self.state() == KeyState::NotYet {
            self.create()
        } else {
            self.load()
        }
    }

    fn find(&self) -> Result<Option<Secret>, Error> {
        if self.encrypted().exists() {
            let passphrase = self
                .passphrase
                .as_ref()
                .ok_or_else(|| Error::Locked("a passphrase is needed".into()))?;
            return decrypt(&read(&self.encrypted())?, passphrase).map(Some);
        }
        if self.in_keychain().exists() {
            return self.load_from_keychain().map(Some);
        }
        if !self.plain().exists() {
            return Ok(None);
        }
        let key = text(read(&self.plain())?)?;
        if let Some(passphrase) = &self.passphrase {
            // A passphrase was set after the key was made: encrypt it, prove that, and only then drop the open copy.
            self.store_encrypted(&key, passphrase)?;
            remove_if_there(&self.plain()).map_err(Error::io("removing the unprotected key"))?;
        }
        Ok(Some(key))
    }

    fn create(&self) -> Result<Secret, Error> {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let key = Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        if let Some(passphrase) = &self.passphrase {
            self.store_encrypted(&key, passphrase)?;
        } else if !(self.use_keychain && self.store_in_keychain(&key)?) {
            tracing::warn!(
                "there is no keychain and no passphrase: the key lies in a file that only this user may read"
            );
            write_private(&self.plain(), key.reveal().as_bytes())
                .map_err(Error::io("storing the key"))?;
        }
        Ok(key)
    }

    fn store_encrypted(&self, key: &Secret, passphrase: &Secret) -> Result<(), Error> {
        let encrypted = encrypt(key, passphrase)?;
        if decrypt(&encrypted, passphrase)? != *key {
            return Err(Error::Locked("the encrypted key did not read back".into()));
        }
        write_private(&self.encrypted(), &encrypted).map_err(Error::io("storing the key"))
    }

    /// False: this machine has no keychain that works.
    fn store_in_keychain(&self, key: &Secret) -> Result<bool, Error> {
        let account = format!("destination-{:016x}", rand::rng().next_u64());
        let stored = keyring::v1::Entry::new(KEYCHAIN_SERVICE, &account).and_then(|entry| {
            entry.set_password(key.reveal())?;
            entry.get_password()
        });
        match stored {
            Ok(read_back) if read_back == key.reveal() => {
                let file = serde_json::to_vec(&InKeychain {
                    keychain_account: account,
                })
                .map_err(|error| Error::Locked(error.to_string()))?;
                write_private(&self.in_keychain(), &file)
                    .map_err(Error::io("storing where the key is"))?;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => {
                tracing::info!(%error, "no keychain can be used");
                Ok(false)
            }
        }
    }

    fn load_from_keychain(&self) -> Result<Secret, Error> {
        let file: InKeychain = serde_json::from_slice(&read(&self.in_keychain())?)
            .map_err(|error| Error::Locked(format!("key.json cannot be read: {error}")))?;
        keyring::v1::Entry::new(KEYCHAIN_SERVICE, &file.keychain_account)
            .and_then(|entry| entry.get_password())
            .map(Secret::new)
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

/// The password with which plain restic opens the destination's `databases/` repository.
///
/// Errors: `Locked` when there is no key, or the passphrase or keychain does not give it.
pub fn export_key(data_dir: &Path, passphrase: Option<&Secret>) -> Result<Secret, Error> {
    KeyStore::new(data_dir, passphrase.cloned(), true).load()
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

fn age_passphrase(passphrase: &Secret) -> age::secrecy::SecretString {
    age::secrecy::SecretString::from(passphrase.reveal().to_owned())
}

fn encrypt(key: &Secret, passphrase: &Secret) -> Result<Vec<u8>, Error> {
    let recipient = age::scrypt::Recipient::new(age_passphrase(passphrase));
    age::encrypt(&recipient, key.reveal().as_bytes())
        .map_err(|error| Error::Locked(error.to_string()))
}

fn decrypt(encrypted: &[u8], passphrase: &Secret) -> Result<Secret, Error> {
    let identity = age::scrypt::Identity::new(age_passphrase(passphrase));
    let bytes = age::decrypt(&identity, encrypted)
        .map_err(|error| Error::Locked(format!("the passphrase: {error}")))?;
    text(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path, passphrase: Option<&str>) -> KeyStore {
        KeyStore::new(
            folder,
            passphrase.map(|text| Secret::new(text.into())),
            false,
        )
    }

    #[test]
    fn without_keychain_and_passphrase_the_key_is_kept_private_and_said_to_be_unprotected() {
        let folder = tempfile::tempdir().unwrap();
        let keys = store(folder.path(), None);
        assert_eq!(keys.state(), KeyState::NotYet);
        let key = keys.load_or_create().unwrap();
        assert_eq!(keys.state(), KeyState::Unprotected);
        assert_eq!(key.reveal().len(), 64);
        assert_eq!(store(folder.path(), None).load_or_create().unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join("key.txt"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_passphrase_set_later_encrypts_the_key_and_removes_the_open_copy() {
        let folder = tempfile::tempdir().unwrap();
        let key = store(folder.path(), None).load_or_create().unwrap();
        let protected = store(folder.path(), Some("correct horse"));
        assert_eq!(protected.load().unwrap(), key);
        assert_eq!(protected.state(), KeyState::Passphrase);
        assert!(!folder.path().join("key.txt").exists());
        let on_disk = fs::read(folder.path().join("key.age")).unwrap();
        assert!(
            !on_disk
                .windows(16)
                .any(|window| key.reveal().as_bytes().starts_with(window))
        );
    }

    #[test]
    fn a_wrong_or_missing_passphrase_locks_and_never_makes_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = store(folder.path(), Some("correct horse"))
            .load_or_create()
            .unwrap();
        for wrong in [None, Some("battery staple")] {
            let keys = store(folder.path(), wrong);
            assert!(matches!(keys.load_or_create(), Err(Error::Locked(_))));
            assert_eq!(keys.state(), KeyState::Missing);
        }
        assert_eq!(
            store(folder.path(), Some("correct horse")).load().unwrap(),
            key
        );
    }
}
