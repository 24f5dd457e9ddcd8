//! Reading one file of a backup, or one item of its library.

use std::io::{self, Write};

use super::opened::Opened;
use super::path::Place;
use super::scratch::unreadable;
use super::{EntryKind, items};
use crate::backup::LIBRARY_FILE;
use crate::{BackupId, Engine, Error, Watch};

const DOING: &str = "writing what was read from a backup";

impl Engine {
    /// Writes the content of a file or a database, or the JSON of an item, into `into`. Every part of it is proven before it
    /// is written; an error may come after some of it was.
    ///
    /// Errors: `UnknownBackup`, `UnknownPath`, `NotAFile`, `Damaged`, `Canceled`.
    pub fn read(
        &self,
        id: &BackupId,
        path: &str,
        into: &mut dyn Write,
        watch: &Watch,
    ) -> Result<(), Error> {
        let place = Place::parse(path)?;
        let mut target = Resumed {
            into,
            watch,
            written: 0,
            skip: 0,
        };
        self.with_opened(&[id], watch, |opened| {
            let [backup] = opened else {
                return Err(Error::UnknownBackup(id.clone()));
            };
            target.skip = target.written;
            match place {
                Place::Root | Place::Items => Err(Error::NotAFile(path.to_owned())),
                Place::LibraryFile => copy(backup, LIBRARY_FILE, &mut target),
                Place::InSource(path) => copy(backup, path, &mut target),
                Place::Item(item) => {
                    let library = self.shelf.libraries.of(backup, watch)?;
                    let json = items::json(&library.open()?, item).map_err(unreadable)?;
                    let json = json.ok_or_else(|| Error::UnknownPath(path.to_owned()))?;
                    watch.expect(json.len() as u64);
                    target.write_all(json.as_bytes()).map_err(Error::io(DOING))
                }
            }
        })?;
        into.flush().map_err(Error::io(DOING))
    }
}

fn copy(backup: &Opened, path: &str, target: &mut Resumed) -> Result<(), Error> {
    let found = backup.find(path)?;
    if !matches!(found.kind(), EntryKind::File | EntryKind::Database) {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let content = backup.content(found.part)?;
    // An empty file has no chunks.
    let chunks = found.node.content.unwrap_or_default();
    target.watch.expect(found.node.meta.size);
    let copied = content.copy(&chunks, target);
    copied.map_err(|error| error.explain(DOING))
}

/// Passes on what comes, but for what it has passed on before: reading began once more.
struct Resumed<'a> {
    into: &'a mut dyn Write,
    watch: &'a Watch,
    written: u64,
    /// Still to be passed over.
    skip: u64,
}

impl Write for Resumed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.is_canceled() {
            return Err(io::Error::other("cancelled"));
        }
        if self.skip > 0 {
            let over = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
            self.skip -= over as u64;
            return Ok(over);
        }
        let count = self.into.write(bytes)?;
        self.written += count as u64;
        self.watch.advance(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
