//! Sources that lie in one another, or are one folder by now, restored together.

use std::fs;
use std::path::Path;

use super::bench::*;
use crate::Error;
use crate::destination::SourceRecord;
use crate::restore::What;

/// A backup of `docs` and of `other`, a folder beside it.
fn two_sources(bench: &Bench) -> Stored {
    write(&bench.docs(), "a.txt", "of docs");
    write(bench.folder.path(), "other/b.txt", "of other");
    let mut entries = Vec::new();
    for id in ["docs", "other"] {
        let folder = bench.folder.path().join(id);
        gather(&folder, Path::new(id), &mut entries);
    }
    let mut stored = bench.store_entries(entries);
    stored.details.sources.push(SourceRecord {
        id: "other".into(),
        ..SourceRecord::default()
    });
    stored
}

#[test]
fn two_sources_that_are_one_folder_by_now_are_not_restored_together() {
    let bench = Bench::new();
    let stored = two_sources(&bench);
    let other = bench.folder.path().join("other");
    fs::rename(other.join("b.txt"), bench.docs().join("b.txt")).unwrap();
    fs::remove_dir(&other).unwrap();
    let before = state(&bench.docs());
    let places = ["docs", "other"].map(|id| place(id, &bench.docs(), &[]));
    let restored = bench.restore_to(&stored, &places, What::Everything);
    assert!(matches!(restored, Err(Error::BadTarget(_))), "{restored:?}");
    assert_eq!(state(&bench.docs()), before);
    // One of them can be, by itself.
    let one = bench.restore_to(&stored, &places, What::Source("other".into()));
    one.unwrap();
    assert!(bench.docs().join("b.txt").exists());
    // Also where that folder is gone, and one path leads to it through a link.
    fs::remove_dir_all(bench.docs()).unwrap();
    let link = bench.folder.path().join("link");
    std::os::unix::fs::symlink(bench.folder.path(), &link).unwrap();
    let places = [
        place("docs", &bench.docs(), &[]),
        place("other", &link.join("docs"), &[]),
    ];
    let restored = bench.restore_to(&stored, &places, What::Everything);
    assert!(matches!(restored, Err(Error::BadTarget(_))), "{restored:?}");
    assert!(!bench.docs().exists());
}

#[test]
fn a_source_that_was_set_up_in_another_one_since_stays_where_it_is_restored() {
    let bench = Bench::new();
    let stored = two_sources(&bench);
    let inner = bench.docs().join("sub/inner");
    let places = [
        place("docs", &bench.docs(), &[]),
        place("other", &inner, &[]),
    ];
    write(&bench.docs(), "later.txt", "not in the backup");
    bench
        .restore_to(&stored, &places, What::Everything)
        .unwrap();
    assert_eq!(fs::read(inner.join("b.txt")).unwrap(), b"of other");
    assert!(bench.docs().join("a.txt").exists());
    assert!(!bench.docs().join("later.txt").exists());
    bench.undo();
    assert!(!inner.exists() && bench.docs().join("later.txt").exists());
}
