use super::*;
use crate::CancelFlag;
use crate::sources::tally::Counts;
use std::fs;
use std::path::Path;

struct Case {
    folder: tempfile::TempDir,
    watch: Watch,
    unread: Unread,
    tally: Tally,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            watch: Watch::unwatched(),
            unread: Unread::default(),
            tally: Tally::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    /// What the walk hands over for the file as it is now.
    fn met(&self, content: &[u8]) -> FileToRead {
        fs::write(self.path(), content).unwrap();
        FileToRead::new(self.task(&self.path()))
    }

    fn task(&self, path: &Path) -> Task {
        Task {
            absolute: path.to_owned(),
            in_backup: "docs/file".into(),
            stat: Stat::of(&fs::symlink_metadata(path).unwrap()),
            recognised: true,
            watch: self.watch.clone(),
            unread: self.unread.clone(),
            tally: self.tally.clone(),
        }
    }

    fn why(&self) -> Option<String> {
        let mut items = self.unread.first(2);
        assert!(items.len() < 2);
        items.pop().map(|item| item.why)
    }

    fn counts(&self) -> Counts {
        self.tally.counts()
    }
}

fn all(reader: &mut FileReader) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map(|_| content)
}

#[test]
fn a_file_is_read_whole() {
    let case = Case::new();
    let content = vec![7; 300_000];
    let mut reader = case.met(&content).open().unwrap();
    assert_eq!(all(&mut reader).unwrap(), content);
    drop(reader);
    let empty = case.met(b"").open();
    assert_eq!(all(&mut empty.unwrap()).unwrap(), b"");
    let counts = case.counts();
    assert_eq!((counts.files, counts.whole, counts.bytes), (2, 2, 300_000));
    assert_eq!((case.why(), counts.account(2)), (None, Ok(())));
}

#[test]
fn a_file_that_grew_is_read_as_long_as_it_was_and_named() {
    let case = Case::new();
    let met = case.met(b"first");
    fs::File::options()
        .append(true)
        .open(case.path())
        .unwrap()
        .set_len(5_000)
        .unwrap();
    assert_eq!(all(&mut met.open().unwrap()).unwrap(), b"first");
    assert_eq!(case.why().as_deref(), Some(CHANGED));
    assert_eq!(
        (case.counts().changed, case.counts().account(1)),
        (1, Ok(()))
    );
}

#[test]
fn a_change_in_the_middle_is_named() {
    let case = Case::new();
    let mut reader = case.met(&[1; 100]).open().unwrap();
    reader.read_exact(&mut [0; 50]).unwrap();
    let file = fs::File::options().write(true).open(case.path()).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(all(&mut reader).unwrap().len(), 50);
    assert_eq!(case.why().as_deref(), Some(CHANGED));
}

#[test]
fn a_file_that_became_shorter_is_left_out_and_named() {
    for cut_while_open in [false, true] {
        let case = Case::new();
        let met = case.met(&[1; 100]);
        let cut = || {
            fs::File::options()
                .write(true)
                .open(case.path())
                .unwrap()
                .set_len(40)
                .unwrap()
        };
        if cut_while_open {
            let mut reader = met.open().unwrap();
            cut();
            assert!(all(&mut reader).is_err());
            assert!(all(&mut reader).is_err(), "an error stays an error");
        } else {
            cut();
            assert!(met.open().is_err());
        }
        assert_eq!(case.why().as_deref(), Some(SHORTER));
        let counts = case.counts();
        assert_eq!(
            (counts.left_out, counts.bytes, counts.account(0)),
            (1, 0, Ok(()))
        );
    }
}

#[test]
fn another_file_under_the_name_is_never_cut_to_the_old_size() {
    let case = Case::new();
    let replace = |content: &[u8]| {
        let other = case.folder.path().join("other");
        fs::write(&other, content).unwrap();
        fs::rename(&other, case.path()).unwrap();
    };
    let met = case.met(b"first");
    replace(b"other");
    assert_eq!(all(&mut met.open().unwrap()).unwrap(), b"other");
    assert_eq!(case.why().as_deref(), Some(CHANGED));
    let met = case.met(b"first");
    replace(b"longer than it was");
    assert_eq!(met.open().is_err(), cfg!(unix));
    #[cfg(unix)]
    assert_eq!(case.why().as_deref(), Some(REPLACED));
}

