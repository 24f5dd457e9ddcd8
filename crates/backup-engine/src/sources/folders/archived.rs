//! Sources through the real archiver, into a real repository, and back.

use super::*;
use crate::sources::{SourceId, SourceKind};
use rustic_core::repofile::SnapshotFile;
use rustic_core::{
    BackupOptions, ConfigOptions, Credentials, IndexedIdsStatus, KeyOptions, OpenStatus,
    ParentOptions, Repository, RepositoryBackends, RepositoryOptions, SnapshotOptions,
};
use std::fs;
use std::path::Path;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        Self { folder }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("docs").join(name)
    }

    fn sources(&self) -> FolderSources {
        let source = Source {
            id: SourceId::parse("docs").unwrap(),
            kind: SourceKind::Folder,
            path: self.path(""),
            excludes: Vec::new(),
        };
        FolderSources::new(vec![Root::open(&source, &[]).unwrap()], &Watch::unwatched())
    }

    /// The clock is what is waited for: until no file has just changed any more.
    fn wait_until_settled(&self) {
        let start = std::time::Instant::now();
        while !self.sources().entries().map(Result::unwrap).all(|entry| {
            let real = fs::symlink_metadata(self.folder.path().join(&entry.path)).unwrap();
            !real.is_file() || is_settled(&entry.node, &real)
        }) {
            assert!(start.elapsed().as_secs() < 60);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn closed(&self) -> Repository<()> {
        let path = self.folder.path().join("repository");
        let local = rustic_backend::LocalBackend::new(path.to_str().unwrap(), []).unwrap();
        let backends = RepositoryBackends::new(Arc::new(local), None);
        let options = RepositoryOptions::default().no_cache(true);
        Repository::new(&options, &backends).unwrap()
    }

    fn init(&self) -> Repository<OpenStatus> {
        let config = ConfigOptions::default();
        let key = Credentials::password("x");
        self.closed()
            .init(&key, &KeyOptions::default(), &config)
            .unwrap()
    }
}

#[cfg(unix)]
fn is_settled(node: &Node, real: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let ctime = node.meta.ctime.unwrap();
    i64::from(ctime.subsec_nanosecond()) == real.ctime_nsec()
}

#[cfg(not(unix))]
fn is_settled(_node: &Node, _real: &fs::Metadata) -> bool {
    true
}

fn archive<S>(repository: Repository<OpenStatus>, sources: &S) -> SnapshotFile
where
    S: ReadSource<Open = FileToRead, Iter: Send> + 'static,
{
    let repository: Repository<IndexedIdsStatus> = repository.to_indexed_ids().unwrap();
    let options = BackupOptions::default().parent_opts(ParentOptions::default());
    let snapshot = SnapshotOptions::default().to_snapshot().unwrap();
    repository
        .archive(&options, sources, snapshot, &[PathBuf::from("docs")])
        .unwrap()
}

fn processed(snapshot: &SnapshotFile) -> u64 {
    snapshot.summary.as_ref().unwrap().total_files_processed
}

/// The files in a snapshot with their contents, read back from the repository.
fn contents(
    repository: Repository<OpenStatus>,
    snapshot: &SnapshotFile,
) -> Vec<(PathBuf, Vec<u8>)> {
    let repository = repository.to_indexed().unwrap();
    let top = repository
        .node_from_snapshot_and_path(snapshot, "")
        .unwrap();
    let entries = repository
        .ls(&top, &rustic_core::LsOptions::default())
        .unwrap();
    let mut found = Vec::new();
    for (path, node) in entries.map(Result::unwrap) {
        let mut content = Vec::new();
        if node.is_file() {
            repository.dump(&node, &mut content).unwrap();
            assert_eq!(content.len() as u64, node.meta.size, "{path:?}");
        }
        found.push((path, content));
    }
    found
}

fn age(path: &Path) {
    // Far enough back that the next backup may trust what it sees; ctime has to pass by itself.
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
}

#[test]
fn every_file_is_stored_taken_over_or_named() {
    let place = Place::new();
    for name in ["b/x", "b-/x", "b.txt", "a/z/q"] {
        fs::create_dir_all(place.path(name).parent().unwrap()).unwrap();
        fs::write(place.path(name), name).unwrap();
        age(&place.path(name));
    }
    fs::write(place.path("large"), vec![7; 3_000_000]).unwrap();
    fs::write(place.path("empty"), "").unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("large", place.path("link")).unwrap();
    let others = u64::from(cfg!(unix));
    let repository = place.init();
    let sources = place.sources();
    let first = archive(repository, &sources);
    sources.settle().unwrap();
    let counts = sources.counts();
    assert_eq!((counts.files, counts.whole, counts.others), (6, 6, others));
    assert_eq!(counts.account(processed(&first)), Ok(()));
    let open = || place.closed().open(&Credentials::password("x")).unwrap();
    let stored = contents(open(), &first);
    for (path, content) in &stored {
        let real = place.folder.path().join(path);
        if fs::symlink_metadata(&real).unwrap().is_file() {
            assert_eq!(*content, fs::read(&real).unwrap(), "{path:?}");
        }
    }
    assert_eq!(stored.len(), 6 + 6 + others as usize);
    // Once the files are old enough, an unchanged one is not opened again; whatever changes is.
    place.wait_until_settled();
    archive(open(), &place.sources());
    fs::write(place.path("b/x"), "B/X").unwrap();
    age(&place.path("b/x"));
    let sources = place.sources();
    let third = archive(open(), &sources);
    let counts = sources.counts();
    assert_eq!((counts.files, counts.whole, counts.unopened), (6, 1, 5));
    assert_eq!(counts.account(processed(&third)), Ok(()));
    let changed = contents(open(), &third);
    assert!(changed.contains(&("docs/b/x".into(), b"B/X".to_vec())));
    assert_eq!(changed.len(), stored.len());
}

#[cfg(unix)]
#[test]
fn a_file_that_changes_within_one_tick_of_the_clock_is_not_taken_over() {
    let place = Place::new();
    let path = place.path("x");
    let first = Meddled {
        sources: place.sources(),
        before: Box::new(move || fs::write(&path, "one").unwrap()),
        after: Box::new(|| ()),
    };
    archive(place.init(), &first);
    // It is as it was, but a change in the same tick would look the same.
    place.wait_until_settled();
    let sources = place.sources();
    let open = || place.closed().open(&Credentials::password("x")).unwrap();
    archive(open(), &sources);
    assert_eq!((sources.counts().whole, sources.counts().unopened), (1, 0));
    let sources = place.sources();
    archive(open(), &sources);
    assert_eq!((sources.counts().whole, sources.counts().unopened), (0, 1));
}

#[test]
fn a_file_that_shrinks_while_it_is_archived_is_missing_named_and_accounted_for() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        fs::write(place.path(name), vec![1; 1_000]).unwrap();
    }
    let cut = place.path("b");
    let meddled = Meddled {
        sources: place.sources(),
        before: Box::new(|| ()),
        after: Box::new(move || {
            let file = fs::File::options().write(true).open(&cut).unwrap();
            file.set_len(500).unwrap();
        }),
    };
    let stored = archive(place.init(), &meddled);
    let sources = &meddled.sources;
    let counts = sources.counts();
    assert_eq!(
        (counts.files, counts.left_out, counts.stored_files()),
        (3, 1, 2)
    );
    assert_eq!(counts.account(processed(&stored)), Ok(()));
    let (_, _, unread) = sources.reports().next().unwrap();
    assert_eq!(unread.first(9)[0].path, "docs/b");
    let open = place.closed().open(&Credentials::password("x")).unwrap();
    let names = contents(open, &stored).into_iter().map(|(path, _)| path);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["docs", "docs/a", "docs/c"].map(PathBuf::from)
    );
}

/// Something happens just before the files are met, and between that and their being opened.
struct Meddled {
    sources: FolderSources,
    before: Box<dyn Fn() + Send + Sync>,
    after: Box<dyn Fn() + Send + Sync>,
}

impl ReadSource for Meddled {
    type Open = FileToRead;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<FileToRead>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        self.sources.size()
    }

    fn entries(&self) -> Self::Iter {
        (self.before)();
        let entries: Vec<_> = self.sources.entries().collect();
        (self.after)();
        entries.into_iter()
    }
}
