//! The content of one regular file on its way into the repository.
//!
//! It yields exactly as many bytes as the file had when it was met, so that the stored size and the content agree, and
//! checks at the end that the file is still the same. A file that has become shorter, or that is another file of another
//! size by now, is an error: the archiver leaves it out, and it is named.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::SystemTime;

use rustic_core::{ErrorKind, ReadSourceOpen, RusticError, RusticResult};

use super::Unread;
use super::class::{begins_as_database, may_be_database, open_regular};
use super::tally::{Fate, Tally};
use super::unread::{CHANGED, REPLACED, SHORTER, SIZELESS, why};
use crate::Watch;
use crate::database::{Identity, PlainFile, identity};

/// What of a file's metadata changes when the file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    size: u64,
    modified: Option<SystemTime>,
    identity: Option<Identity>,
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Stat {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            identity: identity(metadata),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A file as the walk met it, and who wants to know what became of it.
#[derive(Debug)]
pub(super) struct Task {
    pub absolute: PathBuf,
    pub in_backup: PathBuf,
    pub stat: Stat,
    /// Whether it is certain that it is no database.
    pub recognised: bool,
    pub watch: Watch,
    pub unread: Unread,
    pub tally: Tally,
}

impl Task {
    fn change(&self) {
        self.unread.tell(&self.in_backup, CHANGED);
        self.tally.end(Fate::Changed);
    }

    /// A cancelled job names nothing: its backup will not exist.
    fn leave_out(&self, why: &str) {
        if !self.watch.is_canceled() {
            self.unread.tell(&self.in_backup, why);
        }
        let size = self.stat.size;
        self.tally.end(Fate::LeftOut { size });
    }

    fn open(&self) -> io::Result<PlainFile> {
        let file = open_regular(&self.absolute)?;
        let now = Stat::of(&file.metadata()?);
        if now.size < self.stat.size {
            return Err(io::Error::other(SHORTER));
        }
        if now.size != self.stat.size && now.identity != self.stat.identity {
            return Err(io::Error::other(REPLACED));
        }
        if !self.recognised && may_be_database(self.stat.size) {
            self.refuse_database()?;
        }
        Ok(file)
    }

    /// What the walk could not look into may be read by now; a database must not be copied as a file.
    fn refuse_database(&self) -> io::Result<()> {
        if begins_as_database(&mut open_regular(&self.absolute)?)? {
            return Err(io::Error::other(
                "it could not be recognised as a database in time",
            ));
        }
        Ok(())
    }
}

/// A file that the archiver opens, unless an earlier backup has it.
#[derive(Debug)]
pub(crate) struct FileToRead(Option<Task>);

impl FileToRead {
    pub(super) fn new(task: Task) -> Self {
        task.tally.add_file(task.stat.size);
        Self(Some(task))
    }
}

impl ReadSourceOpen for FileToRead {
    type Reader = FileReader;

    fn open(mut self) -> RusticResult<FileReader> {
        let Some(task) = self.0.take() else {
            let twice = "a file was opened twice";
            return Err(RusticError::new(ErrorKind::Internal, twice));
        };
        match task.open() {
            Ok(file) => Ok(FileReader::new(file, task)),
            Err(error) => {
                task.leave_out(&why(&error));
                let what = "a file cannot be opened";
                Err(RusticError::with_source(
                    ErrorKind::InputOutput,
                    what,
                    error,
                ))
            }
        }
    }
}

impl Drop for FileToRead {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.tally.end(Fate::Unopened);
            task.watch.advance(task.stat.size);
        }
    }
}

/// The open file. Whatever happens to it, its fate is told exactly once.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: PlainFile,
    task: Task,
    remaining: u64,
    told: Option<Fate>,
}

impl FileReader {
    fn new(file: PlainFile, task: Task) -> Self {
        let mut reader = Self {
            file,
            remaining: task.stat.size,
            told: None,
            task,
        };
        if reader.remaining == 0 {
            match reader.holds_more_than_it_says() {
                Ok(false) => reader.finish(),
                Ok(true) => reader.fail(&io::Error::other(SIZELESS)),
                Err(error) => reader.fail(&error),
            }
        }
        reader
    }

    /// Some file systems of networks and programs do not know how long their files are, and say that they are empty.
    fn holds_more_than_it_says(&mut self) -> io::Result<bool> {
        Ok(self.file.read(&mut [0])? > 0 && self.file.metadata()?.len() == 0)
    }

    fn finish(&mut self) {
        let now = self.file.metadata().map(|metadata| Stat::of(&metadata));
        if now.is_ok_and(|now| now == self.task.stat) {
            self.task.tally.end(Fate::Whole);
            self.told = Some(Fate::Whole);
        } else {
            self.task.change();
            self.told = Some(Fate::Changed);
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.task.leave_out(&why(error));
        self.told = Some(Fate::LeftOut {
            size: self.task.stat.size,
        });
    }

    fn read_some(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.task.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let most = most.min(target.len());
        loop {
            match self.file.read(&mut target[..most]) {
                Ok(0) => return Err(io::Error::other(SHORTER)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Read for FileReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match self.told {
            Some(Fate::LeftOut { .. }) => return Err(io::Error::other("an earlier read failed")),
            Some(_) => return Ok(0),
            None if target.is_empty() => return Ok(0),
            None => {}
        }
        let read = self.read_some(target);
        match &read {
            Ok(count) => {
                self.remaining -= *count as u64;
                self.task.watch.advance(*count as u64);
                if self.remaining == 0 {
                    self.finish();
                }
            }
            Err(error) => self.fail(error),
        }
        read
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        if self.told.is_none() {
            self.fail(&io::Error::other("it was not read to its end"));
        }
    }
}

#[cfg(test)]
mod tests;
