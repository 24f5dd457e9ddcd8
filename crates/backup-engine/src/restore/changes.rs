//! What a plan comes to, counted for a person.

use std::collections::BTreeMap;
use std::path::Path;

use rustic_core::repofile::NodeType;

use super::PartPreview;
use super::chunks::{Zeros, chunks_of};
use super::plan::Put;
use super::seen::{Kind, Seen};
use super::target::Target;
use super::tree::{Contents, Wanted};
use crate::Error;
use crate::browse::{Change, Difference, EntryKind};
use crate::destination::Part;
use crate::names::escape;

/// How many changes are named.
const EXAMPLES: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Changes {
    added: u64,
    changed: u64,
    removed: u64,
    fetched: u64,
    /// The size of what is staged.
    pub staged: u64,
    /// The same without the holes in it.
    pub needed: u64,
    examples: BTreeMap<String, Difference>,
}

impl Changes {
    pub(crate) fn note(
        &mut self,
        target: &Target,
        (at, kind): (&Path, EntryKind),
        change: Change,
        (bytes_before, bytes_after): (Option<u64>, Option<u64>),
    ) {
        match change {
            Change::Added => self.added += 1,
            Change::Changed => self.changed += 1,
            Change::Removed => self.removed += 1,
        }
        let path = escape(&target.in_backup(at));
        let difference = Difference {
            path: path.clone(),
            title: None,
            kind,
            change,
            bytes_before,
            bytes_after,
        };
        self.examples.insert(path, difference);
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }

    /// Counts what others found as well.
    pub(super) fn add(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
        self.fetched += other.fetched;
        self.staged += other.staged;
        self.needed += other.needed;
        self.examples.extend(other.examples);
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }

    /// Counts the content of an entry that is put in place. Returns its size.
    pub(crate) fn weigh(&mut self, put: &Put, contents: &Contents) -> Result<u64, Error> {
        if !put.wanted.node.is_file() {
            return Ok(0);
        }
        let chunks = chunks_of(&put.wanted.node, contents.of(put.wanted.part)?)?;
        let zeros = Zeros::default();
        let mut bytes = 0;
        for (index, chunk) in chunks.iter().enumerate() {
            bytes += chunk.length;
            if zeros.is(&chunks, index) {
                continue;
            }
            self.needed += chunk.length;
            if !put.there.get(index).copied().unwrap_or_default() {
                self.fetched += chunk.length;
            }
        }
        self.staged += bytes;
        Ok(bytes)
    }

    pub(crate) fn preview(&self, target: &Target) -> PartPreview {
        PartPreview {
            source: target.id.clone(),
            moved_to: target.moved_to.as_deref().map(escape),
            added: self.added,
            changed: self.changed,
            removed: self.removed,
            fetched_bytes: self.fetched,
            examples: self.examples.values().cloned().collect(),
        }
    }
}

pub(super) fn kind_of_wanted(wanted: &Wanted) -> EntryKind {
    match wanted.node.node_type {
        NodeType::Dir => EntryKind::Folder,
        NodeType::File if wanted.part == Part::Databases => EntryKind::Database,
        NodeType::File => EntryKind::File,
        NodeType::Symlink { .. } => EntryKind::Link,
        _ => EntryKind::Special,
    }
}

pub(super) fn kind_of_seen(seen: &Seen) -> EntryKind {
    match seen.kind {
        Kind::Folder => EntryKind::Folder,
        Kind::File => EntryKind::File,
        Kind::Link => EntryKind::Link,
        Kind::Fifo | Kind::Socket | Kind::Device => EntryKind::Special,
    }
}
