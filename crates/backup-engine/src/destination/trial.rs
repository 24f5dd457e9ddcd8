//! A destination with a data folder of its own, for the tests beside the code, and a storage that does not do what it is asked.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rustic_backend::LocalBackend;
use rustic_core::{
    BytesList, Credentials, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::backend::GuardedBackend;
use super::fault::FirstFault;
use super::open::repository_on;
use super::written::Written;
use super::{Destination, Hold, Part, Session};
use crate::Watch;
use crate::keys::KeyStore;

pub(super) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// As after a start: it knows no master key yet.
    pub(super) fn destination(&self) -> Destination {
        let keys = KeyStore::new(&self.data(), None, false);
        let root = self.folder.path().join("destination");
        Destination::new(&root, &self.data(), "here", keys)
    }
}

/// What a storage is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// To name the size of a file. Where that fails, the file is passed over, as the storage library does it.
    Size,
    Read,
    Write,
}

type Before = Box<dyn Fn(Call, FileType, &Id) -> io::Result<()> + Send + Sync>;

/// The storage of a part, with something that happens before each call.
struct Interposed {
    local: LocalBackend,
    before: Before,
}

/// Opens a part that is held for writing on a storage in which `before` happens before each call.
pub(super) fn interposed(
    destination: &Destination,
    held: &Hold,
    part: Part,
    before: impl Fn(Call, FileType, &Id) -> io::Result<()> + Send + Sync + 'static,
) -> Session {
    let watch = Watch::unwatched();
    let key = destination.write(held, part, &watch).unwrap();
    let key = Credentials::Masterkey(key.repository.key());
    let folder = destination.folder(part);
    let inner = Interposed {
        local: LocalBackend::new(folder.to_str().unwrap(), []).unwrap(),
        before: Box::new(before),
    };
    let (fault, written) = (FirstFault::default(), Written::default());
    let noted = (fault.clone(), written.clone());
    let storage = GuardedBackend::new(Arc::new(inner), &folder, watch.clone(), fault, written);
    let storage = Arc::new(storage);
    let open = repository_on(storage.clone()).unwrap().open(&key).unwrap();
    let session = Session::new(part, open, storage, noted, destination.root(), &watch);
    session.under(held.lease.clone())
}

impl Interposed {
    fn ask(&self, call: Call, tpe: FileType, id: &Id) -> RusticResult<()> {
        (self.before)(call, tpe, id).map_err(|error| {
            RusticError::with_source(ErrorKind::Backend, "The storage failed.", error)
        })
    }
}

impl fmt::Debug for Interposed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Interposed")
    }
}

impl ReadBackend for Interposed {
    fn location(&self) -> String {
        self.local.location()
    }

    fn list(&self, tpe: FileType) -> RusticResult<Vec<Id>> {
        self.local.list(tpe)
    }

    fn list_with_size(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let mut listed = self.local.list_with_size(tpe)?;
        listed.retain(|(id, _)| self.ask(Call::Size, tpe, id).is_ok());
        Ok(listed)
    }

    fn read_full(&self, tpe: FileType, id: &Id) -> RusticResult<Bytes> {
        self.ask(Call::Read, tpe, id)?;
        self.local.read_full(tpe, id)
    }

    fn read_partial(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.ask(Call::Read, tpe, id)?;
        self.local.read_partial(tpe, id, cacheable, offset, length)
    }

    fn warmup_path(&self, tpe: FileType, id: &Id) -> String {
        self.local.warmup_path(tpe, id)
    }
}

impl WriteBackend for Interposed {
    fn create(&self) -> RusticResult<()> {
        self.local.create()
    }

    fn write_bytes(
        &self,
        tpe: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.ask(Call::Write, tpe, id)?;
        self.local.write_bytes(tpe, id, cacheable, content)
    }

    fn remove(&self, tpe: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.local.remove(tpe, id, cacheable)
    }
}
