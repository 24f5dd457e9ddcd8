//! Folders that their owner may not read or enter. He lets himself in for as long as he is at work in them.

use std::io;
use std::path::{Path, PathBuf};

use super::paths::there_or_not;
use crate::restore::dir::Dir;

/// The folders that had to be opened on the way to another one. They get their modes back when this goes, so that a look
/// changes nothing.
#[derive(Default)]
pub(super) struct LetIn(Vec<Opened>);

struct Opened {
    at: PathBuf,
    folder: Dir,
    mode: u32,
}

/// Whether there is a folder at a relative path, also where its owner may not enter it.
pub(super) fn is_there(base: &Dir, path: &Path) -> io::Result<bool> {
    Ok(there_or_not(LetIn::default().walk(base, path))?.is_some())
}

impl LetIn {
    /// The folder at a relative path, entered name by name. What is in it can be looked at as long as this is there.
    ///
    /// Errors: where one is not there, or is no folder, or belongs to somebody else who lets nobody in.
    pub(super) fn walk(&mut self, base: &Dir, path: &Path) -> io::Result<Dir> {
        let (mut folder, mut at) = (base.walk(Path::new(""))?, PathBuf::new());
        self.enter(&folder, &at)?;
        for name in path {
            let (inner, was_shut) = folder.enter_opening(name)?;
            at.push(name);
            match was_shut {
                Some(mode) => self.note(&at, &inner, mode)?,
                None => self.enter(&inner, &at)?,
            }
            folder = inner;
        }
        Ok(folder)
    }

    /// The mode of this one is somebody else's affair from now on.
    pub(super) fn keep_open(&mut self, at: &Path) {
        self.0.retain(|opened| opened.at != at);
    }

    /// One that can be read, but whose content cannot be looked at.
    fn enter(&mut self, folder: &Dir, at: &Path) -> io::Result<()> {
        let mode = folder.look_at_self()?.mode;
        if mode & 0o100 != 0 {
            return Ok(());
        }
        match folder.set_mode(mode | 0o700) {
            // Of somebody else: then it is not this bit that counts.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            opened => opened.and_then(|()| self.note(at, folder, mode)),
        }
    }

    fn note(&mut self, at: &Path, folder: &Dir, mode: u32) -> io::Result<()> {
        self.0.push(Opened {
            at: at.to_owned(),
            folder: folder.walk(Path::new(""))?,
            mode,
        });
        Ok(())
    }
}

impl Drop for LetIn {
    fn drop(&mut self) {
        for opened in self.0.iter().rev() {
            if let Err(error) = opened.folder.set_mode(opened.mode) {
                tracing::warn!(%error, at = ?opened.at, "a folder that was opened for a look stays open");
            }
        }
    }
}
