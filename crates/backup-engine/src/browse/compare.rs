//! What is not the same in two versions, page by page.

use super::items::{self, Which, differences};
use super::opened::Opened;
use super::path::{ITEMS, Place};
use super::scratch::{Scratch, have_same_library, unreadable};
use super::side_by_side::Walk;
use super::sides::{Folders, same};
use super::{Difference, Page, Version, clamp};
use crate::{BackupId, Engine, Error, Watch};

/// What of the two versions is compared, in this order.
enum Scope {
    Items,
    Item(String),
    /// What lies at this path in a source.
    Path(String),
}

impl Engine {
    /// What was added, changed or removed from the older to the newer version, in `scope`: everything (`""`), the items of
    /// the library (`library`) or one of them (`library/ID`), or what lies at a path in a source. In the order of the paths,
    /// name by name, after `after`, at most `limit` (1 to 1,000). The library is compared by its items. What could not be read
    /// for one of the two is no difference, as far as its record names it: what is beyond
    /// [`crate::SourceRecord::UNREAD_NAMED`] is told as if it had not been there, rather than nothing of the source.
    ///
    /// Errors: `UnknownBackup`, `UnknownPath` where neither has anything there, `Damaged`, `Canceled`.
    pub fn compare(
        &self,
        older: &Version,
        newer: &Version,
        scope: &str,
        after: Option<&str>,
        limit: usize,
        watch: &Watch,
    ) -> Result<Page<Difference>, Error> {
        let (place, limit) = (Place::parse(scope)?, clamp(limit));
        let versions = [older, newer];
        let ids: Vec<&BackupId> = versions.iter().filter_map(|version| version.id()).collect();
        self.with_opened(&ids, watch, |opened| {
            let mut opened = opened.iter();
            let mut folders = || match opened.next() {
                Some(backup) => Ok(Folders::Backup(backup.clone())),
                None => Err(Error::UnknownPath(scope.to_owned())),
            };
            let mut side = |version: &Version| match version {
                Version::Backup(_) => folders(),
                Version::Now => Ok(Folders::Now(self.live_folders()?)),
            };
            let sides = (side(older)?, side(newer)?);
            if older == newer {
                return Ok(Page::empty());
            }
            let mut found = Vec::new();
            for scope in scopes(place, &sides) {
                // One more than is given tells whether there is a next page.
                let missing = limit + 1 - found.len();
                if missing == 0 {
                    break;
                }
                found.extend(match scope {
                    Scope::Items => match items_after(after) {
                        Some(which) => self.compare_items(&sides, which, missing, watch)?,
                        None => Vec::new(),
                    },
                    // The page after it.
                    Scope::Item(_) if after.is_some() => Vec::new(),
                    Scope::Item(id) => {
                        self.compare_items(&sides, Which::One(&id), missing, watch)?
                    }
                    Scope::Path(path) => compare_folders(&sides, &path, after, missing, watch)?,
                });
            }
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            Ok(Page {
                next: last.map(|last| last.path.clone()),
                items: found,
            })
        })
    }

