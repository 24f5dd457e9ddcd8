//! The versions that are compared: a backup, and what is there at the moment.

use std::sync::Arc;

use rustic_core::repofile::{Node, NodeType};

use super::folders::Found;
use super::live::{LiveFile, LiveFolders, holds};
use super::opened::Opened;
use super::side_by_side::{Side, Thing};
use crate::{Error, Watch};

/// What is known of a thing beside its name.
#[derive(Debug)]
pub(super) enum About {
    Stored(Box<Found>),
    Live(Box<LiveFile>),
}

impl About {
    fn node(&self) -> &Node {
        match self {
            Self::Stored(found) => &found.node,
            Self::Live(file) => &file.node,
        }
    }
}

pub(super) enum Folders {
    Backup(Arc<Opened>),
    Now(LiveFolders),
}

impl Folders {
    /// What lies at this path in a source. `None`: nothing.
    pub(super) fn at(&self, path: &str) -> Result<Option<Thing<About>>, Error> {
        match self {
            Self::Backup(backup) => match backup.find(path) {
                Ok(found) => Ok(Some(stored(found))),
                Err(Error::UnknownPath(_)) => Ok(None),
                Err(error) => Err(error.naming(&backup.id)),
            },
            Self::Now(folders) => Ok(folders.at(path)?.map(live)),
        }
    }

    pub(super) fn sources(&self) -> Vec<String> {
        match self {
            Self::Backup(backup) => {
                let sources = backup.details.sources.iter();
                sources.map(|source| source.id.clone()).collect()
            }
            Self::Now(folders) => folders.sources(),
        }
    }

    pub(super) fn backup(&self) -> Option<&Arc<Opened>> {
        match self {
            Self::Backup(backup) => Some(backup),
            Self::Now(_) => None,
        }
    }
}

impl Side<About> for Folders {
    fn inside(&self, folder: &Thing<About>) -> Result<Option<Vec<Thing<About>>>, Error> {
        match (self, &folder.about) {
            (Self::Backup(backup), About::Stored(found)) => {
                let inside = backup.folder(found.trees);
                let inside = inside.map_err(|error| error.naming(&backup.id))?;
                Ok(Some(inside.into_iter().map(stored).collect()))
            }
            (Self::Now(folders), About::Live(file)) => {
                let inside = folders.inside(file);
                Ok(inside.map(|inside| inside.into_iter().map(live).collect()))
            }
            // A thing belongs to the side that it came from.
            _ => Ok(None),
        }
    }

    fn does_not_know(&self, path: &str) -> bool {
        let backup = self.backup();
        backup.is_some_and(|backup| backup.details.does_not_know(path))
    }
}

fn stored(found: Found) -> Thing<About> {
    Thing {
        name: found.name().to_owned(),
        kind: found.kind(),
        bytes: found.bytes(),
        trees: found.node.is_dir().then_some(found.trees),
        about: About::Stored(Box::new(found)),
    }
}

fn live(file: LiveFile) -> Thing<About> {
    Thing {
        name: file.node.name.clone(),
        kind: file.kind,
        bytes: if file.node.is_file() {
            file.node.meta.size
        } else {
            0
        },
        trees: None,
        about: About::Live(Box::new(file)),
    }
}

/// Who may do what with it, without what its type says. `None`: that is not known, or means nothing as with a link.
pub(super) fn rights(node: &Node) -> Option<u32> {
    // As the repository writes them: set-user-id, set-group-id and sticky have bits of their own.
    const RIGHTS: u32 = 0o777 | 1 << 23 | 1 << 22 | 1 << 20;
    let mode = node.meta.mode.filter(|_| !node.is_symlink());
    mode.map(|mode| mode & RIGHTS)
}

/// Whether two things of one kind are the same. A time alone makes no difference: nothing would change by a restore but
/// that time, and copying or unpacking a folder changes all of them.
pub(super) fn same(
    backups: (Option<&Arc<Opened>>, Option<&Arc<Opened>>),
    older: &Thing<About>,
    newer: &Thing<About>,
    watch: &Watch,
) -> Result<bool, Error> {
    let (old, new) = (older.about.node(), newer.about.node());
    let differ = |(old, new)| old != new;
    if old.node_type != new.node_type || rights(old).zip(rights(new)).is_some_and(differ) {
        return Ok(false);
    }
    if old.node_type != NodeType::File {
        return Ok(true);
    }
    match (&older.about, &newer.about) {
        (About::Stored(old), About::Stored(new)) => {
            // An empty file may have no list of chunks, or an empty one.
            let chunks = |found: &Found| found.node.content.clone().unwrap_or_default();
            Ok(old.part == new.part && chunks(old) == chunks(new))
        }
        (About::Stored(stored), About::Live(live)) => held(backups.0, stored, live, watch),
        (About::Live(live), About::Stored(stored)) => held(backups.1, stored, live, watch),
        (About::Live(_), About::Live(_)) => Ok(true),
    }
}

fn held(
    backup: Option<&Arc<Opened>>,
    stored: &Found,
    live: &LiveFile,
    watch: &Watch,
) -> Result<bool, Error> {
    match backup {
        Some(backup) => backup
            .content(stored.part)
            .and_then(|content| holds(content, stored, live, watch))
            .map_err(|error| error.naming(&backup.id)),
        None => Ok(false),
    }
}
