//! The folder of a source at the start of a walk: it is there, and it is known what of it stays out.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::excludes::Excludes;
use super::{Source, SourceId};
use crate::Error;
use crate::database::{Identity, identity};

/// Where restores keep their own things, at the top of a source: in no backup, and never touched by a restore.
pub(crate) const OWN_FOLDER: &str = ".holdfast";

/// A source whose folder is there and can be listed.
///
/// The folder below which a disk is mounted looks like an empty folder while the disk is absent; only the one who knows
/// the earlier backups can tell.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(super) source: Source,
    /// With all links followed.
    pub(super) folder: PathBuf,
    excludes: Excludes,
    kept_out: Vec<KeptOut>,
    identity: Option<Identity>,
}

/// A folder that is in no backup: the data folder, the destination.
#[derive(Clone, Debug)]
struct KeptOut {
    path: PathBuf,
    identity: Option<Identity>,
}

impl Root {
    /// `kept_out`: the data folder and the destination.
    ///
    /// Errors: `SourceUnreadable` where the folder is not there, is none, or cannot be listed; `BadSource` where it has
    /// come to lie in what is kept out.
    pub(crate) fn open(source: &Source, kept_out: &[&Path]) -> Result<Self, Error> {
        let unreadable = |error| Error::SourceUnreadable {
            id: source.id.clone(),
            source: error,
        };
        let folder = fs::canonicalize(&source.path).map_err(unreadable)?;
        fs::read_dir(&folder).map_err(unreadable)?;
        let mut stays_out = Vec::new();
        for path in kept_out {
            let path = resolve(path).map_err(Error::io("following a path"))?;
            if folder.starts_with(&path) {
                let why = "it lies in the folder that holds the backups or the data of Holdfast";
                return Err(Error::BadSource(why.into()));
            }
            let identity = fs::metadata(&path).ok().and_then(|found| identity(&found));
            stays_out.push(KeptOut { path, identity });
        }
        let metadata = fs::metadata(&folder).map_err(unreadable)?;
        Ok(Self {
            source: source.clone(),
            excludes: Excludes::compile(&source.excludes)?,
            kept_out: stays_out,
            identity: identity(&metadata),
            folder,
        })
    }

    pub(crate) fn id(&self) -> &SourceId {
        &self.source.id
    }

    /// With all links followed.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a backup would leave out what lies at this path in the source.
    pub(crate) fn leaves_out_now(&self, relative: &Path, is_folder: bool) -> bool {
        let absolute = self.folder.join(relative);
        let kept_out = || {
            let metadata = fs::symlink_metadata(&absolute);
            metadata.is_ok_and(|metadata| self.keeps_out(&absolute, &metadata))
        };
        self.leaves_out(relative, is_folder) || is_folder && kept_out()
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        fs::symlink_metadata(&self.folder)
    }

    /// The place of an entry in a backup.
    pub(super) fn in_backup(&self, relative: &Path) -> PathBuf {
        let mut path = PathBuf::from(self.source.id.as_str());
        path.extend(relative);
        path
    }

    /// Whether the rules leave this entry out. `is_folder` is false for a link to a folder.
    pub(super) fn leaves_out(&self, relative: &Path, is_folder: bool) -> bool {
        relative == Path::new(OWN_FOLDER) || self.excludes.leave_out(relative, is_folder)
    }

    /// Whether this folder is the data folder or the destination, also by another path.
    pub(super) fn keeps_out(&self, folder: &Path, metadata: &Metadata) -> bool {
        self.kept_out.iter().any(|kept| {
            let same = kept.identity.is_some() && kept.identity == identity(metadata);
            same || kept.path == folder
        })
    }

    /// Whether the folder is still the one that was opened: a disk may have gone in between.
    pub(super) fn is_still_there(&self) -> bool {
        let there = self
            .metadata()
            .and_then(|there| fs::read_dir(&self.folder).map(|_| there));
        there.is_ok_and(|there| there.is_dir() && identity(&there) == self.identity)
    }
}

/// The path with its links followed, as far as it exists.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut rest = Vec::new();
    let mut there = path.as_path();
    loop {
        match fs::canonicalize(there) {
            Ok(mut resolved) => {
                resolved.extend(rest.iter().rev());
                return Ok(resolved);
            }
            Err(error) if is_absent(&error) => {
                let (Some(name), Some(parent)) = (there.file_name(), there.parent()) else {
                    return Err(error);
                };
                rest.push(name);
                there = parent;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
