//! What is in a backup, and how two versions differ: what a caller asks and is answered, page by page.

mod compare;
mod folders;
mod items;
mod list;
mod live;
mod opened;
mod path;
mod read;
mod scratch;
mod side_by_side;
mod sides;

use chrono::{DateTime, Utc};

use crate::BackupId;

pub(crate) use opened::Shelf;

/// How much a caller gets at once at most.
const LARGEST_PAGE: usize = 1_000;

/// Some of what was asked for, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// To be given as `after` for the next page. `None`: this was the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
        }
    }
}

/// What a caller asked for, in the bounds of what is given at once.
fn clamp(limit: usize) -> usize {
    limit.clamp(1, LARGEST_PAGE)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    File,
    Database,
    Link,
    /// A pipe, a socket or a device.
    Special,
    /// An item of the library.
    Item,
}

/// One thing in a folder of a backup, or one item of its library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// From the root of the backup.
    pub path: String,
    pub kind: EntryKind,
    /// 0 for what has no content of its own.
    pub bytes: u64,
    pub modified: Option<DateTime<Utc>>,
    /// The name of an item.
    pub title: Option<String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    Backup(BackupId),
    /// What is there at the moment.
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// Something that is not the same in both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// From the root of the backup.
    pub path: String,
    /// The name of an item.
    pub title: Option<String>,
    pub kind: EntryKind,
    pub change: Change,
    /// Sizes in the older and in the newer version.
    pub bytes_before: Option<u64>,
    pub bytes_after: Option<u64>,
}
