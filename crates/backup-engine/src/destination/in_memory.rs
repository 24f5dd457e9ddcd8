//! A new repository before anything of it is written: its configuration and its key, made in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend,
};

type NamedFile = (FileType, Id, BytesList);

/// Takes the few files that the repository library writes into a repository that it sets up.
#[derive(Debug, Default)]
pub(super) struct InMemory(Mutex<Vec<NamedFile>>);

impl InMemory {
    /// In the order in which they were written.
    pub(super) fn take_files(&self) -> Vec<NamedFile> {
        std::mem::take(&mut *self.files())
    }

    fn files(&self) -> MutexGuard<'_, Vec<NamedFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadBackend for InMemory {
    fn location(&self) -> String {
        "memory".into()
    }

    fn list_with_size(&self, tpe: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let files = self.files();
        let those = files.iter().filter(|(of, ..)| *of == tpe);
        let sized =
            those.map(|(_, id, content)| (*id, u32::try_from(content.size()).unwrap_or(u32::MAX)));
        Ok(sized.collect())
    }

    fn read_full(&self, _: FileType, _: &Id) -> RusticResult<Bytes> {
        Err(unread())
    }

    fn read_partial(&self, _: FileType, _: &Id, _: bool, _: u32, _: u32) -> RusticResult<Bytes> {
        Err(unread())
    }

    fn warmup_path(&self, _: FileType, id: &Id) -> String {
        id.to_hex().as_str().to_owned()
    }
}

impl WriteBackend for InMemory {
    fn create(&self) -> RusticResult<()> {
        Ok(())
    }

    fn write_bytes(&self, tpe: FileType, id: &Id, _: bool, content: BytesList) -> RusticResult<()> {
        self.files().push((tpe, *id, content));
        Ok(())
    }

    fn remove(&self, tpe: FileType, id: &Id, _: bool) -> RusticResult<()> {
        self.files()
            .retain(|(of, name, _)| (*of, name) != (tpe, id));
        Ok(())
    }
}

/// Setting a repository up reads nothing.
fn unread() -> Box<RusticError> {
    RusticError::new(
        ErrorKind::Unsupported,
        "A repository that is being set up is not read.",
    )
}
