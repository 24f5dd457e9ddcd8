//! A copy of a database, for as long as it is read: in a folder of this program's own, and only where there is room.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::connect::{Trouble, patiently};
use super::pages::{BATCH, Pages};
use crate::Watch;
use crate::durable::{create_private_folder, remove_if_there};

/// What stays free beside a copy.
const RESERVE: u64 = 256 * 1024 * 1024;
/// A larger database is not copied.
const LARGEST: u64 = 8 * 1024 * 1024 * 1024;
/// How often a database that changed is copied again from its start in short transactions.
const ATTEMPTS: usize = 3;
/// How long the last attempt, in one transaction, holds up its writers at most: less than programs wait for a lock.
const HELD: Duration = Duration::from_secs(3);
/// How much of it is kept in memory then, so that what is not larger is locked only as long as it is read.
const HELD_BATCH: usize = 64 * 1024 * 1024;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Where copies are made.
#[derive(Clone, Debug)]
pub(crate) struct CopyFolder {
    path: PathBuf,
    largest: u64,
}

impl CopyFolder {
    /// The folder is this program's own, and made when it is needed.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            largest: LARGEST,
        }
    }

    #[cfg(test)]
    pub(super) fn with_limit(path: &Path, largest: u64) -> Self {
        Self {
            path: path.to_owned(),
            largest,
        }
    }

    pub(super) fn has_room_for(&self, bytes: u64) -> io::Result<bool> {
        match create_private_folder(&self.path) {
            Err(error) if is_full(&error) => return Ok(false),
            made => made?,
        }
        let free = fs4::available_space(&self.path)?;
        Ok(self.takes(bytes) && bytes.saturating_add(RESERVE) <= free)
    }

    /// Whether one of this size is ever copied.
    pub(super) fn takes(&self, bytes: u64) -> bool {
        bytes <= self.largest
    }

    /// Copies where there is room. `None`: there is none, which may show only on the way, as where the room is shared with others
    /// or is a quota; the pages then begin anew.
    pub(super) fn copy_if_room(
        &self,
        pages: &mut Pages,
        watch: &Watch,
        patience: Duration,
    ) -> Result<Option<Copy>, Trouble> {
        if !self.has_room_for(pages.len())? {
            return Ok(None);
        }
        let whole = pages.is_whole();
        match self.copy(pages, watch, patience) {
            Err(Trouble::Io(error)) if is_full(&error) => {
                tracing::debug!(%error, "a database is streamed");
                patiently(watch, patience, || pages.restart(whole))?;
                Ok(None)
            }
            copied => copied.map(Some),
        }
    }

    /// Copies all pages of one version. Between two batches the database is not locked; where it changes in between, the
    /// copy begins anew, at last in one transaction.
    fn copy(&self, pages: &mut Pages, watch: &Watch, patience: Duration) -> Result<Copy, Trouble> {
        let whole = pages.is_whole();
        for _ in 0..ATTEMPTS {
            if let Some(copy) = self.attempt(pages, watch, patience, None)? {
                return Ok(copy);
            }
            patiently(watch, patience, || pages.restart(whole))?;
        }
        patiently(watch, patience, || pages.restart(true))?;
        let copied = self.attempt(pages, watch, patience, Some(Instant::now() + HELD));
        pages.release()?;
        copied?.ok_or(Trouble::Changed)
    }

    /// `None`: it changed, or was not read by `until`.
    fn attempt(
        &self,
        pages: &mut Pages,
        watch: &Watch,
        patience: Duration,
        until: Option<Instant>,
    ) -> Result<Option<Copy>, Trouble> {
        let (mut copy, mut file) = Copy::create(&self.path)?;
        let most = if until.is_some() { HELD_BATCH } else { BATCH };
        let mut batch = Vec::new();
        while !pages.is_at_end() {
            batch.clear();
            // A look at the cancel flag and the time for each megabyte.
            while !pages.is_at_end() && batch.len() < most {
                let full = (batch.len() + BATCH).min(most);
                let same = patiently(watch, patience, || pages.fetch(&mut batch, full))?;
                if !same || until.is_some_and(|until| Instant::now() > until) {
                    return Ok(None);
                }
            }
            if until.is_some() && pages.is_at_end() {
                pages.release()?;
            }
            file.write_all(&batch)?;
            copy.length += batch.len() as u64;
        }
        Ok(Some(copy))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// A copy, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Copy {
    path: PathBuf,
    length: u64,
}

impl Copy {
    fn create(folder: &Path) -> io::Result<(Self, File)> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}.db", std::process::id()));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok((Self { path, length: 0 }, file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, "a copy of a database stays until the next start");
        }
    }
}
