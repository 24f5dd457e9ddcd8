//! Temporary: what the other parts of the engine bring under these names, so that the layers above compile against it. It is
//! dropped where they are there. What it cannot do it refuses as busy, or answers as empty.

use std::io::Write;
use std::path::PathBuf;

use crate::{
    BackupId, Depth, Difference, Engine, Entry, Error, Outcome, Page, RestorePreview, VerifyReport,
    Version, Watch,
};

/// The id of a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(String);

impl SourceId {
    /// Reads an id; `None` for whatever is not exactly of its form.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let formed = (1..=40).contains(&text.len()) && text.bytes().all(allowed);
        (formed && text != "library" && !text.starts_with('-')).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    Folder,
    Pieces,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: SourceId,
    pub kind: SourceKind,
    pub path: PathBuf,
    pub excludes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource {
    pub kind: SourceKind,
    pub path: PathBuf,
    pub excludes: Vec<String>,
}

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
    pub fn sources(&self) -> Result<Vec<Source>, Error> {
        Ok(Vec::new())
    }

    pub fn add_source(&self, _: NewSource) -> Result<Source, Error> {
        Err(Error::Busy)
    }

    pub fn remove_source(&self, _: &SourceId) -> Result<(), Error> {
        // One of the kind "not found"; its own error comes with the sources.
        Err(Error::NothingToUndo)
    }

    pub fn suggested_source(&self) -> Option<PathBuf> {
        None
    }

    pub fn list(
        &self,
        id: &BackupId,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<Entry>, Error> {
        self.backup(id)?;
        let (items, next) = (Vec::new(), None);
        Ok(Page { items, next })
    }

    pub fn read(&self, id: &BackupId, _: &str, _: &mut dyn Write, _: &Watch) -> Result<(), Error> {
        self.backup(id).map(drop)
    }

    pub fn compare(
        &self,
        older: &Version,
        newer: &Version,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<Difference>, Error> {
        for version in [older, newer] {
            if let Version::Backup(id) = version {
                self.backup(id)?;
            }
        }
        let (items, next) = (Vec::new(), None);
        Ok(Page { items, next })
    }

    pub fn verify(
        &self,
        _: Option<&BackupId>,
        _: Depth,
        _: &Watch,
    ) -> Result<Outcome<VerifyReport>, Error> {
        Err(Error::Busy)
    }

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
