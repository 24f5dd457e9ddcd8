//! Writing so that it is still there after a power cut: small files whole or not at all, and folders synced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

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

/// How long a lock may be held by nobody who means to.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(10);

/// Locks a file for this process. False: another process has it.
///
/// A process that is being started has all that its parent has open until it runs, and so also what its parent has just given
/// back: what is locked is asked for again for a moment. Nothing tells when it is free, so it is looked at again and again.
pub(crate) fn lock_file(file: &File) -> io::Result<bool> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(STEP),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_lock_that_a_process_has_while_it_is_being_started_is_waited_for_and_one_that_is_held_is_not()
     {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let ours = File::create(&path).unwrap();
        assert!(lock_file(&ours).unwrap());
        assert!(!lock_file(&File::open(&path).unwrap()).unwrap());
        // It has the same handle for so long.
        let handle = Stdio::from(ours.try_clone().unwrap());
        let mut child = Command::new("sleep")
            .arg("0.2")
            .stdin(handle)
            .spawn()
            .unwrap();
        drop(ours);
        assert!(lock_file(&File::open(&path).unwrap()).unwrap());
        child.wait().unwrap();
    }
}
