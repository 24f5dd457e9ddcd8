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
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn links_are_stored_and_never_followed() {
        let place = Place::new();
        place.write("folder/x", b"");
        symlink(".", place.path("folder/loop")).unwrap();
        symlink("nowhere", place.path("broken")).unwrap();
        symlink(OsStr::from_bytes(b"caf\xe9"), place.path("bytes")).unwrap();
        symlink("folder/", place.path("to-folder")).unwrap();
        let links: Vec<String> = place
            .classes()
            .into_iter()
            .filter(|(_, class)| *class == Class::Link)
            .map(|(path, _)| path)
            .collect();
        assert_eq!(
            links,
            [
                "docs/broken",
                "docs/bytes",
                "docs/folder/loop",
                "docs/to-folder"
            ]
        );
        let found = place.walk(&["to-folder/"], &[]);
        let target = |name: &str| {
            let link = found
                .iter()
                .find(|found| found.in_backup.ends_with(name))
                .unwrap();
            link.node.node_type.to_link().to_owned()
        };
        assert_eq!(target("bytes"), Path::new(OsStr::from_bytes(b"caf\xe9")));
        assert_eq!(
            target("to-folder"),
            Path::new("folder/"),
            "a link is no folder to a pattern"
        );
        assert_eq!(place.unread(), []);
    }

    #[test]
    fn fifos_and_sockets_are_stored_without_being_opened() {
        let place = Place::new();
        nix::unistd::mkfifo(&place.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
        let expected = ["docs/fifo", "docs/socket"].map(|path| (path.to_owned(), Class::Special));
        assert_eq!(place.classes(), expected);
        let found = place.walk(&[], &[]);
        assert_eq!(
            found[1].node.node_type,
            rustic_core::repofile::NodeType::Fifo
        );
        assert_eq!(
            found[2].node.node_type,
            rustic_core::repofile::NodeType::Socket
        );
    }

    #[test]
    fn hard_links_share_an_inode_and_a_device() {
        let place = Place::new();
        place.write("a", b"x");
        fs::hard_link(place.path("a"), place.path("b")).unwrap();
        let found = place.walk(&[], &[]);
        let (a, b) = (&found[1].node.meta, &found[2].node.meta);
        assert_eq!((a.inode, a.device_id, a.links), (b.inode, b.device_id, 2));
        assert_eq!(a.device_id, fs::metadata(place.path("a")).unwrap().dev());
    }

    #[test]
    fn names_that_are_not_utf_8_keep_their_bytes() {
        let place = Place::new();
        let name = OsStr::from_bytes(b"caf\xe9\\n\n");
        place.write(Path::new(name).join(name), b"x");
        let found = place.walk(&[], &[]);
        assert_eq!(&*found[2].node.name(), name);
        assert_eq!(found[2].in_backup, Path::new("docs").join(name).join(name));
        assert_eq!(paths(&found)[1], r"docs/caf\xe9\\n\n");
    }

    /// A folder whose path has `length` bytes. Longer ones than the system takes are put together by moving.
    fn deep(place: &Place, length: usize) -> PathBuf {
        let mut path = place.path("");
        path.pop();
        path.push("docs");
        while length - path.as_os_str().len() > 210 {
            path.push("d".repeat(200));
        }
        let rest = length - path.as_os_str().len() - 1;
        path.push("e".repeat(rest));
        path
    }

    #[test]
    fn a_path_of_4000_bytes_is_met() {
        let place = Place::new();
        let folder = deep(&place, 3_995);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("leaf"), "x").unwrap();
        let found = place.walk(&[], &[]);
        assert_eq!(found.last().unwrap().absolute.as_os_str().len(), 4_000);
        assert_eq!(
            (found.last().unwrap().node.meta.size, place.unread()),
            (1, vec![])
        );
    }

    #[test]
    fn a_path_that_is_too_long_for_the_system_is_named() {
        let place = Place::new();
        let (near, far) = (deep(&place, 3_900), place.folder.path().join("far"));
        fs::create_dir_all(&near).unwrap();
        fs::create_dir_all(far.join("f".repeat(200)).join("g".repeat(200))).unwrap();
        fs::rename(&far, near.join("far")).unwrap();
        place.write("~last", b"");
        let found = place.walk(&[], &[]);
        assert_eq!(
            paths(&found).last().unwrap(),
            "docs/~last",
            "the walk goes on"
        );
        let unread = place.unread();
        assert_eq!(unread.len(), 1, "{unread:?}");
        assert!(unread[0].0.ends_with(&"g".repeat(200)) || unread[0].0.ends_with(&"f".repeat(200)));
        assert!(unread[0].1.contains("too long"), "{}", unread[0].1);
    }

    #[test]
    fn what_vanishes_between_listing_and_looking_is_named() {
        let place = Place::new();
        for name in ["a", "b", "c/d"] {
            place.write(name, b"");
        }
        let root = Root::open(&place.source(&[]), &[]).unwrap();
        let mut walk = Walk::new(&root, &place.unread).unwrap();
        fs::remove_file(place.path("b")).unwrap();
        let rest: Vec<Found> = walk.by_ref().collect();
        assert_eq!(paths(&rest), ["docs", "docs/a", "docs/c", "docs/c/d"]);
        let removed = "it was removed while the backup ran".to_owned();
        assert_eq!(place.unread(), [("docs/b".to_owned(), removed)]);
    }
}
