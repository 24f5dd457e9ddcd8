//! The walk over made-up folders, with its reads counted.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::*;

/// A folder's number, or a file's content.
type Content = u64;

/// Folders by their number; a folder's number is also its id, as the hash of what is in it would be.
#[derive(Default)]
struct Made {
    folders: BTreeMap<Content, Vec<(&'static str, EntryKind, Content)>>,
    reads: Cell<usize>,
    unread: Option<&'static str>,
}

impl Made {
    fn folder(mut self, number: Content, entries: &[(&'static str, EntryKind, Content)]) -> Self {
        self.folders.insert(number, entries.to_vec());
        self
    }

    fn thing(&(name, kind, content): &(&str, EntryKind, Content)) -> Thing<Content> {
        let tree = format!("{content:064x}").parse().unwrap();
        let trees = Trees {
            files: Some(tree),
            databases: None,
        };
        Thing {
            name: name.to_owned(),
            kind,
            bytes: content,
            trees: (kind == EntryKind::Folder).then_some(trees),
            about: content,
        }
    }
}

impl Side<Content> for Made {
    fn inside(&self, folder: &Thing<Content>) -> Result<Option<Vec<Thing<Content>>>, Error> {
        self.reads.set(self.reads.get() + 1);
        let entries = &self.folders[&folder.about];
        Ok(Some(entries.iter().map(Made::thing).collect()))
    }

    fn does_not_know(&self, path: &str) -> bool {
        self.unread.is_some_and(|unread| path.starts_with(unread))
    }
}

const DIR: EntryKind = EntryKind::Folder;
const FILE: EntryKind = EntryKind::File;

fn same(old: &Thing<Content>, new: &Thing<Content>) -> Result<bool, Error> {
    Ok(old.kind == DIR || old.about == new.about)
}

fn top(number: Content) -> Option<Thing<Content>> {
    Some(Made::thing(&("top", DIR, number)))
}

/// All differences, taken in pages of this length.
fn paged(older: &Made, newer: &Made, limit: usize) -> Vec<(String, Change)> {
    let mut all: Vec<(String, Change)> = Vec::new();
    loop {
        let after = all.last().map(|(path, _)| path.clone());
        let mut walk = Walk::new(
            (older, newer),
            &same,
            "",
            (top(1), top(2)),
            after.as_deref(),
        );
        for _ in 0..limit {
            match walk.next(&Watch::unwatched()).unwrap() {
                Some(difference) => all.push((difference.path, difference.change)),
                None => return all,
            }
        }
    }
}

fn two() -> (Made, Made) {
    let older = Made::default()
        .folder(
            1,
            &[
                ("a", DIR, 10),
                ("a-b", FILE, 5),
                ("gone", DIR, 11),
                ("kind", DIR, 12),
                ("same", DIR, 99),
            ],
        )
        .folder(10, &[("changed", FILE, 6), ("kept", FILE, 7)])
        .folder(11, &[("x", FILE, 1), ("y", FILE, 2)])
        .folder(12, &[("z", FILE, 3)]);
    let newer = Made::default()
        .folder(
            2,
            &[
                ("a", DIR, 20),
                ("a-b", FILE, 8),
                ("kind", FILE, 9),
                ("new", DIR, 21),
                ("same", DIR, 99),
            ],
        )
        .folder(20, &[("changed", FILE, 66), ("kept", FILE, 7)])
        .folder(21, &[("n", FILE, 4)]);
    (older, newer)
}

#[test]
fn all_differences_come_in_the_order_of_paths_whatever_the_pages() {
    let (older, newer) = two();
    let expected = [
        ("top/a/changed", Change::Changed),
        ("top/a-b", Change::Changed),
        ("top/gone", Change::Removed),
        ("top/gone/x", Change::Removed),
        ("top/gone/y", Change::Removed),
        ("top/kind", Change::Changed),
        ("top/kind/z", Change::Removed),
        ("top/new", Change::Added),
        ("top/new/n", Change::Added),
    ]
    .map(|(path, change)| (path.to_owned(), change));
    for limit in [1, 2, 3, 100] {
        assert_eq!(paged(&older, &newer, limit), expected, "pages of {limit}");
    }
}

#[test]
fn what_one_version_cannot_tell_is_no_difference() {
    let (older, mut newer) = two();
    newer.unread = Some("top/gone");
    let found = paged(&older, &newer, 1);
    assert!(!found.iter().any(|(path, _)| path.starts_with("top/gone")));
    assert_eq!(found.len(), 6, "all others are told");
    let (mut older, newer) = two();
    older.unread = Some("top/new");
    let found = paged(&older, &newer, 1);
    assert!(!found.iter().any(|(path, _)| path.starts_with("top/new")));
    assert_eq!(found.len(), 7, "all others are told");
}

#[test]
fn what_is_equal_is_not_read_and_what_was_passed_is_not_read_again() {
    // The folder 99 is in neither: reading it would panic.
    let (older, newer) = two();
    let _ = paged(&older, &newer, 100);
    assert_eq!((older.reads.get(), newer.reads.get()), (4, 3));

    let reads = |after: &str| {
        let (older, newer) = two();
        let mut walk = Walk::new((&older, &newer), &same, "", (top(1), top(2)), Some(after));
        while walk.next(&Watch::unwatched()).unwrap().is_some() {}
        (older.reads.get(), newer.reads.get())
    };
    // Only the top on both sides, and what is new.
    assert_eq!(reads("top/kind/z"), (2, 2));
    assert_eq!(reads("top/zzz"), (1, 1));
    assert_eq!(reads("zzz"), (0, 0));
}

#[test]
fn a_walk_below_a_path_goes_on_where_it_was() {
    let (older, newer) = two();
    let things = |older: &Made, newer: &Made| {
        let a = |made: &Made, top: u64| Some(Made::thing(&made.folders[&top][0]));
        (a(older, 1), a(newer, 2))
    };
    let all = |after: Option<&str>| {
        let mut walk = Walk::new(
            (&older, &newer),
            &same,
            "top",
            things(&older, &newer),
            after,
        );
        let mut found = Vec::new();
        while let Some(difference) = walk.next(&Watch::unwatched()).unwrap() {
            found.push(difference.path);
        }
        found
    };
    assert_eq!(all(None), ["top/a/changed"]);
    assert_eq!(all(Some("top/a")), ["top/a/changed"]);
    assert_eq!(all(Some("lower")), ["top/a/changed"]);
    assert_eq!(all(Some("top/a/changed")), [""; 0]);
    assert_eq!(all(Some("top/b")), [""; 0]);
    assert_eq!(all(Some("upper")), [""; 0]);
}
