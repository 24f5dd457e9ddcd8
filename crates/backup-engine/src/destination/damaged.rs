//! Setting damaged files of a repository aside: `damaged/` in the destination. Nothing in it is read again and nothing is
//! ever deleted from it; what a person can make of such a file is more than nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Part;
use crate::backup::hex;
use crate::durable::{create_private_folder, sync_folder};
use crate::failpoint::failpoint;

/// Sets the index files aside that do not hold what their names say. An index tells only what can be read out of the packs
/// as well, and one file of it that is damaged keeps the whole from being read. Returns how many there were.
///
/// To be called while the destination is held for writing.
pub(super) fn set_index_files_aside(root: &Path, part: Part) -> io::Result<usize> {
    let folder = root.join(part.folder_name()).join("index");
    let aside = root.join("damaged").join(part.folder_name()).join("index");
    let mut count = 0;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if !path.is_file() || is_whole(&path)? {
            continue;
        }
        create_private_folder(&aside)?;
        let target = free_name(&aside, &path)?;
        tracing::error!(file = %path.display(), "a damaged index file is set aside and made anew");
        failpoint("damaged-aside")?;
        fs::rename(&path, target)?;
        count += 1;
    }
    if count > 0 {
        sync_folder(&aside)?;
        sync_folder(&folder)?;
    }
    Ok(count)
}

fn is_whole(path: &Path) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default();
    Ok(name == hex(&Sha256::digest(fs::read(path)?)).as_str())
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
