//! Paths of a backup as callers write them.

use crate::Error;
use crate::backup::LIBRARY_FILE;

/// The folder of the library's items, which is in no repository.
pub(super) const ITEMS: &str = "library";

/// Where something is in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Root,
    /// The library as a file.
    LibraryFile,
    /// The library as a folder of its items.
    Items,
    /// One item, by its id.
    Item(&'a str),
    /// In a source: the names from the source's id on, as the repository writes them.
    InSource(&'a str),
}

impl<'a> Place<'a> {
    /// Errors: `UnknownPath` for what is no path.
    pub(super) fn parse(path: &'a str) -> Result<Self, Error> {
        if let Some(id) = path.strip_prefix("library/") {
            return Ok(Self::Item(id));
        }
        match path {
            "" => Ok(Self::Root),
            LIBRARY_FILE => Ok(Self::LibraryFile),
            ITEMS => Ok(Self::Items),
            path if path.split('/').all(is_name) => Ok(Self::InSource(path)),
            path => Err(Error::UnknownPath(path.to_owned())),
        }
    }
}

/// Whether something in a folder can have this name: one that could lead elsewhere is none.
pub(super) fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

/// The path of what has this name in this folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_the_backup_and_nowhere_else() {
        let place = |path| Place::parse(path).ok();
        assert_eq!(place(""), Some(Place::Root));
        assert_eq!(place("library.db"), Some(Place::LibraryFile));
        assert_eq!(place("library"), Some(Place::Items));
        assert_eq!(place("library/a/b"), Some(Place::Item("a/b")));
        assert_eq!(place("docs/a b/ü"), Some(Place::InSource("docs/a b/ü")));
        for path in [
            "/", "/docs", "docs/", "docs//a", "docs/..", "./docs", "a\0b",
        ] {
            assert_eq!(place(path), None, "{path:?}");
        }
    }
}
