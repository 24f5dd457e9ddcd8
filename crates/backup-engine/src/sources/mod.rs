//! What is protected beside the library: folders that the user chose, how they are kept in mind, and how they are read.
//!
//! A source is read with [`FolderSources`], in the order and the shapes that the repository library asks for. Whatever
//! cannot be read is named in [`Unread`], and [`Counts::account`] proves that nothing else is missing. How a database is
//! read consistently is not here; it is only recognised.

mod class;
mod excludes;
mod folders;
mod id;
mod node;
mod pieces;
mod read;
mod root;
mod store;
mod tally;
mod tree;
mod unread;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use id::SourceId;
pub(crate) use {
    class::{Class, Classes, open_regular},
    folders::{FolderSources, FoundDatabase, Measure},
    node::{Names, node_of},
    read::FileToRead,
    root::{OWN_FOLDER, Root},
    store::SourceStore,
    unread::{Unread, path_text},
};

use crate::Error;

/// What a source is to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    Folder,
    /// The data folder of PiecesOS.
    Pieces,
}

/// A folder that is in every backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: SourceId,
    pub kind: SourceKind,
    /// Absolute, with all links followed when it was added.
    pub path: PathBuf,
    /// Lines as in a `.gitignore` file at the top of the folder.
    pub excludes: Vec<String>,
}

impl SourceKind {
    /// As it is written down.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Pieces => "pieces",
        }
    }
}

/// Whether a path of a source is left out. The path is relative to the source; the second value says whether it is a folder.
pub(crate) type Excluded = Arc<dyn Fn(&Path, bool) -> bool + Send + Sync>;

/// What such lines leave out. Errors: `BadPattern`.
pub(crate) fn excluded_by(lines: &[String]) -> Result<Excluded, Error> {
    let excludes = excludes::Excludes::compile(lines)?;
    Ok(Arc::new(move |path, is_folder| {
        excludes.leave_out(path, is_folder)
    }))
}

/// A source whose folder cannot be read at the moment.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    pub source: Source,
    /// For a person.
    pub why: String,
}

/// A folder to add to the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource {
    pub kind: SourceKind,
    pub path: PathBuf,
    pub excludes: Vec<String>,
}
