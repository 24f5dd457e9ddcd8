//! The files of a part's keys: whether they are whole, and one mended with the same file of the other part. Without them
//! nobody can read the part, and a program that has opened it once does not look at them again by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustic_core::repofile::{KeyFile, MasterKey};
use sha2::{Digest, Sha256};

use super::session::explain_write;
use super::{Destination, Part, Session};
use crate::durable::{create_private_folder, sync_folder, sync_parent, write_private};
use crate::hex::hex;
use crate::keys::Ask;
use crate::{Error, Secret, Watch};

/// Their names. What other programs put there, such as `.DS_Store`, is none.
fn key_names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let is_id = |name: &String| {
        let is_digit = |letter: u8| matches!(letter, b'0'..=b'9' | b'a'..=b'f');
        name.len() == 64 && name.bytes().all(is_digit)
    };
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
    let names: io::Result<Vec<_>> = names.collect();
    Ok(names?.into_iter().flatten().filter(is_id).collect())
}

/// The content of a key file. `None`: it is not what its name is the hash of, or cannot be read.
fn whole_key(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let content = fs::read(folder.join(name)).ok()?;
    (hex(&Sha256::digest(&content)) == name).then_some(content)
}

/// Whether there are key files, and each is whole.
fn keys_are_whole(folder: &Path) -> bool {
    key_names(folder).is_ok_and(|names| {
        !names.is_empty() && names.iter().all(|name| whole_key(folder, name).is_some())
    })
}

/// Copies the key files of a part to another place where they open the same, but for damaged ones. Errors: `Damaged` where
/// none is whole.
pub(super) fn copy_keys(from: &Path, to: &Path) -> Result<(), Error> {
    let mut names = key_names(from).map_err(explain_write)?;
    names.retain(|name| whole_key(from, name).is_some());
    if names.is_empty() {
        return Err(damaged_keys());
    }
    copy_those(from, to, &names)
}

fn copy_those(from: &Path, to: &Path, names: &BTreeSet<String>) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let made = create_private_folder(to).and_then(|()| sync_parent(to));
    made.map_err(explain_write)?;
    for name in names {
        let content = whole_key(from, name).ok_or_else(damaged_keys)?;
        write_private(&to.join(name), &content).map_err(explain_write)?;
    }
    sync_folder(to).map_err(explain_write)
}

pub(super) fn damaged_keys() -> Error {
    Error::Damaged {
        backup: None,
        detail: "the files of the destination's keys".into(),
    }
}

impl Destination {
    pub(super) fn have_same_keys(&self) -> bool {
        let names = |part| key_names(&self.folder(part).join("keys")).ok();
        let own = names(Part::Files).filter(|names| !names.is_empty());
        own.is_some() && own == names(Part::Databases)
    }

    /// Whether it has key files, and each is whole.
    pub(super) fn has_whole_keys(&self, part: Part) -> bool {
        keys_are_whole(&self.keys_of(part))
    }

    pub(super) fn has_a_whole_key(&self, part: Part) -> bool {
        let folder = self.keys_of(part);
        let names = key_names(&folder).unwrap_or_default();
        names.iter().any(|name| whole_key(&folder, name).is_some())
    }

    fn keys_of(&self, part: Part) -> PathBuf {
        self.folder(part).join("keys")
    }

    /// Whether a program that has not opened it yet can open a part. A damaged key file beside one that opens it is in
    /// nobody's way, and is only named.
    pub(crate) fn opens_after_a_start(&self, part: Part, watch: &Watch) -> Result<bool, Error> {
        if self.has_whole_keys(part) {
            return Ok(true);
        }
        for name in self.damaged_keys_of(part) {
            tracing::error!(part = part.folder_name(), name, "a key file is damaged");
        }
        if !self.has_a_whole_key(part) {
            return Ok(false);
        }
        let key = self.keys.load(Ask::Once)?;
        only_if_whole(self.derive(part, &key, watch), watch).map(|opened| opened.is_some())
    }

    fn damaged_keys_of(&self, part: Part) -> BTreeSet<String> {
        let folder = self.keys_of(part);
        let mut names = key_names(&folder).unwrap_or_default();
        names.retain(|name| whole_key(&folder, name).is_none());
        names
    }

    /// Looks at the key files of all parts, and mends what can be mended. To be called while the destination is held for
    /// writing. Errors: `Damaged`: as soon as this program ends, the destination cannot be read any more.
    pub(super) fn mend_keys(&self, session: &Session) -> Result<(), Error> {
        for part in [Part::Databases, Part::Files] {
            if !self.folder(part).is_dir() || self.has_whole_keys(part) {
                continue;
            }
            tracing::error!(
                part = part.folder_name(),
                "a key file is damaged or missing"
            );
            session.still_ours()?;
            if !self.mend_keys_of(part, session.watch())? {
                return Err(damaged_keys());
            }
        }
        Ok(())
    }

    /// From the other part. False: the part does not open any more after the next start.
    fn mend_keys_of(&self, part: Part, watch: &Watch) -> Result<bool, Error> {
        self.copy_keys_of_same_name(part)?;
        if self.opens_after_a_start(part, watch)? {
            return Ok(true);
        }
        self.copy_proven_keys(part, watch)?;
        self.opens_after_a_start(part, watch)
    }

    /// A file of the same name had the same content. What the other part has damaged as well stays as it is.
    fn copy_keys_of_same_name(&self, part: Part) -> Result<(), Error> {
        let others = self.keys_of(part.other());
        let mut names = self.damaged_keys_of(part);
        names.retain(|name| whole_key(&others, name).is_some());
        copy_those(&others, &self.keys_of(part), &names)
    }

    /// Where both parts are encrypted with one master key, a key file of the other part that gives it to us is one of this part
    /// as well. Whether they are is tried, as nothing may have opened this part since the start.
    fn copy_proven_keys(&self, part: Part, watch: &Watch) -> Result<(), Error> {
        if !self.has_a_whole_key(part.other()) {
            return Ok(());
        }
        let master = self.open(part.other(), watch, Ask::Once)?.repository.key();
        let opened = self.open_with_master(part, watch, master.clone());
        if only_if_whole(opened, watch)?.is_none() {
            return Ok(());
        }
        let (others, password) = (self.keys_of(part.other()), self.keys.load(Ask::Once)?);
        let from = others.clone();
        let proven = self.masters.derive(watch, move |_| -> io::Result<_> {
            let mut names = key_names(&from)?;
            names.retain(|name| {
                whole_key(&from, name).is_some_and(|file| gives(&file, &password, &master))
            });
            Ok(names)
        })?;
        copy_those(
            &others,
            &self.keys_of(part),
            &proven.map_err(explain_write)?,
        )
    }
}

/// Whether a key file gives this master key for this password. Another password's may be of anybody.
fn gives(file: &[u8], password: &Secret, master: &MasterKey) -> bool {
    let Ok(file) = serde_json::from_slice::<KeyFile>(file) else {
        return false;
    };
    let found = file.key_from_password(&password.reveal());
    found.is_ok_and(|key| {
        let (encrypt, k, r) = key.to_keys();
        encrypt == master.encrypt && k == master.mac.k && r == master.mac.r
    })
}

/// `None`: it does not open because it, or what it is opened with, is not what it should be.
fn only_if_whole(opened: Result<Session, Error>, watch: &Watch) -> Result<Option<Session>, Error> {
    match opened {
        Err(Error::Damaged { .. }) if !watch.is_canceled() => Ok(None),
        opened => opened.map(Some),
    }
}
