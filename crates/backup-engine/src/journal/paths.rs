//! From the paths of a note to folders that are held open, and to none that a restore does not touch.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::shut::LetIn;
use crate::Error;
use crate::restore::dir::Dir;
use crate::sources::OWN_FOLDER;
use crate::undo::{FolderNote, Move, PartNote};

/// The folders of entries, which come in the order of their paths. One that its owner may not enter is open to him until
/// the next one is asked for.
pub(super) struct Parents<'a> {
    base: &'a Dir,
    last: Option<(PathBuf, Dir, LetIn)>,
}

impl<'a> Parents<'a> {
    pub(super) fn new(base: &'a Dir) -> Self {
        Self { base, last: None }
    }

    pub(super) fn of(&mut self, at: &Path) -> io::Result<&Dir> {
        let parent = at.parent().unwrap_or(Path::new(""));
        let last = match self.last.take() {
            Some(last) if last.0 == parent => last,
            _ => {
                let mut let_in = LetIn::default();
                let folder = let_in.walk(self.base, parent)?;
                (parent.to_owned(), folder, let_in)
            }
        };
        Ok(&self.last.insert(last).1)
    }
}

pub(super) fn there_or_not<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        there => there.map(Some),
    }
}

impl PartNote {
    /// Operations only below the base, and none on what is our own there.
    pub(super) fn check(&self) -> Result<(), Error> {
        let inside = |at: &Path| {
            let mut names = at.components();
            let first = at.components().next();
            names.all(|name| matches!(name, Component::Normal(_)))
                && first.is_none_or(|first| first.as_os_str() != OWN_FOLDER)
        };
        let moves = self.moves.iter().map(Move::at);
        let named = moves.clone().all(|at| at.file_name().is_some());
        let folders = self.folders.iter().map(FolderNote::at);
        if self.base().is_absolute() && named && moves.chain(folders).all(|at| inside(&at)) {
            return Ok(());
        }
        Err(Error::Damaged {
            backup: None,
            detail: "the note of a restore names what no restore touches".into(),
        })
    }
}
