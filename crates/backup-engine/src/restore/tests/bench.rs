//! A data folder, a destination and one source, `docs`, with a way to store it and to tell what is in a folder.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{
    BackupOptions, ParentOptions, ReadSource, ReadSourceEntry, Repository, RusticResult,
    SnapshotOptions, TreeId,
};

use crate::database::database_of;
use crate::destination::{Content, Destination, Details, LibraryDetails, Part, SourceRecord};
use crate::keys::KeyStore;
use crate::library::{Item, Library};
use crate::restore::{Contents, Place, Restore, RestoreRequest, SourcePlace, Trees, What};
use crate::watch::Outcome;
use crate::{BackupId, Error, Watch, journal};

pub(super) struct Bench {
    pub folder: tempfile::TempDir,
    pub destination: Destination,
    pub library: Library,
}

/// A backup that a test has made.
pub(super) struct Stored {
    pub details: Details,
    trees: Trees,
}

/// An entry of a hand-made tree.
pub(super) type Entry = (PathBuf, Node, Option<Vec<u8>>);

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(folder.path().join("docs")).unwrap();
        let library = Library::open(&data.join("library/library.db")).unwrap();
        library.put(&[item("one")]).unwrap();
        let keys = KeyStore::new(&data, None, false);
        let destination = Destination::new(&folder.path().join("destination"), &data, "Test", keys);
        Self {
            folder,
            destination,
            library,
        }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn docs(&self) -> PathBuf {
        self.folder.path().join("docs")
    }

    /// Stores the library and the source as they are.
    pub(super) fn store(&self) -> Stored {
        let mut entries = Vec::new();
        gather(&self.docs(), Path::new("docs"), &mut entries);
        self.store_entries(entries)
    }

    pub(super) fn store_entries(&self, entries: Vec<Entry>) -> Stored {
        let is_database = |(_, _, content): &Entry| {
            let begins = |content: &Vec<u8>| content.starts_with(b"SQLite format 3\0");
            content.as_ref().is_some_and(begins)
        };
        let known: Vec<_> = entries.iter().filter(|entry| is_database(entry)).collect();
        let known: Vec<PathBuf> = known.into_iter().map(|entry| entry.0.clone()).collect();
        // A database that SQLite cannot read is stored with what lies beside it.
        let with_database = |entry: &Entry| {
            let of = database_of(entry.0.as_os_str()).map(PathBuf::from);
            is_database(entry) || of.is_some_and(|of| known.contains(&of))
        };
        let (mut databases, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(with_database);
        let mut image = Vec::new();
        let mut pages = self.library.pages(&Watch::unwatched()).unwrap();
        pages.reader.read_to_end(&mut image).unwrap();
        let meta = Metadata {
            size: image.len() as u64,
            ..Metadata::default()
        };
        let bytes = image.len() as u64;
        let node = Node::new_node("library.db".as_ref(), NodeType::File, meta);
        databases.push(("library.db".into(), node, Some(image)));
        databases.sort_by(|one, other| one.0.cmp(&other.0));
        let trees = Trees {
            databases: Some(self.archive(Part::Databases, databases)),
            files: Some(self.archive(Part::Files, files)),
        };
        let details = Details {
            format: 2,
            backup: "1.0.0_20260102T030405678Z".into(),
            device_name: "Test".into(),
            platform: "linux".into(),
            taken: chrono::Utc::now(),
            seconds: 0.0,
            library: LibraryDetails {
                assets: 1,
                bytes,
                sha256: None,
                schema: 1,
            },
            files: None,
            proven: None,
            sources: vec![SourceRecord {
                id: "docs".into(),
                ..SourceRecord::default()
            }],
        };
        Stored { details, trees }
    }

    fn archive(&self, part: Part, entries: Vec<Entry>) -> TreeId {
        let hold = self.destination.hold(&Watch::unwatched()).unwrap();
        let session = self
            .destination
            .write(&hold, part, &Watch::unwatched())
            .unwrap();
        let session = session.load(Repository::to_indexed_ids).unwrap();
        let snapshot = SnapshotOptions::default().to_snapshot().unwrap();
        let options = BackupOptions::default().parent_opts(ParentOptions::default().force(true));
        let source = Made(Mutex::new(entries));
        let paths = [PathBuf::from("made")];
        let archived = session
            .repository
            .archive(&options, &source, snapshot, &paths);
        archived.unwrap().tree
    }

    pub(super) fn contents(&self, stored: &Stored) -> Contents {
        let open = |part| {
            let session = self.destination.read(part, &Watch::unwatched()).unwrap();
            Content::open(session.unwrap()).unwrap()
        };
        Contents {
            databases: open(Part::Databases),
            files: Some(open(Part::Files)),
            root: stored.trees,
        }
    }

    /// Runs something with the source set up, `*.tmp` left out of backups.
    pub(super) fn with<T>(
        &self,
        stored: &Stored,
        watch: &Watch,
        in_use: &(dyn Fn(&Path) -> Result<Option<String>, Error> + Sync),
        work: impl FnOnce(&Restore) -> T,
    ) -> T {
        let excluded = |path: &Path, _: bool| path.extension() == Some(OsStr::new("tmp"));
        let places = [SourcePlace {
            id: "docs".into(),
            path: self.docs(),
            excluded: Arc::new(excluded),
        }];
        let id = backup_id();
        let contents = self.contents(stored);
        work(&Restore {
            data_dir: &self.data(),
            destination: self.destination.root(),
            library: &self.library,
            id: &id,
            details: &stored.details,
            contents: &contents,
            places: &places,
            in_use,
            watch,
        })
    }

    pub(super) fn try_restore(
        &self,
        stored: &Stored,
        what: What,
        place: Place,
        watch: &Watch,
    ) -> Result<Outcome<()>, Error> {
        self.with(stored, watch, &|_| Ok(None), |restore| {
            restore.run(&RestoreRequest {
                backup: backup_id(),
                what,
                place,
            })
        })
    }

    pub(super) fn restore(&self, stored: &Stored, what: What) {
        let restored = self.try_restore(stored, what, Place::InPlace, &Watch::unwatched());
        assert_eq!(restored.unwrap(), Outcome::Completed(()));
    }

    /// Restores in place, with the sources set up like that.
    pub(super) fn restore_to(
        &self,
        stored: &Stored,
        places: &[SourcePlace],
        what: What,
    ) -> Result<Outcome<()>, Error> {
        let watch = Watch::unwatched();
        self.with(stored, &watch, &|_| Ok(None), |restore| {
            let restore = Restore { places, ..*restore };
            restore.run(&RestoreRequest {
                backup: backup_id(),
                what,
                place: Place::InPlace,
            })
        })
    }

    pub(super) fn undo(&self) {
        let undone = crate::restore::undo(
            &self.data(),
            &self.library,
            &|_| Ok(None),
            &Watch::unwatched(),
        );
        assert_eq!(undone.unwrap(), Outcome::Completed(()));
    }

    /// As after the end of the process and a new start.
    pub(super) fn start_again(&self) {
        self.library
            .replace(|| journal::settle(&self.data()))
            .unwrap();
        assert!(!journal::is_pending(&self.data()).unwrap());
        crate::restore::remove_staging(&self.data()).unwrap();
        crate::undo::remove_older(&self.data());
    }
}

