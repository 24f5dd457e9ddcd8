//! The entries of one source with all their metadata, and what each of them is.

use std::io;
use std::path::PathBuf;

use rustic_core::repofile::Node;

use super::Unread;
use super::class::{Class, Classes};
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
    classes: Classes,
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
            classes: Classes::default(),
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
        let class = self
            .classes
            .class_of(&met.relative, &met.absolute, &met.metadata);
        if let Some(error) = problem {
            self.unread.note_attributes(&in_backup, &error);
        }
        Some(Found {
            in_backup,
            stat: Stat::of(&met.metadata),
            absolute: met.absolute,
            node,
            class,
        })
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
