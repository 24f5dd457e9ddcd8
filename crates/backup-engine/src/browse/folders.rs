//! The folders of a backup: what its two repositories have at the same path, as one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};

use super::EntryKind;
use super::path::is_name;
use crate::Error;
use crate::destination::Part;

/// Folders that are kept after they were read, and entries in all of them together.
const FOLDERS_KEPT: usize = 64;
const ENTRIES_KEPT: usize = 300_000;

/// One folder in both repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Trees {
    pub databases: Option<TreeId>,
    pub files: Option<TreeId>,
}

impl Trees {
    pub(crate) fn each(self) -> impl Iterator<Item = (Part, TreeId)> {
        let files = self.files.map(|tree| (Part::Files, tree));
        let databases = self.databases.map(|tree| (Part::Databases, tree));
        files.into_iter().chain(databases)
    }

    fn set(&mut self, part: Part, tree: Option<TreeId>) {
        match part {
            Part::Databases => self.databases = tree,
            Part::Files => self.files = tree,
        }
    }
}

/// What has one name in a folder of a backup.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub part: Part,
    pub node: Node,
    /// Of a folder.
    pub trees: Trees,
}

impl Found {
    pub(crate) fn name(&self) -> &str {
        &self.node.name
    }

    pub(crate) fn kind(&self) -> EntryKind {
        match (&self.node.node_type, self.part) {
            (NodeType::Dir, _) => EntryKind::Folder,
            (NodeType::File, Part::Databases) => EntryKind::Database,
            (NodeType::File, Part::Files) => EntryKind::File,
            (NodeType::Symlink { .. }, _) => EntryKind::Link,
            _ => EntryKind::Special,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        if self.node.is_file() {
            self.node.meta.size
        } else {
            0
        }
    }
}

/// What is in a folder, in the order of the bytes of the names. `read` reads the folder of one repository.
///
/// Where both repositories have something of the same name that is not a folder in both, the one with the files counts.
/// Errors: `Damaged` also where a name could lead out of the folder.
pub(crate) fn merged(
    trees: Trees,
    read: impl Fn(Part, &TreeId) -> Result<Vec<Node>, Error>,
) -> Result<Vec<Found>, Error> {
    let mut found = BTreeMap::<String, Found>::new();
    for (part, tree) in trees.each() {
        for node in read(part, &tree)? {
            if !is_name(&node.name) {
                return Err(Error::Damaged {
                    backup: None,
                    detail: "a folder holds something with a name that is none".into(),
                });
            }
            let subtree = node.subtree.filter(|_| node.is_dir());
            match found.get_mut(&node.name) {
                Some(before) if before.node.is_dir() && node.is_dir() => {
                    before.trees.set(part, subtree);
                }
                Some(_) => {}
                None => {
                    let mut trees = Trees::default();
                    trees.set(part, subtree);
                    found.insert(node.name.clone(), Found { part, node, trees });
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// What a listing says of one thing in a folder.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub name: String,
    pub kind: EntryKind,
    pub bytes: u64,
    pub modified: Option<DateTime<Utc>>,
    pub trees: Trees,
}

impl Listed {
    pub(super) fn of(found: Found) -> Self {
        let modified = found.node.meta.mtime;
        Self {
            kind: found.kind(),
            bytes: found.bytes(),
            modified: modified
                .and_then(|time| DateTime::from_timestamp_millis(time.as_millisecond())),
            trees: found.trees,
            name: found.node.name,
        }
    }
}

pub(super) type Folder = Arc<Vec<Listed>>;

/// The folders that were listed last. A folder's id is the hash of what is in it, so none of them ever changes.
#[derive(Debug, Default)]
pub(super) struct FolderCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    folders: HashMap<Trees, Folder>,
    /// Those that came first are dropped first.
    order: VecDeque<Trees>,
    entries: usize,
}

impl FolderCache {
    pub(super) fn get(
        &self,
        trees: Trees,
        read: impl FnOnce() -> Result<Vec<Found>, Error>,
    ) -> Result<Folder, Error> {
        if let Some(folder) = self.lock().folders.get(&trees) {
            return Ok(folder.clone());
        }
        let folder: Folder = Arc::new(read()?.into_iter().map(Listed::of).collect());
        self.lock().keep(trees, folder.clone());
        Ok(folder)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, trees: Trees, folder: Folder) {
        if folder.len() > ENTRIES_KEPT || self.folders.contains_key(&trees) {
            return;
        }
        self.entries += folder.len();
        self.folders.insert(trees, folder);
        self.order.push_back(trees);
        while self.order.len() > FOLDERS_KEPT || self.entries > ENTRIES_KEPT {
            let oldest = self.order.pop_front();
            let Some(dropped) = oldest.and_then(|trees| self.folders.remove(&trees)) else {
                return;
            };
            self.entries -= dropped.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustic_core::repofile::Metadata;

    fn node(name: &str, node_type: NodeType, subtree: Option<u8>) -> Node {
        let mut node = Node::new_node(name.as_ref(), node_type, Metadata::default());
        node.name = name.to_owned();
        node.subtree = subtree.map(tree);
        node
    }

    fn tree(number: u8) -> TreeId {
        format!("{number:064x}").parse().unwrap()
    }

    fn both() -> Trees {
        Trees {
            databases: Some(tree(1)),
            files: Some(tree(2)),
        }
    }

    #[test]
    fn both_repositories_are_one_folder() {
        let merged = merged(both(), |part, _| {
            Ok(match part {
                Part::Files => vec![
                    node("b", NodeType::File, None),
                    node("sub", NodeType::Dir, Some(3)),
                ],
                Part::Databases => vec![
                    node("a.db", NodeType::File, None),
                    node("sub", NodeType::Dir, Some(4)),
                ],
            })
        })
        .unwrap();
        let kinds: Vec<_> = merged.iter().map(|it| (it.name(), it.kind())).collect();
        assert_eq!(
            kinds,
            [
                ("a.db", EntryKind::Database),
                ("b", EntryKind::File),
                ("sub", EntryKind::Folder)
            ]
        );
        let sub = merged[2].trees;
        assert_eq!((sub.files, sub.databases), (Some(tree(3)), Some(tree(4))));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_damage() {
        for name in ["..", ".", "", "a/b", "../../etc", "a\0"] {
            let read = |_, _: &TreeId| Ok(vec![node(name, NodeType::File, None)]);
            let error = merged(both(), read).unwrap_err();
            assert_eq!(error.code(), "damaged", "{name:?}");
        }
    }

    #[test]
    fn the_cache_keeps_a_bounded_number_and_reads_each_once() {
        let cache = FolderCache::default();
        let reads = std::cell::Cell::new(0);
        let get = |number: u8| {
            let trees = Trees {
                files: Some(tree(number)),
                databases: None,
            };
            let read = || {
                reads.set(reads.get() + 1);
                Ok(Vec::new())
            };
            cache.get(trees, read).unwrap()
        };
        for _ in 0..3 {
            get(1);
        }
        assert_eq!(reads.get(), 1);
        for number in 0..200 {
            get(number);
        }
        assert_eq!(cache.lock().folders.len(), FOLDERS_KEPT);
        get(1);
        assert_eq!(reads.get(), 201, "the oldest was not dropped");
    }
}