/// A source as it is set up, and the lines of what is left out of it.
pub(super) fn place(id: &str, path: &Path, lines: &[&str]) -> SourcePlace {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    SourcePlace {
        id: id.into(),
        path: path.to_owned(),
        excluded: crate::sources::excluded_by(&lines).unwrap(),
    }
}

pub(super) fn docs() -> What {
    What::Source("docs".into())
}

pub(super) fn backup_id() -> BackupId {
    BackupId::parse("1.0.0_20260102T030405678Z").unwrap()
}

pub(super) fn item(id: &str) -> Item {
    Item {
        id: id.into(),
        name: None,
        created: String::new(),
        updated: String::new(),
        json: format!("{{\"id\":\"{id}\"}}"),
    }
}

struct Made(Mutex<Vec<Entry>>);

impl ReadSource for Made {
    type Open = Cursor<Vec<u8>>;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Self::Open>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entries = std::mem::take(&mut *self.0.lock().unwrap());
        let entries = entries.into_iter().map(|(path, node, content)| {
            Ok(ReadSourceEntry {
                path,
                node,
                open: content.map(Cursor::new),
            })
        });
        entries.collect::<Vec<_>>().into_iter()
    }
}

pub(super) fn node_of(path: &Path, name: &OsStr) -> Node {
    let meta = fs::symlink_metadata(path).unwrap();
    let kind = meta.file_type();
    let node_type = if kind.is_dir() {
        NodeType::Dir
    } else if kind.is_symlink() {
        NodeType::from_link(&fs::read_link(path).unwrap())
    } else if kind.is_fifo() {
        NodeType::Fifo
    } else if kind.is_socket() {
        NodeType::Socket
    } else {
        NodeType::File
    };
    let noted = kind.is_file() && rustix::fs::getxattr(path, "user.note", &mut [0; 100]).is_ok();
    // "by hand", the only one that the tests set.
    let attribute = r#"{"extended_attributes":[{"name":"user.note","value":"YnkgaGFuZA=="}]}"#;
    let attributes: Metadata = serde_json::from_str(if noted { attribute } else { "{}" }).unwrap();
    let moment = |seconds, nanoseconds: i64| Timestamp::new(seconds, nanoseconds as i32).ok();
    let flags = if meta.mode() & 0o4000 != 0 {
        1 << 23
    } else {
        0
    };
    let metadata = Metadata {
        mode: Some(meta.mode() & 0o777 | flags),
        mtime: moment(meta.mtime(), meta.mtime_nsec()),
        ctime: moment(meta.ctime(), meta.ctime_nsec()),
        uid: Some(meta.uid()),
        gid: Some(meta.gid()),
        inode: meta.ino(),
        size: if kind.is_dir() { 0 } else { meta.len() },
        ..attributes
    };
    Node::new_node(name, node_type, metadata)
}

