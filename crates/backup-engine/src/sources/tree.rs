//! Every path of a source that a backup looks at, folders before what is in them, in the order of the bytes of names:
//! the order that the repository library needs to find the entries of an earlier backup.
//!
//! Links are never followed, so there are no loops. Other file systems that are mounted inside are part of the source,
//! pseudo ones too, as with `rsync` without `-x`: whoever adds `/` has to leave out `/proc`. One that is not there is an
//! empty folder like any other, and nothing is named.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use super::Unread;
use super::root::Root;
use super::unread::why;

/// A path that exists, with its metadata of this moment.
#[derive(Debug)]
pub(super) struct Met {
    /// Below the source's folder; empty for that folder itself.
    pub relative: PathBuf,
    pub absolute: PathBuf,
    pub metadata: Metadata,
}

#[derive(Debug)]
pub(super) struct Tree {
    root: Root,
    unread: Unread,
    /// The folders on the way down, and what is left to visit in each.
    levels: Vec<(PathBuf, vec::IntoIter<Listed>)>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    name: OsString,
    is_folder: bool,
}

impl Tree {
    /// Returns the folder of the source itself too. Errors: it cannot be listed.
    pub(super) fn new(root: &Root, unread: &Unread) -> io::Result<(Met, Self)> {
        let mut tree = Self {
            root: root.clone(),
            unread: unread.clone(),
            levels: Vec::new(),
        };
        let top = Met {
            relative: PathBuf::new(),
            absolute: root.folder.clone(),
            metadata: root.metadata()?,
        };
        let listed = tree.list(&top)?;
        tree.levels.push((PathBuf::new(), listed.into_iter()));
        Ok((top, tree))
    }

    fn tell(&self, relative: &Path, error: &io::Error) {
        self.unread.tell(&self.root.in_backup(relative), why(error));
    }

    fn list(&self, folder: &Met) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(&folder.absolute)? {
            match entry {
                Ok(entry) => listed.push(Listed {
                    is_folder: entry.file_type().is_ok_and(|kind| kind.is_dir()),
                    name: entry.file_name(),
                }),
                // The listing ends here; what it gave is still of use.
                Err(error) => {
                    let why = format!("not all of it could be listed: {}", why(&error));
                    self.unread
                        .tell(&self.root.in_backup(&folder.relative), why);
                }
            }
        }
        listed.sort();
        Ok(listed)
    }

    fn visit(&mut self, relative: PathBuf, is_folder: bool) -> Option<Met> {
        if self.root.leaves_out(&relative, is_folder) {
            return None;
        }
        let absolute = self.root.folder.join(&relative);
        let metadata = match fs::symlink_metadata(&absolute) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.tell(&relative, &error);
                return None;
            }
        };
        let is_folder_now = metadata.is_dir();
        if is_folder_now && self.root.keeps_out(&absolute, &metadata)
            || is_folder_now != is_folder && self.root.leaves_out(&relative, is_folder_now)
        {
            return None;
        }
        Some(Met {
            relative,
            absolute,
            metadata,
        })
    }
}

impl Iterator for Tree {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let (folder, rest) = self.levels.last_mut()?;
            let Some(Listed { name, is_folder }) = rest.next() else {
                self.levels.pop();
                continue;
            };
            let relative = folder.join(name);
            let Some(met) = self.visit(relative, is_folder) else {
                continue;
            };
            if met.metadata.is_dir() {
                match self.list(&met) {
                    Ok(listed) => self.levels.push((met.relative.clone(), listed.into_iter())),
                    // The folder itself is stored, and what is in it is known to be missing.
                    Err(error) => {
                        self.tell(&met.relative, &error);
                        self.levels
                            .push((met.relative.clone(), Vec::new().into_iter()));
                    }
                }
            }
            return Some(met);
        }
    }
}
