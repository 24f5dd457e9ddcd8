//! Two folders walked side by side. What has the same id in both is the same, and is not read.

use std::cmp::Ordering;
use std::vec;

use super::folders::Trees;
use super::path::join;
use super::{Change, Difference, EntryKind};
use crate::{Error, Watch};

/// Something in a folder of one of the versions.
#[derive(Debug)]
pub(super) struct Thing<T> {
    pub name: String,
    pub kind: EntryKind,
    pub bytes: u64,
    /// Of a folder in a backup. Where both versions have the same, all that is in it is the same.
    pub trees: Option<Trees>,
    /// What else is known of it.
    pub about: T,
}

impl<T> Thing<T> {
    fn is_folder(&self) -> bool {
        self.kind == EntryKind::Folder
    }
}

/// One of the versions.
pub(super) trait Side<T> {
    /// What is in a folder, in the order of the bytes of the names. `None`: that cannot be told.
    fn inside(&self, folder: &Thing<T>) -> Result<Option<Vec<Thing<T>>>, Error>;

    /// Whether that there is nothing at this path does not mean that there was nothing.
    fn does_not_know(&self, path: &str) -> bool;
}

/// Whether a thing of one kind is itself the same in both.
pub(super) type Same<'a, T> = dyn Fn(&Thing<T>, &Thing<T>) -> Result<bool, Error> + 'a;

type Pair<T> = (Option<Thing<T>>, Option<Thing<T>>);

/// A walk down from one path, in the order of paths, name by name.
pub(super) struct Walk<'a, T> {
    older: &'a dyn Side<T>,
    newer: &'a dyn Side<T>,
    same: &'a Same<'a, T>,
    levels: Vec<Level<T>>,
}

struct Level<T> {
    /// The path of the folder.
    path: String,
    pairs: vec::IntoIter<Pair<T>>,
    /// The names, from this folder on, of the path after which the walk goes on.
    after: Vec<String>,
}

impl<'a, T> Walk<'a, T> {
    /// `folder` is the path of the folder in which the two things lie that are compared. What comes up to `after` is passed
    /// over, without being read.
    pub(super) fn new(
        (older, newer): (&'a dyn Side<T>, &'a dyn Side<T>),
        same: &'a Same<'a, T>,
        folder: &str,
        things: Pair<T>,
        after: Option<&str>,
    ) -> Self {
        let mut levels = vec![Level {
            path: folder.to_owned(),
            pairs: vec![things].into_iter(),
            after: Vec::new(),
        }];
        let mut names = after.unwrap_or_default().split('/');
        let above = folder.split('/').filter(|name| !name.is_empty());
        let order = above
            .map(|name| names.next().map_or(Ordering::Less, |after| after.cmp(name)))
            .find(|order| order.is_ne());
        match order {
            _ if after.is_none() => {}
            None => levels[0].after = names.map(str::to_owned).collect(),
            Some(Ordering::Greater) => levels.clear(),
            Some(_) => {}
        }
        Self {
            older,
            newer,
            same,
            levels,
        }
    }

    /// The next difference. `None`: there are no more.
    pub(super) fn next(&mut self, watch: &Watch) -> Result<Option<Difference>, Error> {
        while let Some(level) = self.levels.last_mut() {
            watch.check()?;
            let Some(pair) = level.pairs.next() else {
                self.levels.pop();
                continue;
            };
            let Some(thing) = pair.1.as_ref().or(pair.0.as_ref()) else {
                continue;
            };
            let order = level.after.first().map(|after| thing.name.cmp(after));
            let path = join(&level.path, &thing.name);
            let after = match order {
                Some(Ordering::Less) => continue,
                Some(Ordering::Equal) => level.after.split_off(1),
                _ => Vec::new(),
            };
            if order.is_some() {
                level.after.clear();
            }
            if self.is_unknown(&pair, &path) {
                continue;
            }
            let passed = order == Some(Ordering::Equal);
            let difference = if passed {
                None
            } else {
                self.difference(&pair, &path)?
            };
            self.descend(&pair, path, after)?;
            if difference.is_some() {
                return Ok(difference);
            }
        }
        Ok(None)
    }

    /// Whether one version has it, and the other cannot tell.
    fn is_unknown(&self, pair: &Pair<T>, path: &str) -> bool {
        match pair {
            (Some(_), None) => self.newer.does_not_know(path),
            (None, Some(_)) => self.older.does_not_know(path),
            _ => false,
        }
    }

    fn difference(&self, pair: &Pair<T>, path: &str) -> Result<Option<Difference>, Error> {
        let change = match pair {
            (Some(old), Some(new)) if old.kind == new.kind && (self.same)(old, new)? => {
                return Ok(None);
            }
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::Removed,
            (None, _) => Change::Added,
        };
        let (old, new) = pair;
        let kind = new.as_ref().or(old.as_ref()).map(|thing| thing.kind);
        Ok(kind.map(|kind| Difference {
            path: path.to_owned(),
            title: None,
            kind,
            change,
            bytes_before: old.as_ref().map(|thing| thing.bytes),
            bytes_after: new.as_ref().map(|thing| thing.bytes),
        }))
    }

    fn descend(&mut self, pair: &Pair<T>, path: String, after: Vec<String>) -> Result<(), Error> {
        let (old, new) = pair;
        let old = old.as_ref().filter(|thing| thing.is_folder());
        let new = new.as_ref().filter(|thing| thing.is_folder());
        if let (Some(old), Some(new)) = (old, new)
            && old.trees.is_some()
            && old.trees == new.trees
        {
            return Ok(());
        }
        let inside = |side: &dyn Side<T>, folder: Option<&Thing<T>>| match folder {
            Some(folder) => side.inside(folder),
            None => Ok(Some(Vec::new())),
        };
        if old.is_none() && new.is_none() {
            return Ok(());
        }
        let inside = (inside(self.older, old)?, inside(self.newer, new)?);
        if let (Some(old), Some(new)) = inside {
            self.levels.push(Level {
                path,
                pairs: pairs(old, new).into_iter(),
                after,
            });
        }
        Ok(())
    }
}

/// Puts together what has the same name. Both must be in the order of the names.
pub(super) fn pairs<T>(older: Vec<Thing<T>>, newer: Vec<Thing<T>>) -> Vec<Pair<T>> {
    let (mut older, mut newer) = (older.into_iter().peekable(), newer.into_iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (older.peek(), newer.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let old = if order.is_le() { older.next() } else { None };
        let new = if order.is_ge() { newer.next() } else { None };
        pairs.push((old, new));
    }
}

#[cfg(test)]
mod tests;
