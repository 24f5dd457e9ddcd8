//! A key encrypted with a passphrase, in the format of age.

use super::text;
use crate::{Error, Secret};

/// How hard a passphrase is to try, as the binary logarithm of scrypt's cost: 128 MiB and some tenths of a second. Fixed,
/// and read with a margin: a cost that is measured on a busy machine would not open the key on a quiet one, or the reverse.
const PASSPHRASE_COST: u8 = 17;
const GREATEST_PASSPHRASE_COST: u8 = 20;

fn age_passphrase(passphrase: &Secret) -> age::secrecy::SecretString {
    age::secrecy::SecretString::from(passphrase.reveal().to_owned())
}

pub(super) fn encrypt(key: &Secret, passphrase: &Secret) -> Result<Vec<u8>, Error> {
    let mut recipient = age::scrypt::Recipient::new(age_passphrase(passphrase));
    recipient.set_work_factor(PASSPHRASE_COST);
    age::encrypt(&recipient, key.reveal().as_bytes())
        .map_err(|error| Error::Locked(error.to_string()))
}

pub(super) fn decrypt(encrypted: &[u8], passphrase: &Secret) -> Result<Secret, Error> {
    let mut identity = age::scrypt::Identity::new(age_passphrase(passphrase));
    identity.set_max_work_factor(GREATEST_PASSPHRASE_COST);
    let bytes = age::decrypt(&identity, encrypted)
        .map_err(|error| Error::Locked(format!("the passphrase: {error}")))?;
    text(bytes)
}
