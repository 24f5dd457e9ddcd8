//! Temporary: what the other parts of the engine bring under these names, so that the layers above compile against it. It is
//! dropped where they are there. What it cannot do it refuses as busy.

use std::path::PathBuf;

use crate::{BackupId, Difference, Engine, Error, Outcome, RestorePreview, Watch};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    pub backup: BackupId,
    pub what: What,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Everything,
    Library,
    Source(String),
    Paths(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    InPlace,
    Folder(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPreview {
    pub source: String,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub fetched_bytes: u64,
    pub examples: Vec<Difference>,
}

/// A request, or the id of a backup whose library is meant, as it was before there were requests.
pub trait Wanted {
    fn request(&self) -> RestoreRequest;
}

impl Wanted for RestoreRequest {
    fn request(&self) -> RestoreRequest {
        self.clone()
    }
}

impl Wanted for BackupId {
    fn request(&self) -> RestoreRequest {
        let (what, place) = (What::Library, Place::InPlace);
        let backup = self.clone();
        RestoreRequest {
            backup,
            what,
            place,
        }
    }
}

impl Engine {
    pub fn preview(&self, wanted: &impl Wanted) -> Result<RestorePreview, Error> {
        self.preview_library(&wanted.request().backup)
    }

    pub fn restore(&self, wanted: &impl Wanted, watch: &Watch) -> Result<Outcome<()>, Error> {
        let request = wanted.request();
        match (&request.what, &request.place) {
            (What::Library | What::Everything, Place::InPlace) => {
                self.restore_library(&request.backup, watch)
            }
            _ => Err(Error::Busy),
        }
    }
}
