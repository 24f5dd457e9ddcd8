//! Telling that a database is unchanged without reading it: the state of its files, taken before it is read, and compared
//! before it would be read again.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{HEADER, beside, head};
use crate::hex::hex;

/// A change within this time after another one may leave the same times behind.
const TICK: Duration = Duration::from_millis(100);
/// The same, where the file system has only whole seconds, or two of them.
pub(super) const COARSE_TICK: Duration = Duration::from_secs(3);
/// The header of a log: its salts are new each time it begins anew.
const LOG_HEADER: usize = 32;
/// The header of the index of a log: how many pages it holds, and their checksum.
const INDEX_HEADER: usize = 48;

/// What the file system says of a file. On Unix the time of the last change of anything about it counts, which no program
/// can set back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// The device and the number of the file there; elsewhere than on Unix when it was made.
    identity: (u64, u64),
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::read(&fs::metadata(path)?)
    }

    /// `None`: there is no such file, or it is empty, which is the same to SQLite.
    fn of_companion(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() > 0 => Self::read(&metadata).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn read(metadata: &Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let time = |seconds, nanoseconds: i64| (seconds, u32::try_from(nanoseconds).unwrap_or(0));
        Ok(Self {
            identity: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn read(metadata: &Metadata) -> io::Result<Self> {
        let modified = since_1970(metadata.modified()?);
        let made = metadata.created().map_or((0, 0), since_1970);
        Ok(Self {
            identity: (made.0.unsigned_abs(), u64::from(made.1)),
            size: metadata.len(),
            modified,
            changed: modified,
        })
    }

    /// Without the changes of its owner or its mode.
    fn by_content(self) -> Self {
        Self {
            changed: self.modified,
            ..self
        }
    }

    /// Whether a change after `now` is sure to leave another time behind. One to come, of a clock that was wrong, is another.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let whole_seconds = self.modified.1 == 0 && self.changed.1 == 0;
        let tick = if whole_seconds { COARSE_TICK } else { TICK };
        age(self.changed, now).abs() > tick.as_nanos().cast_signed()
    }
}

/// In nanoseconds; negative for a time to come.
fn age((seconds, nanoseconds): (i64, u32), now: SystemTime) -> i128 {
    let now = since_1970(now);
    let whole = |seconds: i64, rest: u32| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    whole(now.0, now.1) - whole(seconds, nanoseconds)
}

/// Seconds since 1970, rounded down, and nanoseconds.
fn since_1970(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (since.as_secs().cast_signed(), since.subsec_nanos()),
        // Before 1970 only equality counts.
        Err(before) => (
            -before.duration().as_secs().cast_signed() - 1,
            before.duration().subsec_nanos(),
        ),
    }
}

/// The state of a database. Two equal ones mean that it was not changed in between.
///
/// To be kept as text of serde, beside what was read after it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeToken {
    file: Stamp,
    /// With SQLite's own count of changes.
    header: String,
    /// `-wal`, and its header.
    log: Option<(Stamp, String)>,
    /// The header of `-shm`, where there is a log.
    index: Option<String>,
    journal: Option<Stamp>,
}

impl ChangeToken {
    /// Takes the state of the database at `path`: before it is read.
    ///
    /// `None`: it changed so short ago that another change need not show.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = Stamp::of(path)?;
        let header = hex(&head(path, HEADER)?);
        let log_path = beside(path, "-wal");
        let log = match Stamp::of_companion(&log_path)? {
            Some(stamp) => head_if_there(&log_path, LOG_HEADER)?.map(|header| (stamp, header)),
            None => None,
        };
        let index = match log {
            Some(_) => head_if_there(&beside(path, "-shm"), INDEX_HEADER)?,
            None => None,
        };
        // SQLite gives a log to its owner when the superuser opens it, though it changes nothing; with an index, the index
        // tells of every change.
        let log = log.map(|(stamp, header)| match index {
            Some(_) => (stamp.by_content(), header),
            None => (stamp, header),
        });
        let journal = Stamp::of_companion(&beside(path, "-journal"))?;
        let now = SystemTime::now();
        let stamps = [
            Some(&file),
            log.as_ref().map(|(stamp, _)| stamp),
            journal.as_ref(),
        ];
        let settled = stamps
            .into_iter()
            .flatten()
            .all(|stamp| stamp.is_settled(now));
        Ok(settled.then_some(Self {
            file,
            header,
            log,
            index,
            journal,
        }))
    }
}

fn head_if_there(path: &Path, most: usize) -> io::Result<Option<String>> {
    match head(path, most) {
        Ok(head) => Ok(Some(hex(&head))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
