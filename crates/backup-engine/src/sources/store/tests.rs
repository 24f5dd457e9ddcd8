use super::*;

struct Place {
    folder: tempfile::TempDir,
    store: SourceStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("home/data");
        fs::create_dir_all(&data).unwrap();
        let store = SourceStore::new(&data);
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn make(&self, name: &str) -> PathBuf {
        fs::create_dir_all(self.path(name)).unwrap();
        self.path(name)
    }

    fn add(&self, path: &Path) -> Result<Source, Error> {
        let (data, destination) = (self.path("home/data"), self.path("home/backups"));
        let new = NewSource {
            kind: SourceKind::Folder,
            path: path.to_owned(),
            excludes: vec!["*.o".into(), "!keep.o".into()],
        };
        self.store.add(new, &[&data, &destination])
    }

    fn why_not(&self, path: &Path) -> String {
        let before = self.store.all().unwrap();
        let error = self.add(path).unwrap_err();
        assert!(matches!(error, Error::BadSource(_)), "{error:?}");
        assert_eq!(self.store.all().unwrap(), before, "nothing is changed");
        error.message()
    }
}

#[test]
fn sources_are_kept_as_they_were_added() {
    let place = Place::new();
    assert_eq!(place.store.all().unwrap(), []);
    let first = place.add(&place.make("a/Photos")).unwrap();
    let second = place.add(&place.make("b/photos")).unwrap();
    assert_eq!(
        (first.id.as_str(), second.id.as_str()),
        ("photos", "photos-2")
    );
    assert_eq!(second.path, place.path("b/photos"));
    let again = SourceStore::new(&place.path("home/data"));
    assert_eq!(again.all().unwrap(), [first.clone(), second.clone()]);
    again.remove(&first.id).unwrap();
    assert_eq!(place.store.all().unwrap(), [second]);
    let error = again.remove(&first.id).unwrap_err();
    assert!(matches!(error, Error::UnknownSource(_)), "{error:?}");
}

#[test]
fn what_is_left_out_of_a_source_can_be_changed_also_while_it_is_away() {
    let place = Place::new();
    let source = place.add(&place.make("notes")).unwrap();
    fs::remove_dir(place.path("notes")).unwrap();
    let changed = place
        .store
        .change(&source.id, vec!["/cache/".into()])
        .unwrap();
    assert_eq!(
        changed,
        Source {
            excludes: vec!["/cache/".into()],
            ..source.clone()
        }
    );
    let bad = place.store.change(&source.id, vec!["[a".into()]);
    assert!(matches!(bad, Err(Error::BadPattern { .. })), "{bad:?}");
    assert_eq!(place.store.all().unwrap(), [changed]);
    place.store.remove(&source.id).unwrap();
    let gone = place.store.change(&source.id, Vec::new());
    assert!(matches!(gone, Err(Error::UnknownSource(_))), "{gone:?}");
}

#[test]
fn what_cannot_be_a_source_is_refused() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    assert!(
        place
            .why_not(Path::new("relative"))
            .contains("not absolute")
    );
    assert!(place.why_not(&place.path("absent")).contains("not there"));
    assert!(place.why_not(&place.path("file")).contains("no folder"));
    let taken = place.make("taken");
    place.add(&taken).unwrap();
    assert!(place.why_not(&taken.join("../taken")).contains("already"));
}

#[test]
fn the_data_folder_and_the_destination_are_no_sources_and_a_folder_around_them_is_one() {
    let place = Place::new();
    let inside = place.make("home/data/library");
    for path in [&place.path("home/data"), &inside] {
        assert!(
            place.why_not(path).contains("holds the backups"),
            "{path:?}"
        );
    }
    // The destination need not be there: its disk may be absent.
    let source = place.add(&place.path("home")).unwrap();
    assert_eq!(source.id.as_str(), "home");
    place.make("home/backups/files");
    assert!(
        place
            .why_not(&place.path("home/backups/files"))
            .contains("holds the backups")
    );
    // One lies in the other, which both may.
    place.add(&place.make("home/documents")).unwrap();
    place.add(&place.make("home/data-of-others")).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_to_the_data_folder_is_the_data_folder() {
    let place = Place::new();
    let link = place.path("link");
    std::os::unix::fs::symlink(place.path("home/data"), &link).unwrap();
    assert!(place.why_not(&link).contains("holds the backups"));
    let destination = place.path("way/backups");
    std::os::unix::fs::symlink(place.make("disk"), place.path("way")).unwrap();
    let new = NewSource {
        kind: SourceKind::Folder,
        path: place.make("disk/backups/files"),
        excludes: Vec::new(),
    };
    let error = place.store.add(new, &[&destination]).unwrap_err();
    assert!(matches!(error, Error::BadSource(_)), "{error:?}");
}

#[test]
fn a_bad_pattern_is_refused_by_its_line() {
    let place = Place::new();
    let new = NewSource {
        kind: SourceKind::Folder,
        path: place.make("docs"),
        excludes: vec!["*.o".into(), "a[b".into()],
    };
    let error = place.store.add(new, &[]).unwrap_err();
    assert!(
        matches!(error, Error::BadPattern { line: 2, .. }),
        "{error:?}"
    );
    assert_eq!(place.store.all().unwrap(), []);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_survives() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let path = place
        .path("x")
        .with_file_name(std::ffi::OsStr::from_bytes(b"caf\xe9 \\x"));
    fs::create_dir(&path).unwrap();
    let source = place.add(&path).unwrap();
    assert_eq!(source.path, path);
    assert_eq!(place.store.all().unwrap(), [source]);
}

#[test]
fn a_list_that_does_not_read_is_an_error_and_stays() {
    let place = Place::new();
    let docs = place.make("docs");
    place.add(&docs).unwrap();
    let file = place.path("home/data/sources.json");
    let good = fs::read_to_string(&file).unwrap();
    let twice = good.replace(
        "\n  ]",
        ",\n{\"id\":\"docs\",\"kind\":\"folder\",\"path\":\"/x\"}\n  ]",
    );
    let bad = [
        "".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        good[..good.len() - 2].to_owned(),
        good.replace("\"format\": 1", "\"format\": 2"),
        good.replace("\"docs\"", "\"../docs\""),
        good.replace("\"docs\"", "\"library\""),
        good.replace("\"folder\"", "\"other\""),
        good.replace(docs.to_str().unwrap(), "docs"),
        twice,
    ];
    for text in bad {
        assert_ne!(text, good);
        fs::write(&file, &text).unwrap();
        let error = place.store.all().unwrap_err();
        assert!(
            matches!(error, Error::BadSourceList(_)),
            "{text}: {error:?}"
        );
        assert!(place.add(&place.make("more")).is_err());
        assert!(
            place
                .store
                .remove(&SourceId::parse("docs").unwrap())
                .is_err()
        );
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            text,
            "it is not written over"
        );
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(place.store.all().is_err());
}
