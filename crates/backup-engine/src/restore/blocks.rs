//! Letting a staged file begin as the one that it takes the place of, on file systems where files can share blocks (btrfs, XFS
//! and others). Then only what differs is written, and what is replaced takes room only where it differs.

use std::fs::File;
use std::io;

use crate::Watch;
use crate::beside::beside;
use crate::database::PlainFile;

/// Gives `file`, which is empty, the content of `live` as it is at this moment. Returns `live` and how long that is; no length
/// where these two cannot share blocks, and `file` is empty still.
///
/// The system does it in one go, and first writes what of `live` is not on the disk yet: a job that is cancelled does not wait
/// for that.
pub(super) fn share(
    live: PlainFile,
    file: &File,
    watch: &Watch,
) -> io::Result<(PlainFile, Option<u64>)> {
    let target = file.try_clone()?;
    let work = move || {
        let shared = share_all(&live, &target);
        (live, shared)
    };
    let (live, shared) = beside("share", watch, work)?;
    if let Err(error) = shared {
        tracing::debug!(%error, "a file is staged without sharing blocks");
        file.set_len(0)?;
        return Ok((live, None));
    }
    Ok((live, Some(file.metadata()?.len())))
}

#[cfg(target_os = "linux")]
fn share_all(live: &File, file: &File) -> io::Result<()> {
    Ok(rustix::fs::ioctl_ficlone(file, live)?)
}

#[cfg(not(target_os = "linux"))]
fn share_all(_live: &File, _file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes zeros of a part of a file: a hole, where there can be one.
pub(super) fn clear(file: &File, at: u64, length: u64) -> io::Result<()> {
    if punch(file, at, length).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; 64 * 1024];
    let mut done = 0;
    while done < length {
        let count = (length - done).min(zeros.len() as u64) as usize;
        std::os::unix::fs::FileExt::write_all_at(file, &zeros[..count], at + done)?;
        done += count as u64;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn punch(file: &File, at: u64, length: u64) -> io::Result<()> {
    use rustix::fs::FallocateFlags;
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(rustix::fs::fallocate(file, flags, at, length)?)
}

#[cfg(not(target_os = "linux"))]
fn punch(_file: &File, _at: u64, _length: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
