//! A destination with a data folder of its own, for the tests beside the code.

use std::fs;
use std::path::PathBuf;

use super::Destination;
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
