//! The keychain of the operating system: Keychain, Credential Manager, or the Secret Service of a desktop.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error, Result};

use crate::Secret;

/// Under this name the keys stand in the keychain.
const SERVICE: &str = "Holdfast";

/// Stores the secret and reads it back. Errors: there is no keychain, it is locked, or it did not keep the secret.
pub(crate) fn store(account: &str, secret: &Secret) -> Result<()> {
    let entry = entry(account)?;
    entry.set_password(secret.reveal())?;
    if entry.get_password()? == secret.reveal() {
        Ok(())
    } else {
        Err(Error::Invalid(
            "secret".into(),
            "it did not read back".into(),
        ))
    }
}

pub(crate) fn load(account: &str) -> Result<Secret> {
    entry(account)?.get_password().map(Secret::new)
}

/// The way to the keychain is sought anew each time: at login a program may start before the keychain does.
fn entry(account: &str) -> Result<Entry> {
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new()?;
    #[cfg(all(unix, not(target_os = "macos")))]
    let store = zbus_secret_service_keyring_store::Store::new()?;
    let store: Arc<CredentialStore> = store;
    store.build(SERVICE, account, None)
}
