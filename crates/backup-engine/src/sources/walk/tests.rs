use super::*;
use crate::Error;
use crate::sources::{Source, SourceId, SourceKind};
use std::fs;
use std::path::Path;

struct Place {
    folder: tempfile::TempDir,
    unread: Unread,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        Self {
            folder,
            unread: Unread::default(),
        }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("docs").join(name)
    }

    fn write(&self, name: impl AsRef<Path>, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn source(&self, excludes: &[&str]) -> Source {
        Source {
            id: SourceId::parse("docs").unwrap(),
            kind: SourceKind::Folder,
            path: self.path(""),
            excludes: excludes.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn walk(&self, excludes: &[&str], kept_out: &[&Path]) -> Vec<Found> {
        let root = Root::open(&self.source(excludes), kept_out).unwrap();
        Walk::new(&root, &self.unread).unwrap().collect()
    }

    fn paths(&self, excludes: &[&str]) -> Vec<String> {
        paths(&self.walk(excludes, &[]))
    }

    fn classes(&self) -> Vec<(String, Class)> {
        let found = self.walk(&[], &[]);
        let classes = found.iter().map(|found| found.class);
        paths(&found).into_iter().zip(classes).skip(1).collect()
    }

    fn unread(&self) -> Vec<(String, String)> {
        let items = self.unread.first(100);
        items
            .into_iter()
            .map(|item| (item.path, item.why))
            .collect()
    }
}

fn paths(found: &[Found]) -> Vec<String> {
    let paths = found.iter().map(|found| found.in_backup.as_path());
    paths.map(crate::sources::unread::path_text).collect()
}

#[test]
fn entries_come_in_the_order_of_the_bytes_of_names_and_folders_first() {
    let place = Place::new();
    for name in ["b/x", "b-/x", "b.txt", "B", "a/z/q", "a/y", "é", "~"] {
        place.write(name, b"");
    }
    fs::create_dir(place.path("empty")).unwrap();
    let order = [
        "docs",
        "docs/B",
        "docs/a",
        "docs/a/y",
        "docs/a/z",
        "docs/a/z/q",
        "docs/b",
        "docs/b/x",
        "docs/b-",
        "docs/b-/x",
        "docs/b.txt",
        "docs/empty",
        "docs/~",
        "docs/é",
    ];
    assert_eq!(place.paths(&[]), order);
    let found = place.walk(&[], &[]);
    let mut sorted: Vec<&PathBuf> = found.iter().map(|found| &found.in_backup).collect();
    sorted.sort();
    assert!(
        sorted
            .iter()
            .zip(&found)
            .all(|(path, found)| **path == found.in_backup)
    );
    assert_eq!(
        (found[0].node.name.as_str(), found[0].class),
        ("docs", Class::Folder)
    );
    assert_eq!(place.unread(), []);
}

#[test]
fn excludes_count_as_in_a_gitignore_file_at_the_top() {
    let place = Place::new();
    for name in [
        "a.o",
        "keep.o",
        "src/b.o",
        "src/top",
        "top",
        "build/keep.o",
        ".gitignore",
        ".holdfast/x",
        "src/.holdfast",
    ] {
        place.write(name, b"*");
    }
    let left = place.paths(&["*.o", "!keep.o", "/top", "build/", "!/.holdfast"]);
    let expected = [
        "docs",
        "docs/.gitignore",
        "docs/keep.o",
        "docs/src",
        "docs/src/.holdfast",
        "docs/src/top",
    ];
    assert_eq!(left, expected);
}

#[test]
fn the_data_folder_and_the_destination_inside_stay_out() {
    let place = Place::new();
    place.write("app/data/library.db", b"x");
    place.write("app/data-2/x", b"x");
    place.write("backups/files/x", b"x");
    let kept_out = [place.path("app/data"), place.path("backups")];
    let found = place.walk(&[], &[&kept_out[0], &kept_out[1]]);
    assert_eq!(
        paths(&found),
        ["docs", "docs/app", "docs/app/data-2", "docs/app/data-2/x"]
    );
    let inside = Root::open(&place.source(&[]), &[place.folder.path()]);
    assert!(matches!(inside, Err(Error::BadSource(_))), "{inside:?}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error_not_an_empty_source() {
    let place = Place::new();
    fs::remove_dir(place.path("")).unwrap();
    let absent = Root::open(&place.source(&[]), &[]);
    assert!(
        matches!(absent, Err(Error::SourceUnreadable { .. })),
        "{absent:?}"
    );
    fs::write(place.folder.path().join("docs"), "").unwrap();
    let file = Root::open(&place.source(&[]), &[]);
    assert!(
        matches!(file, Err(Error::SourceUnreadable { .. })),
        "{file:?}"
    );
}

#[test]
fn a_database_is_known_by_its_header_in_each_journal_mode_and_its_companions_by_it() {
    for (mode, companions) in [
        ("wal", &["-shm", "-wal"][..]),
        ("persist", &["-journal"]),
        ("truncate", &["-journal"]),
        ("delete", &[]),
    ] {
        let place = Place::new();
        let path = place.path("notes.txt");
        let open = rusqlite::Connection::open(&path).unwrap();
        open.pragma_update(None, "journal_mode", mode).unwrap();
        open.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1);")
            .unwrap();
        place.write("other.db", &[b'x'; 512]);
        place.write("other.db-wal", b"no companion of a database");
        place.write("notes.txt-walnut", b"");
        let mut expected = vec![("docs/notes.txt".to_owned(), Class::Database)];
        let beside = companions
            .iter()
            .map(|suffix| format!("docs/notes.txt{suffix}"));
        expected.extend(beside.map(|path| (path, Class::DatabaseCompanion)));
        for name in ["notes.txt-walnut", "other.db", "other.db-wal"] {
            expected.push((format!("docs/{name}"), Class::File));
        }
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(place.classes(), expected, "{mode}");
    }
}

#[test]
fn the_log_of_a_database_that_is_left_out_is_left_out_too() {
    let place = Place::new();
    let mut database = b"SQLite format 3\0".to_vec();
    database.resize(4_096, 7);
    place.write("cache.sqlite", &database);
    place.write("cache.sqlite-wal", b"a log");
    place.write("other.sqlite-wal", b"a log of nothing");
    let found = place.walk(&["*.sqlite"], &[]);
    let classes: Vec<_> = found.iter().skip(1).map(|found| found.class).collect();
    assert_eq!(classes, [Class::DatabaseCompanion, Class::File]);
}

#[test]
fn a_sparse_file_of_10_gb_is_met_by_its_size() {
    let place = Place::new();
    place.write("sparse", b"");
    let size = 10_000_000_000;
    fs::File::options()
        .write(true)
        .open(place.path("sparse"))
        .unwrap()
        .set_len(size)
        .unwrap();
    place.write("empty", b"");
    let found = place.walk(&[], &[]);
    assert_eq!(
        (found[2].node.meta.size, found[2].class),
        (size, Class::File)
    );
    assert_eq!((found[1].node.meta.size, found[1].class), (0, Class::File));
}

#[cfg(unix)]
mod unix;
