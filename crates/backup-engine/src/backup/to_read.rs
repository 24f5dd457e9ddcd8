//! A database on its way into the repository: counted, and cancelled with its job.

use std::io::{self, Read};
use std::path::PathBuf;

use rustic_core::{ErrorKind, ReadSourceOpen, RusticError, RusticResult};

use super::ends::Ends;
use crate::Watch;
use crate::database::PageReader;
use crate::sources::{FileToRead, Unread};

/// What the archiver opens, unless an earlier backup has it.
pub(super) enum ToRead {
    Pages(Box<PagesToRead>),
    /// A database that is stored as the files that it consists of.
    File(FileToRead),
}

/// Makes a reader of a database that was not to be read, where what an earlier backup has of it has been lost.
type Begin = Box<dyn FnOnce() -> io::Result<PageReader> + Send>;

pub(super) struct PagesToRead {
    pub path: PathBuf,
    pub bytes: u64,
    pub pages: Pages,
    pub watch: Watch,
    pub ends: Ends,
    /// Where it is named if it cannot be read. `None`: it is the library.
    pub unread: Option<Unread>,
}

pub(super) enum Pages {
    Open(Box<PageReader>),
    Unchanged(Begin),
    Taken,
}

impl PagesToRead {
    fn fail(&self, error: io::Error) {
        if !self.watch.is_canceled() {
            self.ends.failed(&self.path, error, self.unread.as_ref());
        }
    }
}

impl ReadSourceOpen for ToRead {
    type Reader = Box<dyn Read + Send>;

    fn open(self) -> RusticResult<Self::Reader> {
        match self {
            Self::File(file) => Ok(Box::new(file.open()?)),
            Self::Pages(mut pages) => {
                let reader = match std::mem::replace(&mut pages.pages, Pages::Taken) {
                    Pages::Open(reader) => Ok(*reader),
                    Pages::Unchanged(begin) => begin(),
                    Pages::Taken => Err(io::Error::other("it was opened twice")),
                };
                match reader.and_then(|reader| same_size(reader, pages.bytes)) {
                    Ok(reader) => Ok(Box::new(WatchedPages {
                        reader,
                        left: pages.bytes,
                        told: false,
                        to_read: pages,
                    })),
                    Err(error) => {
                        let text = error.to_string();
                        pages.fail(error);
                        Err(RusticError::new(ErrorKind::InputOutput, text))
                    }
                }
            }
        }
    }
}

/// The size was said before: what is of another one by now is not what was meant.
fn same_size(reader: PageReader, bytes: u64) -> io::Result<PageReader> {
    if reader.len() == bytes {
        Ok(reader)
    } else {
        Err(io::Error::other("it changed while the backup ran"))
    }
}

impl Drop for PagesToRead {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.pages, Pages::Taken) {
            // Taken over from the earlier backup.
            Pages::Unchanged(_) => {
                self.ends.stored(&self.path, self.bytes);
                self.watch.advance(self.bytes);
            }
            Pages::Open(_) => self.fail(io::Error::other("it was not read")),
            Pages::Taken => {}
        }
    }
}

struct WatchedPages {
    reader: PageReader,
    left: u64,
    told: bool,
    to_read: Box<PagesToRead>,
}

impl WatchedPages {
    fn read_some(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.to_read.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        match self.reader.read(target)? as u64 {
            0 if self.left > 0 && !target.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            count if count > self.left => Err(io::Error::other("it is longer than it should be")),
            count => Ok(count as usize),
        }
    }

    fn end(&mut self, error: Option<io::Error>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        match error {
            Some(error) => self.to_read.fail(error),
            None => self
                .to_read
                .ends
                .stored(&self.to_read.path, self.to_read.bytes),
        }
    }
}

impl Read for WatchedPages {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.read_some(target);
        match &read {
            Ok(count) => {
                self.left -= *count as u64;
                self.to_read.watch.advance(*count as u64);
                if self.left == 0 {
                    self.end(None);
                }
            }
            Err(error) => self.end(Some(io::Error::new(error.kind(), error.to_string()))),
        }
        read
    }
}

impl Drop for WatchedPages {
    fn drop(&mut self) {
        self.end(Some(io::Error::other("it was not read to its end")));
    }
}

/// For [`Pages::Unchanged`].
pub(super) fn later(begin: impl FnOnce() -> io::Result<PageReader> + Send + 'static) -> Pages {
    Pages::Unchanged(Box::new(begin))
}
