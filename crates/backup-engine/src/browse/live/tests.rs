//! A folder as it is now, beside the same folder as the repository library stored it.

use std::collections::BTreeMap;

use rustic_core::repofile::SnapshotFile;
use rustic_core::{BackupOptions, PathList, Repository, SnapshotOptions};

use super::*;
use crate::Watch;
use crate::browse::folders::{Trees, merged};
use crate::browse::sides::rights;
use crate::destination::{Destination, Part};
use crate::keys::KeyStore;

struct Zoo {
    folder: tempfile::TempDir,
}

impl Zoo {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("zoo/sub")).unwrap();
        let zoo = Self { folder };
        zoo.write("file", &[7; 3_000]);
        zoo.write("sub/empty", b"");
        zoo.write(
            "sub/large",
            &(0..2_000_000u32)
                .map(|n| (n.wrapping_mul(n) >> 7) as u8)
                .collect::<Vec<_>>(),
        );
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", zoo.path("link")).unwrap();
        rusqlite::Connection::open(zoo.path("notes.db"))
            .unwrap()
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
            .unwrap();
        zoo
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("zoo").join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Everything that is stored, by its path.
    fn store(&self) -> (Content, BTreeMap<String, Found>) {
        let (data, root) = (
            self.folder.path().join("data"),
            self.folder.path().join("dest"),
        );
        std::fs::create_dir_all(&data).unwrap();
        let keys = KeyStore::new(&data, None, false);
        let destination = Destination::new(&root, &data, "test", keys);
        let watch = Watch::unwatched();
        let hold = destination.hold(&Watch::unwatched()).unwrap();
        let session = destination.write(&hold, Part::Files, &watch).unwrap();
        let session = session.load(Repository::to_indexed_ids).unwrap();
        let source = PathList::from_iter([self.path("")]);
        let options = BackupOptions::default().as_path(PathBuf::from("/zoo"));
        let snapshot: SnapshotFile = SnapshotOptions::default().to_snapshot().unwrap();
        let snapshot = session
            .repository
            .backup(&options, &source, snapshot)
            .unwrap();
        let session = destination.read(Part::Files, &watch).unwrap().unwrap();
        let content = Content::open(session).unwrap();
        let (mut all, mut folders) = (BTreeMap::new(), vec![(String::new(), snapshot.tree)]);
        while let Some((path, tree)) = folders.pop() {
            let trees = Trees {
                files: Some(tree),
                databases: None,
            };
            for found in merged(trees, |_, tree| content.folder(tree)).unwrap() {
                let path = crate::browse::path::join(&path, found.name());
                folders.extend(found.trees.files.map(|tree| (path.clone(), tree)));
                all.insert(path, found);
            }
        }
        (content, all)
    }

    fn live(&self) -> LiveFolders {
        LiveFolders::new(vec![LiveSource {
            id: "zoo".into(),
            folder: self.path(""),
            leaves_out: Box::new(|path, _| path.ends_with("left out")),
        }])
    }

    fn now(&self, path: &str) -> Option<LiveFile> {
        self.live().at(path).unwrap()
    }
}

fn held(content: &Content, stored: &Found, now: &LiveFile) -> bool {
    holds(content, stored, now, &Watch::unwatched()).unwrap()
}

#[test]
fn reading_what_is_there_can_be_cancelled() {
    let zoo = Zoo::new();
    let (content, stored) = zoo.store();
    let found = &stored["zoo/sub/large"];
    let chunks = found.node.content.clone().unwrap();
    // Cancelled once the first chunk is asked for.
    let cancel = crate::CancelFlag::default();
    let watch = Watch::new(cancel.clone(), |_| {});
    let mut asked = 0;
    let told = chunks.iter().cycle().take(9).inspect(|_| {
        asked += 1;
        cancel.cancel();
    });
    let told = told.map(|id| (id, content.chunk_bytes(id).unwrap()));
    let same = has_chunks(&zoo.path("sub/large"), told, &watch).unwrap();
    assert_eq!((same, asked), (false, 1));
    // Its times tell nothing, so it has to be read.
    zoo.write("sub/large", &fs::read(zoo.path("sub/large")).unwrap());
    let now = zoo.now("zoo/sub/large").unwrap();
    let error = holds(&content, found, &now, &watch).unwrap_err();
    assert_eq!(error.code(), "canceled");
}

#[test]
fn what_has_not_changed_is_the_same() {
    let zoo = Zoo::new();
    let (content, stored) = zoo.store();
    assert_eq!(stored.len(), 7);
    for (path, found) in &stored {
        let now = zoo.now(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(now.node.name, found.node.name);
        assert_eq!(now.node.node_type, found.node.node_type, "{path}");
        assert_eq!(rights(&now.node), rights(&found.node), "{path}");
        if found.node.is_file() {
            assert!(held(&content, found, &now), "{path}");
        }
    }
    assert_eq!(zoo.now("zoo/notes.db").unwrap().kind, EntryKind::Database);
    assert!(zoo.now("zoo/no").is_none() && zoo.now("other").is_none());
    assert!(zoo.now("zoo/file/x").is_none());
}

#[test]
fn content_tells_where_times_do_not() {
    let zoo = Zoo::new();
    let (content, stored) = zoo.store();
    let same = |path: &str| held(&content, &stored[path], &zoo.now(path).unwrap());
    let times = |name: &str| {
        std::fs::metadata(zoo.path(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    let large = std::fs::read(zoo.path("sub/large")).unwrap();

    // Written anew with what it held: another time, the same content.
    zoo.write("sub/large", &large);
    assert!(same("zoo/sub/large"));
    // One byte of it, and the old time put back.
    let before = times("sub/large");
    let mut changed = large.clone();
    *changed.last_mut().unwrap() ^= 1;
    zoo.write("sub/large", &changed);
    let file = fs::File::options()
        .write(true)
        .open(zoo.path("sub/large"))
        .unwrap();
    file.set_modified(before).unwrap();
    assert!(!same("zoo/sub/large"));
    // Longer and shorter, up to nothing.
    for content in [&large[..1_999_999], &[&large[..], b"x"].concat(), b""] {
        zoo.write("sub/large", content);
        assert!(!same("zoo/sub/large"));
    }
    zoo.write("sub/empty", b"x");
    assert!(!same("zoo/sub/empty"));
}

#[test]
fn the_log_of_a_database_is_part_of_it() {
    let zoo = Zoo::new();
    let (content, stored) = zoo.store();
    let path = "zoo/notes.db";
    let same = || held(&content, &stored[path], &zoo.now(path).unwrap());
    zoo.write("notes.db-shm", b"x");
    assert!(same());
    zoo.write("notes.db-wal", b"something that the file does not have");
    assert!(!same());
    zoo.write("alone-wal", b"of no database");
    // SQLite has no folders.
    std::fs::create_dir(zoo.path("notes.db-journal")).unwrap();
    zoo.write("left out", b"by the rules");
    let inside = zoo.live().inside(&zoo.now("zoo").unwrap()).unwrap();
    let names: Vec<_> = inside.iter().map(|file| file.node.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "alone-wal",
            "file",
            "link",
            "notes.db",
            "notes.db-journal",
            "sub"
        ]
    );
}

#[test]
fn a_source_whose_folder_is_gone_is_an_error_and_not_empty() {
    let zoo = Zoo::new();
    std::fs::rename(zoo.path(""), zoo.folder.path().join("away")).unwrap();
    assert!(matches!(zoo.live().at("zoo/file"), Err(Error::Io { .. })));
}