pub(super) fn gather(path: &Path, at: &Path, into: &mut Vec<Entry>) {
    let node = node_of(path, at.file_name().unwrap());
    let content = node.is_file().then(|| fs::read(path).unwrap());
    let is_folder = node.is_dir();
    into.push((at.to_owned(), node, content));
    if is_folder {
        for name in sorted(path) {
            gather(&path.join(&name), &at.join(&name), into);
        }
    }
}

fn sorted(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// Everything that can be seen in a folder, by path: kind, mode, time, content or target.
pub(super) fn state(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    note(folder, Path::new(""), &mut all);
    all
}

fn note(path: &Path, at: &Path, all: &mut BTreeMap<PathBuf, String>) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let kind = meta.file_type();
    let content = if kind.is_file() {
        crate::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(
            fs::read(path).unwrap(),
        ))
    } else if kind.is_symlink() {
        format!("-> {:?}", fs::read_link(path).unwrap())
    } else {
        format!("{kind:?}")
    };
    let time = (meta.mtime(), meta.mtime_nsec());
    all.insert(
        at.to_owned(),
        format!("{:o} {time:?} {content}", meta.permissions().mode()),
    );
    if kind.is_dir() {
        for name in sorted(path) {
            note(&path.join(&name), &at.join(&name), all);
        }
    }
}

pub(super) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Bytes that do not repeat.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    bytes.flatten().take(length).collect()
}

pub(super) fn name(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
