//! What of a source could not be read, in words for a person.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::names::escape;

/// How many are kept by name; beyond it they are only counted.
const MOST_NAMED: usize = 10_000;

pub(super) const CHANGED: &str = "it changed while it was read";
pub(super) const SHORTER: &str = "it became shorter while it was read";
pub(super) const SIZELESS: &str = "it says that it is empty and is not";
pub(super) const REPLACED: &str = "it was replaced by something else while the backup ran";
pub(super) const BESIDE_UNREAD: &str = "what it lies beside could not be read";
pub(super) const REMOVED: &str = "it was removed while the backup ran";

/// One path that is missing in a backup, or may not be in it as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnreadItem {
    /// As paths are written in the API: `/` between names, from the id of the source on.
    pub path: String,
    pub why: String,
    /// Whether it is missing; else there is only more to say of it.
    pub is_missing: bool,
}

/// A list that the walk and all readers of a source share. Each path is in it once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unread {
    told: Arc<Mutex<Told>>,
    silent: bool,
}

#[derive(Debug, Default)]
struct Told {
    named: BTreeMap<String, Said>,
    beyond: u64,
}

#[derive(Debug)]
struct Said {
    why: String,
    is_missing: bool,
}

impl Unread {
    /// Takes no notice: for a look that another one will repeat.
    pub(super) fn silent() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    /// Names what is missing in the backup. `path` starts with the id of the source.
    pub(crate) fn tell(&self, path: &Path, why: impl Into<String>) {
        self.keep(path, why.into(), true);
    }

    /// Names what is in the backup, but not all of it; what is missing is more to say of a path.
    pub(crate) fn note(&self, path: &Path, why: impl Into<String>) {
        self.keep(path, why.into(), false);
    }

    /// Names what is in the backup without its extended attributes, or without some of them.
    pub(super) fn note_attributes(&self, path: &Path, error: &io::Error) {
        let why = format!("extended attributes of it are missing: {}", why(error));
        self.note(path, why);
    }

    fn keep(&self, path: &Path, why: String, is_missing: bool) {
        if self.silent {
            return;
        }
        let path = path_text(path);
        tracing::warn!(path, why, "not read as it is");
        let said = Said { why, is_missing };
        let mut told = self.lock();
        if told.named.len() >= MOST_NAMED && !told.named.contains_key(&path) {
            told.beyond += 1;
        } else if is_missing {
            told.named.insert(path, said);
        } else {
            told.named.entry(path).or_insert(said);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        let told = self.lock();
        told.named.len() as u64 + told.beyond
    }

    /// The first of them by their paths, and what is missing before the rest, which it is not to keep out of a short list.
    pub(crate) fn first(&self, most: usize) -> Vec<UnreadItem> {
        let told = self.lock();
        let of = |is_missing: bool| {
            let named = told.named.iter();
            named.filter(move |(_, said)| said.is_missing == is_missing)
        };
        let items = of(true).chain(of(false)).take(most);
        items
            .map(|(path, said)| UnreadItem {
                path: path.clone(),
                why: said.why.clone(),
                is_missing: said.is_missing,
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path in a backup as text: `/` between names, and names as the repository writes them.
pub(crate) fn path_text(path: &Path) -> String {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(escape(name.as_ref())),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// Why something could not be read.
pub(super) fn why(error: &io::Error) -> String {
    #[cfg(unix)]
    if let Some(why) = why_by_number(error) {
        return why.to_owned();
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotFound => REMOVED.into(),
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => REPLACED.into(),
        io::ErrorKind::InvalidFilename => "its path is too long for the system".into(),
        io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotConnected => {
            "the disk or share it lies on went away".into()
        }
        io::ErrorKind::Other => error.to_string(),
        kind => format!("it could not be read: {kind}"),
    }
}

#[cfg(unix)]
fn why_by_number(error: &io::Error) -> Option<&'static str> {
    use nix::errno::Errno;
    match Errno::from_raw(error.raw_os_error()?) {
        // Opening without following a link.
        Errno::ELOOP | Errno::ENXIO => Some(REPLACED),
        Errno::EIO => Some("the disk could not read it"),
        Errno::EMFILE | Errno::ENFILE => Some("too many files were open"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_once_and_in_order() {
        let unread = Unread::default();
        unread.note(Path::new("docs/b"), "in part");
        unread.tell(Path::new("docs/a"), "other");
        unread.clone().tell(Path::new("docs/b"), "missing");
        unread.note(Path::new("docs/b"), "in part");
        assert_eq!(unread.count(), 2);
        let items = unread.first(200);
        assert_eq!(
            (items[0].path.as_str(), items[1].why.as_str()),
            ("docs/a", "missing")
        );
        assert_eq!(unread.first(1).len(), 1);
    }

    #[test]
    fn what_is_missing_is_named_before_what_there_is_more_to_say_of() {
        let unread = Unread::default();
        for number in 0..5 {
            unread.note(Path::new(&format!("docs/{number}")), "in part");
        }
        unread.tell(Path::new("docs/3"), "missing");
        unread.tell(Path::new("docs/z"), "missing");
        let items = unread.first(3).into_iter();
        let items: Vec<_> = items.map(|item| (item.path, item.is_missing)).collect();
        let expected = [("docs/3", true), ("docs/z", true), ("docs/0", false)];
        assert_eq!(items, expected.map(|(path, is)| (path.to_owned(), is)));
    }

    #[test]
    fn beyond_the_named_ones_they_are_counted() {
        let unread = Unread::default();
        for number in 0..MOST_NAMED + 5 {
            unread.tell(Path::new(&format!("docs/{number:06}")), "why");
        }
        unread.tell(Path::new("docs/000001"), "again");
        assert_eq!(unread.count(), MOST_NAMED as u64 + 5);
        assert_eq!(unread.first(usize::MAX).len(), MOST_NAMED);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_written_as_the_repository_writes_names() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new("docs")
            .join(OsStr::from_bytes(b"a\xff\\b"))
            .join("c\nd");
        assert_eq!(path_text(&path), r"docs/a\xff\\b/c\nd");
    }
}
