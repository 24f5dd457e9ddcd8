//! Storing the key as safely as can be done here, and moving one that lies open.

use std::fs;
use std::io;

use rand::Rng;

use super::passphrase::{decrypt, encrypt};
use super::{InKeychain, KeyStore, text};
use crate::durable::{remove_if_there, sync_parent, write_private};
use crate::{Error, Secret, keychain};

impl KeyStore {
    /// Protects a key that was unprotected until now, and removes the open copy: only where the protected one gives the
    /// same key. A crash may have left both.
    pub(super) fn settle(&self, key: &Secret) -> Result<(), Error> {
        let open = self.plain();
        if !open.exists() {
            return Ok(());
        }
        let is_protected = self.encrypted().exists() || self.in_keychain().exists();
        if !is_protected && !self.protect(key)? {
            return Ok(());
        }
        let copy = match fs::read(&open) {
            // Removed by somebody else in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            copy => copy.map_err(Error::io("reading the unprotected key"))?,
        };
        if text(copy)? != *key {
            tracing::warn!("key.txt holds another key than the protected one, and stays");
            return Ok(());
        }
        let removed = remove_if_there(&open).and_then(|()| sync_parent(&open));
        removed.map_err(Error::io("removing the unprotected key"))
    }

    /// Stores the first key of this folder, as safely as can be done here.
    pub(super) fn store(&self, key: &Secret) -> Result<(), Error> {
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
}
