//! Where the destination's key is kept: the keychain, else a file encrypted with a passphrase, else a file of mode 0600
//! that is announced as unprotected. There is one key a data folder, made once, and never replaced silently.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::destination::Destination;
use crate::durable::{create_private_folder, remove_if_there, write_private};
use crate::hex::hex;
use crate::{EngineOptions, Error, Secret, engine, keychain};

/// How hard a passphrase is to try, as the binary logarithm of scrypt's cost: 128 MiB and some tenths of a second. Fixed,
/// and read with a margin: a cost that is measured on a busy machine would not open the key on a quiet one, or the reverse.
const PASSPHRASE_COST: u8 = 17;
const GREATEST_PASSPHRASE_COST: u8 = 20;
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
    /// How the last try to have the key ended: why it could not be had.
    tried: Mutex<Option<Result<(), String>>>,
    /// The fingerprint of the key that opened the destination last.
    accepted: Mutex<Option<String>>,
}

impl KeyStore {
    pub(crate) fn new(folder: &Path, passphrase: Option<Secret>, use_keychain: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            passphrase: Mutex::new(passphrase),
            use_keychain,
            tried: Mutex::new(None),
            accepted: Mutex::new(None),
        }
    }

    /// How the key is kept. Does not touch the keychain, which could ask the user.
    pub(crate) fn state(&self) -> KeyState {
        if self.failed().is_some() {
            KeyState::Missing
        } else if self.encrypted().exists() {
            if self.passphrase().is_some() {
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
    pub(crate) fn load(&self, ask: Ask) -> Result<Secret, Error> {
        if let (Ask::Once, Some(why)) = (ask, self.failed()) {
            return Err(Error::Locked(why));
        }
        let none = || Error::Locked("this data folder holds no key".into());
        let loaded = self.find().and_then(|key| key.ok_or_else(none));
        *lock(&self.tried) = Some(match &loaded {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        });
        loaded
    }

    /// That the key can be had. It is asked for once, as a passphrase costs time and memory to try. Errors: `Locked`.
    pub(crate) fn prove(&self) -> Result<(), Error> {
        let proven = matches!(*lock(&self.tried), Some(Ok(())));
        if proven {
            return Ok(());
        }
        self.load(Ask::Once).map(drop)
    }

    /// The key that was given does not open the destination: it need not be tried again by itself.
    pub(crate) fn note_refused(&self) {
        *lock(&self.tried) = Some(Err("the key does not open this destination".into()));
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
    /// that is yet to be made. Errors: `WrongPassphrase`, `BadPassphrase`, `NeedsNoPassphrase`.
    pub(crate) fn give_passphrase(&self, passphrase: Secret) -> Result<(), Error> {
        if self.encrypted().exists() {
            decrypt(&read(&self.encrypted())?, &passphrase).map_err(|_| Error::WrongPassphrase)?;
        } else if self.in_keychain().exists() {
            return Err(Error::NeedsNoPassphrase);
        } else if passphrase.reveal().chars().count() < SHORTEST_PASSPHRASE {
            return Err(Error::BadPassphrase);
        }
        *lock(&self.passphrase) = Some(passphrase);
        if self.state() == KeyState::NotYet {
            self.create().map(drop)
        } else {
            self.load(Ask::Again).map(drop)
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
        if self.state() == KeyState::NotYet {
            self.create()
        } else {
            self.load(Ask::Again)
        }
    }

    fn find(&self) -> Result<Option<Secret>, Error> {
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
        let key = text(read(&self.plain())?)?;
        if self.protect(&key)? {
            // It was unprotected until now. Only when the protected copy is proven does the open one go.
            remove_if_there(&self.plain()).map_err(Error::io("removing the unprotected key"))?;
        }
        Ok(Some(key))
    }

    fn create(&self) -> Result<Secret, Error> {
        let mut bytes = [0u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let key = Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        self.store(&key)?;
        Ok(key)
    }

    /// Stores the first key of this folder, as safely as can be done here.
    fn store(&self, key: &Secret) -> Result<(), Error> {
        if self.protect(key)? {
            return Ok(());
        }
        tracing::warn!(
            "there is no keychain and no passphrase: the key lies in a file that only this user may read"
        );
        write_private(&self.plain(), key.reveal().as_bytes()).map_err(Error::io("storing the key"))
    }

    /// Stores the key encrypted, or in the keychain. False: there is neither a passphrase nor a keychain.
    fn protect(&self, key: &Secret) -> Result<bool, Error> {
        match self.passphrase() {
            Some(passphrase) => self.store_encrypted(key, &passphrase).map(|()| true),
            None => Ok(self.use_keychain && self.store_in_keychain(key)?),
        }
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
        if let Err(error) = keychain::store(&account, key) {
            tracing::info!(%error, "no keychain can be used");
            return Ok(false);
        }
        let file = serde_json::to_vec(&InKeychain {
            keychain_account: account,
        });
        let file = file.map_err(|error| Error::Locked(error.to_string()))?;
        write_private(&self.in_keychain(), &file).map_err(Error::io("storing where the key is"))?;
        Ok(true)
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

/// The password with which plain restic opens the destination's `databases/` repository.
///
/// Errors: `Locked` when there is no key, or the passphrase or keychain does not give it.
pub fn export_key(data_dir: &Path, passphrase: Option<&Secret>) -> Result<Secret, Error> {
    KeyStore::new(data_dir, passphrase.cloned(), true).load(Ask::Again)
}

/// Makes an exported key the key of a data folder that has none: on a new machine, to read the backups of an old one.
///
/// Errors: `KeyExists`, `InUse`, `Locked` when it does not open the destination, `Unreachable` when there is none. Then no
/// key is stored.
pub fn import_key(options: &EngineOptions, key: &Secret) -> Result<(), Error> {
    create_private_folder(&options.data_dir).map_err(Error::io("making the data folder"))?;
    let data_dir =
        fs::canonicalize(&options.data_dir).map_err(Error::io("opening the data folder"))?;
    let _lock = engine::lock(&data_dir)?;
    let keys = || KeyStore::new(&data_dir, options.passphrase.clone(), options.use_keychain);
    if keys().state() != KeyState::NotYet {
        return Err(Error::KeyExists);
    }
    let root = std::path::absolute(&options.destination)
        .map_err(Error::io("reading the destination's path"))?;
    let destination = Destination::new(&root, &data_dir, &options.device_name, keys());
    engine::guarded(|| destination.prove(key))?;
    keys().store(key)
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

fn age_passphrase(passphrase: &Secret) -> age::secrecy::SecretString {
    age::secrecy::SecretString::from(passphrase.reveal().to_owned())
}

fn encrypt(key: &Secret, passphrase: &Secret) -> Result<Vec<u8>, Error> {
    let mut recipient = age::scrypt::Recipient::new(age_passphrase(passphrase));
    recipient.set_work_factor(PASSPHRASE_COST);
    age::encrypt(&recipient, key.reveal().as_bytes())
        .map_err(|error| Error::Locked(error.to_string()))
}

fn decrypt(encrypted: &[u8], passphrase: &Secret) -> Result<Secret, Error> {
    let mut identity = age::scrypt::Identity::new(age_passphrase(passphrase));
    identity.set_max_work_factor(GREATEST_PASSPHRASE_COST);
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
        assert_eq!(protected.load(Ask::Again).unwrap(), key);
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
    fn a_passphrase_can_be_given_while_the_key_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |text: &str| Secret::new(text.into());
        let keys = store(folder.path(), None);
        let key = keys.load_or_create().unwrap();
        let short = keys.give_passphrase(secret("short"));
        assert!(matches!(short, Err(Error::BadPassphrase)));
        assert_eq!(keys.state(), KeyState::Unprotected);
        keys.give_passphrase(secret("correct horse")).unwrap();
        assert_eq!(keys.state(), KeyState::Passphrase);
        assert!(!folder.path().join("key.txt").exists());

        let later = store(folder.path(), None);
        assert!(later.load(Ask::Again).is_err());
        let wrong = later.give_passphrase(secret("battery staple"));
        assert!(matches!(wrong, Err(Error::WrongPassphrase)));
        assert_eq!(later.state(), KeyState::Missing);
        later.give_passphrase(secret("correct horse")).unwrap();
        assert_eq!(later.load(Ask::Once).unwrap(), key);
    }

    #[test]
    fn a_passphrase_that_comes_first_protects_the_key_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let keys = store(folder.path(), None);
        keys.give_passphrase(Secret::new("correct horse".into()))
            .unwrap();
        assert_eq!(keys.state(), KeyState::Passphrase);
        assert!(!folder.path().join("key.txt").exists());
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
            store(folder.path(), Some("correct horse"))
                .load(Ask::Again)
                .unwrap(),
            key
        );
    }
}
