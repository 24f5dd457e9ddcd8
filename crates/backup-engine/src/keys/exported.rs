//! The key on its way out of a data folder, and into a new one.

use std::fs;
use std::path::Path;

use super::{KeyState, KeyStore, none};
use crate::destination::Destination;
use crate::durable::create_private_folder;
use crate::{EngineOptions, Error, Secret, engine};

/// The password with which plain restic opens the destination's `databases/` repository.
///
/// It is only read, without a lock and beside a service that runs: how it is kept is that one's business.
///
/// Errors: `Locked` when there is no key, or the passphrase or keychain does not give it.
pub fn export_key(data_dir: &Path, passphrase: Option<&Secret>) -> Result<Secret, Error> {
    let keys = KeyStore::new(data_dir, passphrase.cloned(), false);
    keys.find()?.ok_or_else(none)
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
