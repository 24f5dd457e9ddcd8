use super::*;
use crate::sources::unread::UnreadItem;
use crate::sources::{SourceId, SourceKind};
use rustic_core::ReadSourceOpen;
use std::fs;
use std::io::Read;
use std::path::Path;

fn root(folder: &Path, id: &str) -> Root {
    fs::create_dir_all(folder).unwrap();
    let source = Source {
        id: SourceId::parse(id).unwrap(),
        kind: SourceKind::Folder,
        path: folder.to_owned(),
        excludes: Vec::new(),
    };
    Root::open(&source, &[]).unwrap()
}

fn database(path: &Path) {
    let open = rusqlite::Connection::open(path).unwrap();
    open.execute_batch("CREATE TABLE t(x)").unwrap();
}

#[test]
fn all_sources_come_under_their_ids_and_databases_are_set_aside() {
    let place = tempfile::tempdir().unwrap();
    let roots = vec![
        root(&place.path().join("2"), "b"),
        root(&place.path().join("1"), "a"),
    ];
    fs::write(place.path().join("1/x"), "12345").unwrap();
    database(&place.path().join("1/n.db"));
    fs::write(place.path().join("1/n.db-journal"), "").unwrap();
    let sources = FolderSources::new(roots, &Watch::unwatched());
    let size = fs::metadata(place.path().join("1/n.db")).unwrap().len();
    assert_eq!(
        sources.measure(|| false),
        Measure {
            entries: 3,
            bytes: size + 5
        }
    );
    assert!(sources.settle().is_err(), "nothing was read yet");
    let mut paths = Vec::new();
    for entry in sources.entries() {
        let entry = entry.unwrap();
        paths.push(entry.path.clone());
        if let Some(open) = entry.open {
            let mut content = Vec::new();
            open.open().unwrap().read_to_end(&mut content).unwrap();
            assert_eq!(content, b"12345");
        }
    }
    assert_eq!(paths, ["a", "a/x", "b"].map(PathBuf::from));
    sources.settle().unwrap();
    let databases = sources.databases();
    assert_eq!(databases[0].0.in_backup, Path::new("a/n.db"));
    assert_eq!(
        databases[0].0.absolute,
        fs::canonicalize(place.path().join("1/n.db")).unwrap()
    );
    assert_eq!((databases.len(), databases[0].0.node.meta.size), (1, size));
    let reports: Vec<_> = sources.reports().collect();
    let (source, counts, unread) = reports[0];
    assert_eq!(
        (
            source.id.as_str(),
            counts.folders,
            counts.files,
            counts.databases
        ),
        ("a", 1, 1, 1)
    );
    assert_eq!(
        (counts.bytes, unread.count(), sources.counts().folders),
        (5, 0, 2)
    );
    assert_eq!(sources.counts().account(1), Ok(()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_whose_attributes_cannot_be_stored_is_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = tempfile::tempdir().unwrap();
    let sources = FolderSources::new(vec![root(place.path(), "docs")], &Watch::unwatched());
    let log = place.path().join("some.db-wal");
    fs::write(&log, "a log").unwrap();
    xattr::set(&log, OsStr::from_bytes(b"user.\xff"), b"1").unwrap();
    sources.file(Path::new("docs/some.db-wal"), &log).unwrap();
    let named = sources.reports().next().unwrap().2.first(9);
    let why = "extended attributes of it are missing: the name of one is not UTF-8";
    assert_eq!(
        (named[0].path.as_str(), named[0].why.as_str()),
        ("docs/some.db-wal", why)
    );
}

#[test]
fn a_source_whose_folder_goes_while_the_backup_runs_is_an_error() {
    for at in ["start", "middle"] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("docs");
        let sources = FolderSources::new(vec![root(&folder, "docs")], &Watch::unwatched());
        fs::write(folder.join("x"), "").unwrap();
        let mut entries = sources.entries();
        if at == "middle" {
            assert!(entries.next().is_some());
        }
        // As when a disk is unmounted: an empty folder is left.
        fs::rename(&folder, place.path().join("away")).unwrap();
        if at == "middle" {
            fs::create_dir(&folder).unwrap();
        }
        let rest = entries.count();
        assert_eq!(rest, 0, "{at}");
        let error = sources.settle().unwrap_err();
        assert!(
            matches!(error, Error::SourceUnreadable { .. }),
            "{at}: {error:?}"
        );
    }
}

/// In memory, where files may be of any size that has a name.
#[cfg(target_os = "linux")]
#[test]
fn sparse_files_whose_sizes_cannot_be_added_are_measured() {
    let place = tempfile::tempdir_in("/dev/shm").unwrap();
    let sources = FolderSources::new(vec![root(place.path(), "docs")], &Watch::unwatched());
    for name in ["a", "b", "c"] {
        let file = fs::File::create(place.path().join(name)).unwrap();
        file.set_len(i64::MAX.unsigned_abs()).unwrap();
    }
    assert_eq!(sources.measure(|| false).bytes, u64::MAX);
}

#[test]
fn a_cancelled_job_gets_no_more_entries() {
    let place = tempfile::tempdir().unwrap();
    let flag = crate::CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    let sources = FolderSources::new(vec![root(place.path(), "docs")], &watch);
    fs::write(place.path().join("x"), "").unwrap();
    let mut entries = sources.entries();
    assert!(entries.next().is_some());
    assert_eq!(sources.measure(|| false).entries, 1);
    assert_eq!(sources.measure(|| true).entries, 0);
    flag.cancel();
    assert!(entries.next().is_none());
    assert_eq!(sources.measure(|| false).entries, 0);
}

/// Runs this test alone in a process without root's powers: root may read whatever it likes.
#[cfg(target_os = "linux")]
#[test]
fn what_may_not_be_read_is_named_and_the_walk_goes_on() {
    const INSIDE: &str = "HOLDFAST_TEST_WITHOUT_ROOT";
    if nix::unistd::geteuid().is_root() && std::env::var_os(INSIDE).is_none() {
        return run_without_root(INSIDE);
    }
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let sources = FolderSources::new(vec![root(place.path(), "docs")], &Watch::unwatched());
    fs::create_dir(path("closed")).unwrap();
    fs::write(path("closed/x"), "").unwrap();
    for (name, content) in [
        ("file", &b"x"[..]),
        ("page", &[0; 512]),
        ("page-wal", b"x"),
        ("seen", b"x"),
    ] {
        fs::write(path(name), content).unwrap();
    }
    database(&path("some.db"));
    fs::write(path("some.db-journal"), "").unwrap();
    for name in ["closed", "file", "page"] {
        set_mode(&path(name), 0);
    }
    let mut stored = Vec::new();
    for entry in sources.entries().map(Result::unwrap) {
        if entry.open.is_none_or(|open| {
            open.open()
                .is_ok_and(|mut reader| io::copy(&mut reader, &mut io::sink()).is_ok())
        }) {
            stored.push(entry.path);
        }
    }
    assert_eq!(
        stored,
        ["docs", "docs/closed", "docs/seen"].map(PathBuf::from)
    );
    let named = |name: &str| UnreadItem {
        path: format!("docs/{name}"),
        why: "permission denied".into(),
        is_missing: true,
    };
    let report = sources.reports().next().unwrap();
    let mut expected = ["closed", "file", "page", "page-wal"].map(named);
    expected[3].why = "what it lies beside could not be read".into();
    assert_eq!(report.2.first(9), expected);
    sources.settle().unwrap();
    assert_eq!(sources.counts().account(1), Ok(()));
    set_mode(place.path(), 0);
    let closed = Root::open(report.0, &[]);
    assert!(
        matches!(closed, Err(Error::SourceUnreadable { .. })),
        "{closed:?}"
    );
    set_mode(place.path(), 0o700);
    set_mode(&path("closed"), 0o700);
}

#[cfg(target_os = "linux")]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(target_os = "linux")]
fn run_without_root(inside: &str) {
    use std::os::unix::process::CommandExt;
    // The program may lie where nobody else may go.
    let place = tempfile::tempdir_in("/tmp").unwrap();
    let program = place.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(place.path(), 0o755);
    set_mode(&program, 0o755);
    let output = std::process::Command::new(&program)
        .args(["--exact", "--nocapture"])
        .arg("sources::folders::tests::what_may_not_be_read_is_named_and_the_walk_goes_on")
        .env(inside, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
