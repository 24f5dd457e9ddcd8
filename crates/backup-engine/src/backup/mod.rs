//! Making a backup: files first, then databases, and last the record that makes a backup of it. On any other end everything
//! that was written is removed again.

mod archive;
mod databases;
mod ends;
mod files;
mod library;
mod report;
mod seen;
mod to_read;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::SnapshotFile;
use rustic_core::{IndexedIdsStatus, Repository};

use crate::database::CopyFolder;
use crate::destination::{BackupRecord, COMMITTED, Destination, Details, Hold, Part, Session};
use crate::engine::guarded;
use crate::failpoint::failpoint;
use crate::library::Library;
use crate::sources::{FolderSources, Measure, Missing, Root};
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Error, Watch};

use databases::Databases;
pub(crate) use seen::SeenStore;

/// The name of the library's file in a backup.
pub(crate) const LIBRARY_FILE: &str = "library.db";

/// An open part of the destination, with the ids of what is stored there.
type Store = Session<IndexedIdsStatus>;

/// The destination as long as it is held, its databases, and its files where there are sources.
type Opened = (Hold, Store, Option<Store>);

/// Who makes a backup, and its id.
pub(crate) struct Origin<'a> {
    pub id: &'a BackupId,
    pub device_name: &'a str,
}

impl Origin<'_> {
    /// When the backup was begun, for the repository.
    fn time(&self) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.id.created().timestamp_millis())
            .map_err(|error| Error::Repository(error.to_string()))
    }
}

/// What is backed up, and where to.
pub(crate) struct Backup<'a> {
    pub destination: &'a Destination,
    pub library: &'a Library,
    pub sources: Vec<Root>,
    /// Sources whose folders are not there: named in the backup, which is made of the others.
    pub missing: Vec<Missing>,
    pub seen: &'a SeenStore,
    pub copies: CopyFolder,
    pub origin: Origin<'a>,
    pub watch: &'a Watch,
}

impl Backup<'_> {
    pub(crate) fn run(mut self) -> Result<Outcome<BackupRecord>, Error> {
        let started = Instant::now();
        self.watch.enter(Phase::Preparing);
        let sources = FolderSources::new(std::mem::take(&mut self.sources), self.watch);
        let (opened, measured) = self.open_and_measure(&sources);
        let (_hold, databases, files) = opened?;
        let bytes = measured?.bytes;
        let outcome = self.store(&databases, files.as_ref(), (&sources, bytes), started);
        if !matches!(outcome, Ok(Outcome::Completed(_))) {
            // Where a record stays, so must what it lists.
            if databases.discard_written()
                && let Some(files) = &files
            {
                files.discard_written();
            }
        }
        outcome
    }

    /// Deriving a key keeps one processor busy for a third of a second; meanwhile it is found out how much there is to store.
    fn open_and_measure(
        &self,
        sources: &FolderSources,
    ) -> (Result<Opened, Error>, Result<Measure, Error>) {
        let is_wanted = AtomicBool::new(true);
        let measure = || sources.measure(|| !is_wanted.load(Ordering::Relaxed));
        thread::scope(|scope| {
            let measuring = scope.spawn(measure);
            // Also where the repository library panics.
            let opened = guarded(|| self.open_all(sources));
            is_wanted.store(opened.is_ok(), Ordering::Relaxed);
            let panicked = |_| Error::Panicked("a thread that measures the sources".into());
            (opened, measuring.join().map_err(panicked))
        })
    }

    fn open_all(&self, sources: &FolderSources) -> Result<Opened, Error> {
        let hold = self.destination.hold(self.watch)?;
        let databases = self.open(&hold, Part::Databases)?;
        let files = match sources.is_empty() {
            true => None,
            false => Some(self.open(&hold, Part::Files)?),
        };
        Ok((hold, databases, files))
    }

    fn open(&self, hold: &Hold, part: Part) -> Result<Store, Error> {
        let session = self.destination.write(hold, part, self.watch)?;
        self.destination.tidy(&session)?;
        session.load(Repository::to_indexed_ids)
    }

    fn store(
        &self,
        databases: &Store,
        files: Option<&Store>,
        (sources, measured): (&FolderSources, u64),
        started: Instant,
    ) -> Result<Outcome<BackupRecord>, Error> {
        let mut seen = self.seen.load(self.destination);
        let (known, loss) = (seen.library.take(), seen.loss.clone());
        let mut library = library::look(
            self.library,
            known.as_ref(),
            seen.nothing_lost,
            &self.origin,
            self.watch,
        )?;
        let bytes = library.stored.details.bytes;
        self.watch.expect(bytes.saturating_add(measured));
        self.watch.enter(Phase::Storing);
        let files = match files {
            Some(store) => {
                let newest = self
                    .destination
                    .catalog()
                    .newest_files(self.origin.device_name);
                let parent = newest.filter(|(backup, _)| seen.may_build_on(backup));
                let parent = parent.map(|(_, files)| files);
                Some(files::store(store, sources, &self.origin, parent)?)
            }
            None => None,
        };
        let asked = (&self.origin, self.watch);
        let to_store = Databases::new(&mut library, sources, seen, &self.copies, asked)?;
        let stored = to_store.store(databases, &self.origin)?;
        if let Some(proof) = library.proof.take()
            && proof.wait()? == Outcome::Canceled
        {
            return Ok(Outcome::Canceled);
        }
        let device_name = self.origin.device_name;
        report::note_emptied(sources, &self.destination.catalog(), device_name);
        let sources = report::records(sources, &stored.sums, &self.missing);
        let details = Details {
            format: if sources.is_empty() {
                1
            } else {
                Details::FORMAT
            },
            backup: self.origin.id.to_string(),
            device_name: self.origin.device_name.to_owned(),
            platform: std::env::consts::OS.to_owned(),
            taken: library.taken,
            seconds: started.elapsed().as_secs_f64(),
            library: library.stored.details.clone(),
            files: files.map(|snapshot| snapshot.id.to_hex().as_str().to_owned()),
            sources,
            proven: None,
        };
        if !self.watch.begin_commit() {
            return Ok(Outcome::Canceled);
        }
        let record = commit(databases, stored.snapshot, &details)?;
        self.seen
            .keep(self.origin.id, loss, library.stored, stored.databases);
        Ok(Outcome::Completed(record))
    }
}

/// Writes the commit record.
fn commit(store: &Store, pending: SnapshotFile, details: &Details) -> Result<BackupRecord, Error> {
    let leftover = pending.id;
    let mut snapshot = pending;
    snapshot.label = COMMITTED.to_owned();
    snapshot.description = Some(details.to_text()?);
    let record = BackupRecord::of(&snapshot)
        .ok_or_else(|| Error::Repository("its record does not read back".into()))?;
    let doing = "committing the backup";
    failpoint("backup-commit").map_err(Error::io(doing))?;
    store.save_record(snapshot)?;
    let committed = failpoint("backup-committed").map_err(Error::io(doing));
    if let Err(error) = committed.and_then(|()| store.remove(&[leftover])) {
        tracing::warn!(%error, "a leftover of this backup stays until the next one");
    }
    Ok(record)
}
