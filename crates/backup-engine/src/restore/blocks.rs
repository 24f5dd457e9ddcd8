//! Letting a staged file begin as the one that it takes the place of, on file systems where files can share blocks (btrfs, XFS
//! and others). Then only what differs is written, and what is replaced takes room only where it differs.

use std::fs::File;
use std::io;

/// Gives `file`, which is empty, the content of `original` as it is at this moment. Returns how long that is; `None` where
/// these two cannot share blocks, and `file` is empty still.
#[cfg(target_os = "linux")]
pub(super) fn share(original: &File, file: &File) -> io::Result<Option<u64>> {
    if let Err(error) = rustix::fs::ioctl_ficlone(file, original) {
        tracing::debug!(%error, "a file is staged without sharing blocks");
        file.set_len(0)?;
        return Ok(None);
    }
    Ok(Some(file.metadata()?.len()))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn share(_original: &File, _file: &File) -> io::Result<Option<u64>> {
    Ok(None)
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
