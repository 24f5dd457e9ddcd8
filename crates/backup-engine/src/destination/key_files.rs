//! The files of a part's keys: whether they are whole, and one mended with the same file of the other part. Without them
//! nobody can read the part, and a program that has opened it once does not look at them again by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::session::explain_write;
use super::{Destination, Part, Session};
use crate::Error;
use crate::durable::{sync_folder, write_private};
use crate::hex::hex;

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
pub(super) fn keys_are_whole(folder: &Path) -> bool {
    key_names(folder).is_ok_and(|names| {
        !names.is_empty() && names.iter().all(|name| whole_key(folder, name).is_some())
    })
}

/// Copies the key files of a part to another place where they open the same.
pub(super) fn copy_keys(from: &Path, to: &Path) -> Result<(), Error> {
    let names = key_names(from).map_err(explain_write)?;
    copy_those(from, to, &names)
}

fn copy_those(from: &Path, to: &Path, names: &BTreeSet<String>) -> Result<(), Error> {
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

    pub(crate) fn has_whole_keys(&self, part: Part) -> bool {
        keys_are_whole(&self.folder(part).join("keys"))
    }

    /// Looks at the key files of all parts, and mends what can be mended. To be called while the destination is held for
    /// writing. Errors: `Damaged`: as soon as this program ends, the destination cannot be read any more.
    pub(super) fn mend_keys(&self, session: &Session) -> Result<(), Error> {
        for part in [Part::Databases, Part::Files] {
            if !self.folder(part).is_dir() || self.has_whole_keys(part) {
                continue;
            }
            tracing::error!(part = part.folder_name(), "a key file is damaged");
            session.still_ours()?;
            self.mend_keys_of(part)?;
            if !self.has_whole_keys(part) {
                return Err(damaged_keys());
            }
        }
        Ok(())
    }

    /// From the other part. A file of the same name had the same content; where there is none left, those of the other part
    /// are the same if both are encrypted with one master key.
    fn mend_keys_of(&self, part: Part) -> Result<(), Error> {
        let [own, others] = [part, part.other()].map(|part| self.folder(part).join("keys"));
        let Ok(there) = key_names(&others) else {
            return Ok(());
        };
        let named = key_names(&own).unwrap_or_default();
        let wanted = if named.is_empty() && self.masters.are_same() {
            there
        } else {
            let damaged = named.iter().filter(|name| whole_key(&own, name).is_none());
            damaged
                .filter(|name| there.contains(*name))
                .cloned()
                .collect()
        };
        // What the other part has damaged as well stays as it is.
        let wanted = wanted
            .into_iter()
            .filter(|name| whole_key(&others, name).is_some());
        copy_those(&others, &own, &wanted.collect())
    }
}
