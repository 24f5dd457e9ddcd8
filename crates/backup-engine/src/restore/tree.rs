//! The tree of a backup, whose entries lie in both parts of the destination under the same paths, as one tree. Its names are
//! not trusted: what does not name an entry of the folder that it is in is damage.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use rustic_core::TreeId;
use rustic_core::repofile::Node;

use super::dir::is_single;
use crate::Error;
use crate::destination::{Content, Part};

/// A folder in each of the parts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trees {
    pub databases: Option<TreeId>,
    pub files: Option<TreeId>,
}

/// An entry as it is to be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub name: OsString,
    pub node: Node,
    /// Where its content is. The metadata of a folder may come from either.
    pub part: Part,
    pub trees: Trees,
}

/// What a backup holds, in both parts.
pub(crate) struct Contents {
    pub databases: Content,
    /// `None`: the backup has nothing there.
    pub files: Option<Content>,
    pub root: Trees,
}

impl Contents {
    pub(crate) fn of(&self, part: Part) -> Result<&Content, Error> {
        match part {
            Part::Databases => Ok(&self.databases),
            Part::Files => self
                .files
                .as_ref()
                .ok_or_else(|| damaged("no files are in it")),
        }
    }

    /// What is in a folder, in the order of the names.
    pub(crate) fn folder(&self, trees: &Trees) -> Result<Vec<Wanted>, Error> {
        let mut entries = BTreeMap::new();
        let both = [
            (Part::Databases, trees.databases),
            (Part::Files, trees.files),
        ];
        for (part, tree) in both {
            let Some(tree) = tree else { continue };
            for node in self.of(part)?.folder(&tree)? {
                let wanted = Wanted::new(node, part)?;
                match entries.remove(&wanted.name) {
                    None => entries.insert(wanted.name.clone(), wanted),
                    Some(other) => {
                        let one = other.merge(wanted)?;
                        entries.insert(one.name.clone(), one)
                    }
                };
            }
        }
        Ok(entries.into_values().collect())
    }

    /// What lies at this path. `None`: nothing does.
    pub(crate) fn find(&self, path: &Path) -> Result<Option<Wanted>, Error> {
        let (mut trees, mut found) = (self.root, None);
        for name in path {
            let entries = self.folder(&trees)?;
            found = entries.into_iter().find(|wanted| wanted.name == name);
            match &found {
                Some(wanted) => trees = wanted.trees,
                None => return Ok(None),
            }
        }
        Ok(found)
    }
}

impl Wanted {
    fn new(node: Node, part: Part) -> Result<Self, Error> {
        let name = node.name().into_owned();
        if !is_single(&name) {
            return Err(damaged(&format!("{name:?} is no name of an entry")));
        }
        let trees = match part {
            Part::Databases => Trees {
                databases: node.subtree,
                files: None,
            },
            Part::Files => Trees {
                databases: None,
                files: node.subtree,
            },
        };
        if node.is_dir() && node.subtree.is_none() {
            return Err(damaged(&format!("the folder {name:?} has no content")));
        }
        Ok(Self {
            name,
            node,
            part,
            trees,
        })
    }

    /// A folder is in both parts where it holds things of both; nothing else is there twice.
    fn merge(self, other: Self) -> Result<Self, Error> {
        if self.part == other.part || !self.node.is_dir() || !other.node.is_dir() {
            return Err(damaged(&format!("{:?} is there twice", self.name)));
        }
        let trees = Trees {
            databases: self.trees.databases.or(other.trees.databases),
            files: self.trees.files.or(other.trees.files),
        };
        // A part that only passes through a folder does not know its metadata.
        let dressed = |wanted: &Self| wanted.node.meta.mtime.is_some();
        let one = if dressed(&other) || !dressed(&self) {
            other
        } else {
            self
        };
        Ok(Self { trees, ..one })
    }
}

pub(super) fn damaged(detail: &str) -> Error {
    Error::Damaged {
        backup: None,
        detail: detail.to_owned(),
    }
}