    fn compare_items(
        &self,
        (older, newer): &(Folders, Folders),
        which: Which,
        limit: usize,
        watch: &Watch,
    ) -> Result<Vec<Difference>, Error> {
        let library = |backup: &Opened| {
            let library = self.shelf.libraries.of(backup, watch);
            library.map_err(|error| error.naming(&backup.id))
        };
        match (older.backup(), newer.backup()) {
            (Some(older), Some(newer)) => {
                if matches!(which, Which::After(_)) && have_same_library(older, newer)? {
                    return Ok(Vec::new());
                }
                let files = (library(older)?, library(newer)?);
                let sides = (
                    Stored::open(older, &files.0)?,
                    Stored::open(newer, &files.1)?,
                );
                sides.0.with(|older| {
                    sides
                        .1
                        .with(|newer| differences(&older, &newer, which, limit, watch))
                })
            }
            (Some(older), None) => {
                let file = library(older)?;
                let older = Stored::open(older, &file)?;
                self.library.read(|newer| {
                    older.with(|older| differences(&older, &live(newer), which, limit, watch))
                })
            }
            (None, Some(newer)) => {
                let file = library(newer)?;
                let newer = Stored::open(newer, &file)?;
                self.library.read(|older| {
                    newer.with(|newer| differences(&live(older), &newer, which, limit, watch))
                })
            }
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// The library of a backup, to be compared.
struct Stored<'a> {
    backup: &'a Opened,
    library: rusqlite::Connection,
}

impl<'a> Stored<'a> {
    fn open(backup: &'a Opened, file: &Scratch) -> Result<Self, Error> {
        let library = file.open();
        let library = library.map_err(|error| error.naming(&backup.id))?;
        Ok(Self { backup, library })
    }

    fn with<T>(&self, work: impl FnOnce(items::Side) -> T) -> T {
        work(items::Side {
            library: &self.library,
            explain: &|error| unreadable(error).naming(&self.backup.id),
        })
    }
}

impl Version {
    fn id(&self) -> Option<&BackupId> {
        match self {
            Self::Backup(id) => Some(id),
            Self::Now => None,
        }
    }
}

fn live(library: &rusqlite::Connection) -> items::Side<'_> {
    items::Side {
        library,
        explain: &Error::from,
    }
}

fn scopes(place: Place, (older, newer): &(Folders, Folders)) -> Vec<Scope> {
    match place {
        Place::Items | Place::LibraryFile => vec![Scope::Items],
        Place::Item(id) => vec![Scope::Item(id.to_owned())],
        Place::InSource(path) => vec![Scope::Path(path.to_owned())],
        Place::Root => {
            let mut names: Vec<String> = older.sources();
            names.extend(newer.sources());
            // Of a source that is none any more nothing is known now.
            for now in [older, newer].iter().filter(|side| side.backup().is_none()) {
                let known = now.sources();
                names.retain(|name| known.contains(name));
            }
            names.push(ITEMS.to_owned());
            names.sort();
            names.dedup();
            let scope = |name: String| match name.as_str() {
                ITEMS => Scope::Items,
                _ => Scope::Path(name),
            };
            names.into_iter().map(scope).collect()
        }
    }
}

/// The items that come after this path. `None`: none does.
fn items_after(after: Option<&str>) -> Option<Which<'_>> {
    match after.and_then(|after| after.strip_prefix("library/")) {
        Some(id) => Some(Which::After(Some(id))),
        None if after.is_some_and(|after| comes_after(after, ITEMS)) => None,
        None => Some(Which::After(None)),
    }
}

fn compare_folders(
    (older, newer): &(Folders, Folders),
    path: &str,
    after: Option<&str>,
    limit: usize,
    watch: &Watch,
) -> Result<Vec<Difference>, Error> {
    if after.is_some_and(|after| comes_after(after, path)) {
        return Ok(Vec::new());
    }
    let things = (older.at(path)?, newer.at(path)?);
    if things.0.is_none() && things.1.is_none() {
        let sources = [older.sources(), newer.sources()].concat();
        return if sources.iter().any(|source| source == path) {
            Ok(Vec::new())
        } else {
            Err(Error::UnknownPath(path.to_owned()))
        };
    }
    let backups = (older.backup(), newer.backup());
    let same = |old: &_, new: &_| same(backups, old, new, watch);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut walk = Walk::new((older, newer), &same, folder, things, after);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(difference) = walk.next(watch)?
    {
        found.push(difference);
    }
    Ok(found)
}

/// Whether a path comes after another and all that lies in that.
fn comes_after(path: &str, other: &str) -> bool {
    let (mut path, mut other) = (path.split('/'), other.split('/'));
    loop {
        match (path.next(), other.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => return a > b,
            _ => return false,
        }
    }
}
