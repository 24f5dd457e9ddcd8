//! Setting damaged files of a repository aside: `damaged/` in the destination. What is set aside is not read again and never
//! deleted; what a person can make of such a file is more than nothing.
//!
//! A pack in which damage was found is noted there first: `noted/` has an empty file with its name, for every device to see.
//! A note has no content that could be damaged. It only has the pack looked at: one too many costs a look, and one that is
//! lost is made again by the next verification.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustic_core::Id;
use rustic_core::repofile::{PackId, SnapshotId};
use sha2::{Digest, Sha256};

use crate::durable::{
    create_private_folder, remove_if_there, sync_folder, sync_parent, write_private,
};
use crate::failpoint::failpoint;
use crate::hex::hex;

/// Of both repositories.
const LOSS: &str = "loss";

/// Sets the index files aside that do not hold what their names say. An index tells only what can be read out of the packs
/// as well, and one file of it that is damaged keeps the whole from being read. Returns how many there were.
///
/// To be called while the destination is held for writing.
pub(super) fn set_index_files_aside(repository: &Path) -> io::Result<usize> {
    let mut files = Vec::new();
    for entry in fs::read_dir(repository.join("index"))? {
        let path = entry?.path();
        // Also one that cannot be read: a bad sector in one file of the index must not end every backup. Where the whole disk
        // is away, setting it aside fails as well.
        if path.is_file() && is_whole(&path) != Some(true) {
            files.push(path);
        }
    }
    if !files.is_empty() {
        mark_loss(repository)?;
    }
    set_aside(repository, "index", &files)?;
    Ok(files.len())
}

/// Sets those of these records aside that do not hold what their names say: nobody can read them any more, and which backup
/// they were of nobody can say. One that cannot be read at the moment stays.
///
/// To be called while the destination is held for writing.
pub(super) fn set_records_aside(repository: &Path, ids: &[SnapshotId]) -> io::Result<()> {
    let folder = repository.join("snapshots");
    let files = ids.iter().map(|id| folder.join(id.to_hex().as_str()));
    let files: Vec<_> = files.filter(|path| is_whole(path) == Some(false)).collect();
    set_aside(repository, "snapshots", &files)
}

/// Whether records were set aside in this destination.
pub(super) fn has_records_aside(repository: &Path) -> io::Result<bool> {
    match fs::read_dir(damaged(repository, "snapshots")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        entries => Ok(entries?.next().is_some()),
    }
}

fn set_aside(repository: &Path, kind: &str, files: &[PathBuf]) -> io::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let aside = damaged(repository, kind);
    create_private_folder(&aside)?;
    for path in files {
        let target = free_name(&aside, path)?;
        tracing::error!(file = %path.display(), "a damaged file is set aside");
        failpoint("damaged-aside")?;
        fs::rename(path, target)?;
    }
    sync_folder(&aside)?;
    sync_folder(&repository.join(kind))
}

/// To be called before anything is taken out of an index: what is in no index is missing in earlier backups, and a backup that
/// takes over from one of them what has not changed must look first. The mark is another one each time.
pub(super) fn mark_loss(repository: &Path) -> io::Result<()> {
    let folder = repository.with_file_name("damaged");
    create_private_folder(&folder)?;
    let mark = hex(&rand::random::<[u8; 16]>());
    write_private(&folder.join(LOSS), mark.as_bytes())?;
    sync_parent(&folder)
}

/// `None`: nothing was ever taken out of an index in this destination.
pub(super) fn loss_mark(root: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(root.join("damaged").join(LOSS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        mark => mark.map(Some),
    }
}

/// Notes that damage was found in a pack.
pub(super) fn note_pack(repository: &Path, pack: &PackId) -> io::Result<()> {
    let folder = damaged(repository, "noted");
    create_private_folder(&folder)?;
    failpoint("damaged-note")?;
    File::create(folder.join(pack.to_hex().as_str()))?.sync_all()?;
    failpoint("damaged-noted")?;
    // The folders up to the destination may be new as well.
    folder.ancestors().take(4).try_for_each(sync_folder)
}

/// The packs that are noted. What else may lie there is passed over.
pub(super) fn noted_packs(repository: &Path) -> io::Result<Vec<PackId>> {
    let entries = match fs::read_dir(damaged(repository, "noted")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut packs = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        packs.extend(name.to_str().and_then(pack_named));
    }
    Ok(packs)
}

fn pack_named(name: &str) -> Option<PackId> {
    let id: Id = name.parse().ok()?;
    (id.to_hex().as_str() == name).then(|| id.into())
}

pub(super) fn forget_pack(repository: &Path, pack: &PackId) -> io::Result<()> {
    let note = damaged(repository, "noted").join(pack.to_hex().as_str());
    remove_if_there(&note)?;
    sync_parent(&note)
}

/// To be called when nothing needs the pack any more, while the destination is held for writing.
pub(super) fn set_pack_aside(repository: &Path, pack: &PackId) -> io::Result<()> {
    let path = pack_path(repository, pack);
    let aside = damaged(repository, "data");
    create_private_folder(&aside)?;
    let target = free_name(&aside, &path)?;
    tracing::error!(file = %path.display(), "a damaged pack is set aside");
    failpoint("damaged-pack-aside")?;
    fs::rename(&path, target)?;
    failpoint("damaged-pack-away")?;
    sync_folder(&aside)?;
    sync_parent(&path)
}

pub(super) fn has_pack(repository: &Path, pack: &PackId) -> io::Result<bool> {
    pack_path(repository, pack).try_exists()
}

fn pack_path(repository: &Path, pack: &PackId) -> PathBuf {
    let name = pack.to_hex();
    let folder = repository.join("data");
    folder.join(&name.as_str()[..2]).join(name.as_str())
}

/// Where what is damaged of this kind lies.
fn damaged(repository: &Path, kind: &str) -> PathBuf {
    let name = repository.file_name().unwrap_or_default();
    repository.with_file_name("damaged").join(name).join(kind)
}

/// Whether a file holds what its name says. `None`: it cannot be read.
fn is_whole(path: &Path) -> Option<bool> {
    let name = path.file_name().unwrap_or_default();
    match fs::read(path) {
        Ok(content) => Some(name == hex(&Sha256::digest(content)).as_str()),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "a file of the repository cannot be read");
            None
        }
    }
}

/// An earlier one of the same name stays.
fn free_name(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    let (mut target, mut number) = (folder.join(name), 1);
    while target.try_exists()? {
        number += 1;
        let mut next = name.to_owned();
        next.push(format!(".{number}"));
        target = folder.join(next);
    }
    Ok(target)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_index_that_cannot_be_read_is_set_aside() {
        let root = tempfile::tempdir().unwrap();
        let repository = root.path().join("databases");
        let index = repository.join("index");
        fs::create_dir_all(&index).unwrap();
        let sound = hex(&Sha256::digest("sound"));
        fs::write(index.join(&sound), "sound").unwrap();
        let bad = index.join("0".repeat(64));
        // A regular file whose first byte nobody can read, an administrator neither: as on a bad sector.
        std::os::unix::fs::symlink("/proc/self/mem", &bad).unwrap();
        assert!(bad.is_file() && fs::read(&bad).is_err());
        assert_eq!(set_index_files_aside(&repository).unwrap(), 1);
        assert!(index.join(sound).exists() && !bad.is_symlink());
        let aside = damaged(&repository, "index").join("0".repeat(64));
        assert!(aside.is_symlink());
    }
}