#[test]
fn a_file_that_vanished_is_named() {
    let case = Case::new();
    let met = case.met(b"content");
    fs::remove_file(case.path()).unwrap();
    assert!(met.open().is_err());
    assert_eq!(case.why().as_deref(), Some(super::super::unread::REMOVED));
}

#[cfg(unix)]
#[test]
fn what_took_the_place_of_a_file_is_neither_followed_nor_waited_for() {
    for kind in ["link", "fifo", "folder"] {
        let case = Case::new();
        let met = case.met(b"content");
        let away = case.folder.path().join("away");
        fs::rename(case.path(), &away).unwrap();
        match kind {
            "link" => std::os::unix::fs::symlink(&away, case.path()).unwrap(),
            "fifo" => nix::unistd::mkfifo(&case.path(), nix::sys::stat::Mode::S_IRWXU).unwrap(),
            _ => fs::create_dir(case.path()).unwrap(),
        }
        assert!(met.open().is_err(), "{kind}");
        assert_eq!(case.why().as_deref(), Some(REPLACED), "{kind}");
    }
}

/// The first page of a process's memory is never mapped: reading it is an I/O error, for root too.
#[cfg(target_os = "linux")]
#[test]
fn an_error_in_the_middle_is_named() {
    let case = Case::new();
    let met = case.met(&[1; 4096]);
    drop(met);
    let task = case.task(&case.path());
    let path = Path::new("/proc/self/mem");
    let memory = PlainFile::open(path, || fs::File::open(path)).unwrap();
    let mut reader = FileReader::new(memory, task);
    let error = all(&mut reader).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::EIO as i32));
    assert_eq!(case.why().as_deref(), Some("the disk could not read it"));
    assert_eq!((case.counts().left_out, case.counts().unopened), (1, 1));
}

#[test]
fn a_reader_that_is_dropped_early_is_named_and_counted_once() {
    let case = Case::new();
    let mut reader = case.met(&[1; 100]).open().unwrap();
    reader.read_exact(&mut [0; 50]).unwrap();
    drop(reader);
    assert_eq!(case.why().as_deref(), Some("it was not read to its end"));
    assert_eq!(case.counts().left_out, 1);
    assert!(
        case.counts().account(1).is_err(),
        "the archiver would have it, but it is not whole"
    );
}

#[test]
fn a_cancelled_job_stops_at_the_next_read_and_names_nothing() {
    let (flag, mut case) = (CancelFlag::default(), Case::new());
    case.watch = Watch::new(flag.clone(), |_| {});
    let mut reader = case.met(&[1; 100]).open().unwrap();
    reader.read_exact(&mut [0; 50]).unwrap();
    flag.cancel();
    assert!(reader.read(&mut [0; 50]).is_err());
    drop(reader);
    assert_eq!((case.why(), case.counts().left_out), (None, 1));
}

#[test]
fn an_unopened_file_is_progress_and_has_to_be_taken_over() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let (done, mut case) = (Arc::new(AtomicU64::new(0)), Case::new());
    let seen = done.clone();
    case.watch = Watch::new(CancelFlag::default(), move |step| {
        seen.store(step.done, Ordering::SeqCst);
    });
    drop(case.met(&[1; 100]));
    assert_eq!(done.load(Ordering::SeqCst), 100);
    all(&mut case.met(&[1; 50]).open().unwrap()).unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 150);
    assert_eq!(case.counts().account(2), Ok(()));
    assert!(case.counts().account(1).is_err(), "one was lost on the way");
}

#[test]
fn what_the_walk_could_not_look_into_is_not_copied_if_it_is_a_database() {
    let case = Case::new();
    let mut content = b"SQLite format 3\0".to_vec();
    content.resize(1024, 0);
    drop(case.met(&content));
    let task = Task {
        recognised: false,
        ..case.task(&case.path())
    };
    assert!(FileToRead::new(task).open().is_err());
    assert!(case.why().unwrap().contains("database"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_does_not_know_its_size_is_left_out_and_named() {
    let case = Case::new();
    let path = Path::new("/proc/self/status");
    let mut reader = FileToRead::new(case.task(path)).open().unwrap();
    assert!(all(&mut reader).is_err());
    drop(reader);
    assert_eq!(case.why().as_deref(), Some(SIZELESS));
}
