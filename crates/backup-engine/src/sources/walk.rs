//! The entries of one source with all their metadata, and what each of them is.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use rustic_core::repofile::Node;

use super::Unread;
use super::class::{Class, companion_of, is_database};
use super::node::{Names, node_of};
use super::read::Stat;
use super::root::Root;
use super::tree::{Met, Tree};
use super::unread::why;

/// An entry of a source.
#[derive(Debug)]
pub(super) struct Found {
    /// From the id of the source on.
    pub in_backup: PathBuf,
    pub absolute: PathBuf,
    pub node: Node,
    pub class: Class,
    pub stat: Stat,
}

#[derive(Debug)]
pub(super) struct Walk {
    root: Root,
    unread: Unread,
    top: Option<Met>,
    tree: Tree,
    names: Names,
    /// The paths (in bytes) of the databases that were met.
    databases: HashSet<Vec<u8>>,
}

impl Walk {
    /// Errors: the folder of the source cannot be listed.
    pub(super) fn new(root: &Root, unread: &Unread) -> io::Result<Self> {
        let (top, tree) = Tree::new(root, unread)?;
        Ok(Self {
            root: root.clone(),
            unread: unread.clone(),
            top: Some(top),
            tree,
            names: Names::default(),
            databases: HashSet::new(),
        })
    }

    fn look_at(&mut self, met: Met) -> Option<Found> {
        let in_backup = self.root.in_backup(&met.relative);
        let (mut node, problem) = match node_of(&met.absolute, &met.metadata, &mut self.names) {
            Ok(made) => made,
            Err(error) => {
                self.unread.tell(&in_backup, why(&error));
                return None;
            }
        };
        if met.relative.as_os_str().is_empty() {
            // An id needs no escaping.
            node.name = self.root.source.id.to_string();
        }
        let class = self.class_of(&met);
        if let Some(error) = problem {
            let why = format!("extended attributes of it are missing: {}", why(&error));
            self.unread.note(&in_backup, why);
        }
        Some(Found {
            in_backup,
            stat: Stat::of(&met.metadata),
            absolute: met.absolute,
            node,
            class,
        })
    }

    fn class_of(&mut self, met: &Met) -> Class {
        let path = met.relative.as_os_str().as_encoded_bytes();
        let kind = met.metadata.file_type();
        if kind.is_dir() {
            return Class::Folder;
        }
        if kind.is_symlink() {
            return Class::Link;
        }
        if !kind.is_file() {
            return Class::Special;
        }
        if companion_of(&met.relative).is_some_and(|of| self.databases.contains(of)) {
            return Class::DatabaseCompanion;
        }
        match is_database(&met.absolute, met.metadata.len()) {
            Ok(true) => {
                self.databases.insert(path.to_owned());
                Class::Database
            }
            Ok(false) => Class::File,
            // Reading it will say why, unless an earlier backup has it.
            Err(_) => Class::Unrecognised,
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let met = self.top.take().or_else(|| self.tree.next())?;
            if let Some(found) = self.look_at(met) {
                return Some(found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
