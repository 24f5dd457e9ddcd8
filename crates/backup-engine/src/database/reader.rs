//! A database as a stream of bytes, with the proof that they are sound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::begin::{PATIENCE, Quiet, begin};
use super::check::{Owner, Proof, Soundness};
use super::connect::{Trouble, open_immutable, patiently};
use super::copy::{Copy, CopyFolder};
use super::pages::{BATCH, Pages, pair};
use super::{Begun, Guarded, Unread};
use crate::{Error, Watch};

/// Reads a database from its first page to its last, as it was when the reader began.
#[derive(Debug)]
pub(crate) struct PageReader {
    source: Source,
    length: u64,
    proof: Option<Proof>,
    watch: Watch,
    buffer: Vec<u8>,
    given: usize,
}

#[derive(Debug)]
pub(super) enum Source {
    Pages(Pages),
    /// Without a lock: what was read counts where the files did not change.
    Unlocked(Pages, Quiet),
    Copy(File, Arc<Copy>),
}

impl PageReader {
    /// Begins to read any database, also one that this process reads already, whose locks stay. `folder` is where a copy of a
    /// database may be made that cannot be read in place for long.
    pub(crate) fn begin(path: &Path, folder: &CopyFolder, watch: &Watch) -> Begun {
        let reader = std::path::absolute(path)
            .map_err(Trouble::Io)
            .and_then(|path| begin(&path, folder, watch, PATIENCE));
        match reader {
            Ok(begun) => begun,
            Err(trouble) => trouble.explain(path),
        }
    }

    /// Begins to read a database of this program, which has a write-ahead log.
    pub(crate) fn of_ours(path: &Path, watch: &Watch) -> Result<Self, Error> {
        let begun = patiently(watch, PATIENCE, || pair(path));
        let (pages, beside) = begun.map_err(|trouble| match trouble {
            Trouble::Sqlite(error) => error.into(),
            other => Error::Panicked(format!("{other:?}")),
        })?;
        Ok(Self::live(pages, beside, Owner::Us, watch))
    }

    /// Begins to read a database of another program, if it has a write-ahead log. Without one the transaction would hold up its
    /// writers to the end.
    pub(super) fn with_log(path: &Path, watch: &Watch) -> Result<Option<Self>, rusqlite::Error> {
        let (pages, beside) = pair(path)?;
        // It cannot be given up while a transaction sees it.
        if !pages.has_log()? {
            return Ok(None);
        }
        Ok(Some(Self::live(pages, beside, Owner::Others, watch)))
    }

    /// Pages out of one read transaction, and their proof out of another that sees the same.
    fn live(
        pages: Pages,
        beside: Option<Guarded<Connection>>,
        owner: Owner,
        watch: &Watch,
    ) -> Self {
        let proof = match beside {
            Some(connection) => Proof::start(connection, owner, watch, ()),
            None => {
                let why = "it changed too often to be checked while it was read";
                Proof::known(Soundness::Unchecked(why.into()))
            }
        };
        Self::new(Source::Pages(pages), proof, watch)
    }

    pub(super) fn new(source: Source, proof: Proof, watch: &Watch) -> Self {
        let length = match &source {
            Source::Pages(pages) | Source::Unlocked(pages, _) => pages.len(),
            Source::Copy(_, copy) => copy.length(),
        };
        Self {
            source,
            length,
            proof: Some(proof),
            watch: watch.clone(),
            buffer: Vec::new(),
            given: 0,
        }
    }

    pub(super) fn of_copy(copy: Copy, watch: &Watch) -> Result<Self, Trouble> {
        let copy = Arc::new(copy);
        let file = File::open(copy.path())?;
        let connection = open_immutable(copy.path())?;
        let proof = Proof::start(connection, Owner::Others, watch, copy.clone());
        Ok(Self::new(Source::Copy(file, copy), proof, watch))
    }

    /// How many bytes the reader yields in all.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// What says whether the pages are sound. It runs beside the reading; asked for once.
    pub(crate) fn proof(&mut self) -> Proof {
        let taken = || Proof::known(Soundness::Unchecked("the check was given away".into()));
        self.proof.take().unwrap_or_else(taken)
    }

    /// Reads in the same view as the pages.
    pub(crate) fn view<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.source {
            Source::Pages(pages) | Source::Unlocked(pages, _) => read(pages.connection()),
            Source::Copy(_, copy) => read(&open_immutable(copy.path())?),
        }
    }

    fn fetch(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.given = 0;
        let (pages, quiet) = match &mut self.source {
            Source::Copy(..) => return Ok(()),
            Source::Pages(pages) => (pages, None),
            Source::Unlocked(pages, quiet) => (pages, Some(quiet)),
        };
        // Nothing more is to come: what changes now is of the next backup.
        if pages.is_at_end() {
            return Ok(());
        }
        let buffer = &mut self.buffer;
        let same = patiently(&self.watch, PATIENCE, || pages.fetch(buffer, BATCH))
            .map_err(Trouble::into_io)?;
        let same = same && quiet.is_none_or(|quiet| !pages.is_at_end() || quiet.is_unchanged());
        if same {
            Ok(())
        } else {
            self.buffer.clear();
            Err(io::Error::other(Unread::KeepsChanging.to_string()))
        }
    }
}

impl Read for PageReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if let Source::Copy(file, _) = &mut self.source {
            return file.read(target);
        }
        if self.given == self.buffer.len() && !target.is_empty() {
            self.fetch()?;
        }
        let mut rest = &self.buffer[self.given..];
        let count = rest.read(target)?;
        self.given += count;
        Ok(count)
    }
}
