//! Writing so that it is still there after a power cut: small files whole or not at all, and folders synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::Error;
use crate::failpoint::failpoint;

/// Writes a small file whole or not at all: aside, synced, renamed, its folder synced. Mode 0600 on Unix.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    failpoint("durable-open")?;
    let mut file = options.open(&aside)?;
    failpoint("durable-write")?;
    file.write_all(content)?;
    failpoint("durable-sync")?;
    file.sync_all()?;
    failpoint("durable-rename")?;
    fs::rename(&aside, path)?;
    failpoint("durable-renamed")?;
    sync_parent(path)
}

/// Makes what was created, renamed or removed in this folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    failpoint("durable-sync-folder")?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// [`sync_folder`] of the folder that holds `path`.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes a file; one that is not there is as good as removed.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    failpoint("durable-remove")?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Creates a folder that only the user may enter.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes a folder of ours with all that is in it; one that is not there is as good as removed.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::io("removing what was left in the data folder")),
    }
}
