//! Making a backup: the library's pages go into the repository, are counted and hashed on the way, and only when all
//! of them arrived is the record written that makes it a backup.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use rustic_core::repofile::{Metadata, Node, NodeType, SnapshotFile};
use rustic_core::{
    BackupOptions, IndexedIdsStatus, ParentOptions, ReadSource, ReadSourceEntry, Repository,
    RusticResult, SnapshotOptions,
};
use sha2::{Digest, Sha256};

use crate::destination::{BackupRecord, COMMITTED, Details, LibraryDetails, PENDING, Session};
use crate::library::PageReader;
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Error, Watch};

/// The name of the library's file in a backup.
pub(crate) const LIBRARY_FILE: &str = "library.db";

/// Who makes a backup, and of what moment.
pub(crate) struct Origin<'a> {
    pub id: &'a BackupId,
    pub device_name: &'a str,
    /// Just before the view was taken: what is stored later is not in the backup.
    pub taken: DateTime<Utc>,
}

/// Stores what `pages` yields as a backup. On any end but a completed one, everything that was written is removed again.
pub(crate) fn back_up(
    session: Session,
    pages: PageReader,
    origin: &Origin,
) -> Result<Outcome<BackupRecord>, Error> {
    let session = session.load(Repository::to_indexed_ids)?;
    let outcome = store_and_commit(&session, pages, origin);
    if !matches!(outcome, Ok(Outcome::Completed(_))) {
        session.discard_written();
    }
    outcome
}

fn store_and_commit(
    session: &Session<IndexedIdsStatus>,
    pages: PageReader,
    origin: &Origin,
) -> Result<Outcome<BackupRecord>, Error> {
    let started = Instant::now();
    let watch = session.watch();
    let mut details = Details {
        format: 1,
        backup: origin.id.to_string(),
        device_name: origin.device_name.to_owned(),
        platform: std::env::consts::OS.to_owned(),
        taken: origin.taken,
        seconds: 0.0,
        library: LibraryDetails {
            assets: pages.facts().assets,
            bytes: pages.len(),
            sha256: String::new(),
            schema: pages.schema(),
        },
        files: None,
        sources: Vec::new(),
        proven: None,
    };
    watch.expect(pages.len());
    watch.enter(Phase::Storing);
    let stored = store(session, pages, origin);
    if watch.is_canceled() {
        return Ok(Outcome::Canceled);
    }
    let (snapshot, sha256) = stored?;
    details.library.sha256 = sha256;
    if !watch.begin_commit() {
        return Ok(Outcome::Canceled);
    }
    details.seconds = started.elapsed().as_secs_f64();
    commit(session, snapshot, &details).map(Outcome::Completed)
}

/// Writes the commit record.
fn commit(
    session: &Session<IndexedIdsStatus>,
    pending: SnapshotFile,
    details: &Details,
) -> Result<BackupRecord, Error> {
    let leftover = pending.id;
    let mut snapshot = pending;
    snapshot.label = COMMITTED.to_owned();
    snapshot.description = Some(details.to_text()?);
    let record = BackupRecord::of(&snapshot)
        .ok_or_else(|| Error::Repository("its record does not read back".into()))?;
    session.save(snapshot)?;
    if let Err(error) = session.remove(&[leftover]) {
        tracing::warn!(%error, "a leftover of this backup stays until the next one");
    }
    Ok(record)
}

/// Runs the archiver. Returns the pending snapshot and the hash of what was read, once it is certain that all of it was:
/// the repository library takes a reader's error for a file to leave out.
fn store(
    session: &Session<IndexedIdsStatus>,
    pages: PageReader,
    origin: &Origin,
) -> Result<(SnapshotFile, String), Error> {
    let (size, time) = (pages.len(), origin.id.created());
    let verdict = Verdict::default();
    let source = LibrarySource {
        size,
        modified: time,
        reader: Mutex::new(Some(WatchedReader {
            pages,
            expected: size,
            read: 0,
            hash: Sha256::new(),
            watch: session.watch().clone(),
            verdict: verdict.clone(),
        })),
    };
    let time = rustic_core::jiff::Timestamp::from_millisecond(time.timestamp_millis())
        .map_err(|error| Error::Repository(error.to_string()))?
        .to_zoned(rustic_core::jiff::tz::TimeZone::UTC);
    let snapshot = SnapshotOptions::default()
        .label(PENDING.to_owned())
        .host(origin.device_name.to_owned())
        .time(time)
        .to_snapshot()
        .map_err(session.explain())?;
    let options = BackupOptions::default().parent_opts(ParentOptions::default().force(true));
    let archived =
        session
            .repository
            .archive(&options, &source, snapshot, &[PathBuf::from(LIBRARY_FILE)]);
    let snapshot = archived.map_err(session.explain())?;
    let processed = snapshot
        .summary
        .as_ref()
        .map_or(0, |summary| summary.total_bytes_processed);
    let read = verdict
        .take()
        .unwrap_or_else(|| Err(io::Error::other("the library was not read to its end")));
    let sha256 = read.map_err(Error::io("reading the library"))?;
    if processed == size {
        Ok((snapshot, sha256))
    } else {
        let detail = format!("{processed} of {size} bytes were stored");
        Err(Error::Repository(detail))
    }
}

/// How reading ended, told by the reader itself.
#[derive(Clone, Default)]
struct Verdict(Arc<Mutex<Option<io::Result<String>>>>);

impl Verdict {
    fn tell(&self, verdict: io::Result<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(verdict);
    }

    fn take(&self) -> Option<io::Result<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The pages, on their way into the repository.
struct WatchedReader {
    pages: PageReader,
    expected: u64,
    read: u64,
    hash: Sha256,
    watch: Watch,
    verdict: Verdict,
}

impl Read for WatchedReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = if self.watch.is_canceled() {
            Err(io::Error::other("cancelled"))
        } else {
            self.pages.read(target)
        };
        match count {
            Ok(0) if self.read == self.expected => {
                self.verdict.tell(Ok(hex(&self.hash.clone().finalize())))
            }
            Ok(0) if !target.is_empty() => {
                self.verdict.tell(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Ok(count) => {
                self.hash.update(&target[..count]);
                self.read += count as u64;
                self.watch.advance(count as u64);
            }
            Err(ref error) => self
                .verdict
                .tell(Err(io::Error::new(error.kind(), error.to_string()))),
        }
        count
    }
}

struct LibrarySource {
    size: u64,
    modified: DateTime<Utc>,
    /// Taken by the archiver, which asks once.
    reader: Mutex<Option<WatchedReader>>,
}

impl ReadSource for LibrarySource {
    type Open = WatchedReader;
    type Iter = std::option::IntoIter<RusticResult<ReadSourceEntry<WatchedReader>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(Some(self.size))
    }

    fn entries(&self) -> Self::Iter {
        let reader = self
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let metadata = Metadata {
            size: self.size,
            mtime: rustic_core::jiff::Timestamp::from_millisecond(self.modified.timestamp_millis())
                .ok(),
            mode: Some(0o600),
            ..Metadata::default()
        };
        let node = Node::new_node(LIBRARY_FILE.as_ref(), NodeType::File, metadata);
        let entry = reader.map(|reader| ReadSourceEntry {
            path: LIBRARY_FILE.into(),
            node,
            open: Some(reader),
        });
        entry.map(Ok).into_iter()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
