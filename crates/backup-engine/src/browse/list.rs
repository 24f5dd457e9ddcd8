//! Listing the folders of a backup, page by page.

use super::folders::Listed;
use super::opened::Opened;
use super::path::{ITEMS, Place, join};
use super::scratch::unreadable;
use super::{Entry, EntryKind, Page, clamp, items};
use crate::backup::LIBRARY_FILE;
use crate::{BackupId, Engine, Error, Watch};

impl Engine {
    /// What is in a folder of a backup, in the order of the bytes of the names: those after `after`, at most `limit` (1 to
    /// 1,000). Errors: `UnknownBackup`, `UnknownPath`, `NotAFolder`, `Damaged`, `Canceled`.
    pub fn list(
        &self,
        id: &BackupId,
        path: &str,
        after: Option<&str>,
        limit: usize,
        watch: &Watch,
    ) -> Result<Page<Entry>, Error> {
        let (place, limit) = (Place::parse(path)?, clamp(limit));
        self.with_opened(&[id], watch, |opened| {
            let [backup] = opened else {
                return Err(Error::UnknownBackup(id.clone()));
            };
            match place {
                Place::Root => Ok(page(&root(backup)?, path, after, limit)),
                Place::LibraryFile => Err(Error::NotAFolder(path.to_owned())),
                Place::Items => {
                    let library = self.shelf.libraries.of(backup, watch)?;
                    items::page(&library.open()?, after, limit).map_err(unreadable)
                }
                Place::Item(item) => {
                    let library = self.shelf.libraries.of(backup, watch)?;
                    let found = items::json(&library.open()?, item);
                    Err(match found.map_err(unreadable)? {
                        Some(_) => Error::NotAFolder(path.to_owned()),
                        None => Error::UnknownPath(path.to_owned()),
                    })
                }
                Place::InSource(within) => {
                    let unknown = || Error::UnknownPath(path.to_owned());
                    let source = within.split('/').next().unwrap_or(within);
                    if !backup.has_source(source) {
                        return Err(unknown());
                    }
                    match backup.trees_of(within)? {
                        Some(trees) => Ok(page(&backup.listed(trees)?, path, after, limit)),
                        // A source that had nothing in it leaves no folder.
                        None if within == source => Ok(Page::empty()),
                        None => Err(unknown()),
                    }
                }
            }
        })
    }
}

/// The library as a file and as a folder, and the sources.
fn root(backup: &Opened) -> Result<Vec<Listed>, Error> {
    let stored = backup.listed(backup.roots)?;
    let named = |name: &str| stored.iter().find(|listed| listed.name == name).cloned();
    let folder = |name: &str| Listed {
        name: name.to_owned(),
        kind: EntryKind::Folder,
        bytes: 0,
        modified: None,
        trees: Default::default(),
    };
    let mut root = vec![folder(ITEMS)];
    root.extend(named(LIBRARY_FILE));
    let sources = backup.details.sources.iter();
    root.extend(sources.map(|source| named(&source.id).unwrap_or_else(|| folder(&source.id))));
    root.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(root)
}

/// The folder must be in the order of its names.
fn page(folder: &[Listed], path: &str, after: Option<&str>, limit: usize) -> Page<Entry> {
    let start = after.map_or(0, |after| {
        folder.partition_point(|listed| listed.name.as_str() <= after)
    });
    let rest = &folder[start..];
    let here = &rest[..limit.min(rest.len())];
    let last = here.last().filter(|_| rest.len() > here.len());
    Page {
        next: last.map(|last| last.name.clone()),
        items: here.iter().map(|listed| entry(listed, path)).collect(),
    }
}

fn entry(listed: &Listed, folder: &str) -> Entry {
    Entry {
        path: join(folder, &listed.name),
        name: listed.name.clone(),
        kind: listed.kind,
        bytes: listed.bytes,
        modified: listed.modified,
        title: None,
    }
}
