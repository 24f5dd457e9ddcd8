//! What is there and not in the backup: taken away, but for what backups leave out and the folders that hold such things.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::changes::kind_of_seen;
use super::dir::Dir;
use super::plan::{FolderStep, LOOKING, in_the_way, worn};
use super::seen::{Kind, Seen};
use super::walk::Walk;
use crate::Error;
use crate::browse::Change;
use crate::sources::OWN_FOLDER;

impl Walk<'_> {
    pub(super) fn extra(&mut self, folder: &Dir, at: &Path, name: &OsStr) -> Result<(), Error> {
        self.go_on()?;
        let Some(seen) = folder.look(name).map_err(LOOKING)? else {
            return Ok(());
        };
        if self.stays(folder, at, &seen)? {
            return Ok(());
        }
        if seen.kind == Kind::Folder && self.holds_what_stays(folder, at)? {
            let Some((inner, names)) = look_into(folder, name)? else {
                tracing::warn!("a folder that is not in the backup and cannot be read stays");
                return Ok(());
            };
            let (_, worn) = worn(&inner)?;
            let step = FolderStep::unchanged(at.to_owned(), worn);
            self.folders.insert(at.to_owned(), step);
            for name in names {
                self.extra(&inner, &at.join(&name), &name)?;
            }
            return Ok(());
        }
        self.count_removed(folder, at, &seen)?;
        self.step(at, Some(seen), Vec::new(), Change::Removed)
    }

    /// Counts an entry that is taken away, and all that is in it.
    fn count_removed(&mut self, folder: &Dir, at: &Path, seen: &Seen) -> Result<(), Error> {
        let sizes = ((seen.kind == Kind::File).then_some(seen.size), None);
        let named = (at, kind_of_seen(seen));
        self.changes
            .note(self.target, named, Change::Removed, sizes);
        if seen.kind == Kind::Folder {
            let inner = folder.enter(at.file_name().unwrap_or_default());
            let inner = inner.map_err(in_the_way)?;
            for name in inner.names().map_err(LOOKING)? {
                if let Some(seen) = inner.look(&name).map_err(LOOKING)? {
                    self.count_removed(&inner, &at.join(&name), &seen)?;
                }
            }
        }
        Ok(())
    }

    fn stays(&self, folder: &Dir, at: &Path, seen: &Seen) -> Result<bool, Error> {
        let kept = at == Path::new(OWN_FOLDER) || self.target.keeps(at, seen.kind == Kind::Folder);
        Ok(kept || seen.device != self.device && is_mounted(folder, seen)?)
    }

    /// Whether there is something in this folder that is not to be moved.
    pub(super) fn holds_what_stays(&self, folder: &Dir, at: &Path) -> Result<bool, Error> {
        // Also a folder that a restore has just made for a source in it.
        if self.target.is_above_protected(at) {
            return Ok(true);
        }
        let Some((inner, names)) = look_into(folder, at.file_name().unwrap_or_default())? else {
            // Nobody knows what is in it.
            return Ok(true);
        };
        for name in names {
            let Some(seen) = inner.look(&name).map_err(LOOKING)? else {
                continue;
            };
            let path = at.join(&name);
            let stays = self.stays(&inner, &path, &seen)?
                || seen.kind == Kind::Folder && self.holds_what_stays(&inner, &path)?;
            if stays {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether another disk begins with this entry of a folder.
fn is_mounted(folder: &Dir, seen: &Seen) -> Result<bool, Error> {
    let around = folder.look_at_self().map_err(LOOKING)?;
    Ok(seen.device != around.device)
}

/// A folder and the names in it. `None`: it may not be read, or nothing in it looked at.
pub(super) fn look_into(folder: &Dir, name: &OsStr) -> Result<Option<(Dir, Vec<OsString>)>, Error> {
    let inner = folder.enter(name);
    let inner = inner.and_then(|inner| inner.names().map(|names| (inner, names)));
    match inner {
        Err(error) if is_denied(&error) => Ok(None),
        inner => inner.map(Some).map_err(in_the_way),
    }
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
