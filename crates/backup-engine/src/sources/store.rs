//! Which folders are sources: `sources.json` in the data folder.
//!
//! The same folder is a source once. A source may lie in another one, or around it: each is restored on its own, and what
//! both hold is stored once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::excludes::Excludes;
use super::pieces;
use super::root::{Root, resolve};
use super::{Missing, NewSource, Source, SourceId, SourceKind};
use crate::Error;
use crate::durable::write_private;

const FORMAT: u64 = 1;

#[derive(Debug)]
pub(crate) struct SourceStore {
    file: PathBuf,
    /// Held while the list changes.
    changing: Mutex<()>,
}

impl SourceStore {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join("sources.json"),
            changing: Mutex::default(),
        }
    }

    /// In the order in which they were added. Errors: `BadSourceList` where the list is there but cannot be understood;
    /// that is never an empty list.
    pub(crate) fn all(&self) -> Result<Vec<Source>, Error> {
        let text = match fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("reading the list of sources")(error)),
        };
        let list: StoredList = serde_json::from_slice(&text).map_err(bad_list)?;
        if list.format != FORMAT {
            return Err(bad_list(format!(
                "format {}, {FORMAT} is known",
                list.format
            )));
        }
        let sources: Vec<Source> = list
            .sources
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        for (at, source) in sources.iter().enumerate() {
            if sources[..at].iter().any(|earlier| earlier.id == source.id) {
                return Err(bad_list(format!("two sources are called {}", source.id)));
            }
        }
        Ok(sources)
    }

    /// Adds a folder. `forbidden`: the data folder and the destination; neither they nor what lies in them can be a
    /// source, while in a folder around them they are left out of its backups.
    ///
    /// Errors: `BadSource` and `BadPattern`, with nothing changed.
    pub(crate) fn add(&self, new: NewSource, forbidden: &[&Path]) -> Result<Source, Error> {
        let _changing = self.changing();
        let mut sources = self.all()?;
        let excludes = match new.kind {
            SourceKind::Pieces if new.excludes.is_empty() => pieces::default_excludes(),
            _ => new.excludes,
        };
        Excludes::compile(&excludes)?;
        let path = acceptable(&new.path, forbidden)?;
        if let Some(same) = sources.iter().find(|source| source.path == path) {
            return Err(Error::BadSource(format!("it is one already, {}", same.id)));
        }
        let name = match new.kind {
            SourceKind::Pieces => "pieces".as_ref(),
            SourceKind::Folder => path.file_name().unwrap_or_default(),
        };
        let taken: Vec<SourceId> = sources.iter().map(|source| source.id.clone()).collect();
        let source = Source {
            id: SourceId::for_name(name, &taken),
            kind: new.kind,
            path,
            excludes,
        };
        sources.push(source.clone());
        self.write(&sources)?;
        Ok(source)
    }

    /// What is left out of a source, in the place of all that was so far. Its folder need not be there.
    ///
    /// Errors: `UnknownSource` and `BadPattern`, with nothing changed.
    pub(crate) fn change(&self, id: &SourceId, excludes: Vec<String>) -> Result<Source, Error> {
        Excludes::compile(&excludes)?;
        let _changing = self.changing();
        let mut sources = self.all()?;
        let source = sources.iter_mut().find(|source| source.id == *id);
        let source = source.ok_or_else(|| Error::UnknownSource(id.clone()))?;
        source.excludes = excludes;
        let changed = source.clone();
        self.write(&sources)?;
        Ok(changed)
    }

    /// The folder and its earlier backups stay as they are. Errors: `UnknownSource`.
    pub(crate) fn remove(&self, id: &SourceId) -> Result<(), Error> {
        let _changing = self.changing();
        let mut sources = self.all()?;
        let count = sources.len();
        sources.retain(|source| source.id != *id);
        if sources.len() == count {
            return Err(Error::UnknownSource(id.clone()));
        }
        self.write(&sources)
    }

    /// A Pieces data folder that is there and no source yet, with what is left out of it.
    pub(crate) fn suggested(&self, home: &Path) -> Result<Option<NewSource>, Error> {
        let Some(path) = pieces::find(home) else {
            return Ok(None);
        };
        let path = fs::canonicalize(path).map_err(Error::io("following a path"))?;
        let taken = self.all()?.iter().any(|source| source.path == path);
        Ok((!taken).then(|| NewSource {
            kind: SourceKind::Pieces,
            path,
            excludes: pieces::default_excludes(),
        }))
    }

    /// The sources as a backup begins with them: those that are there, and those that are not.
    pub(crate) fn open(&self, kept_out: &[&Path]) -> Result<(Vec<Root>, Vec<Missing>), Error> {
        let (mut roots, mut missing) = (Vec::new(), Vec::new());
        for source in self.all()? {
            match Root::open(&source, kept_out) {
                Ok(root) => roots.push(root),
                Err(Error::SourceUnreadable { source: error, .. }) => {
                    tracing::warn!(id = %source.id, %error, "a source is not there");
                    let why = "its folder is not there or cannot be read".to_owned();
                    missing.push(Missing { source, why });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((roots, missing))
    }

    fn write(&self, sources: &[Source]) -> Result<(), Error> {
        let list = StoredList {
            format: FORMAT,
            sources: sources.iter().map(stored).collect::<Result<_, _>>()?,
        };
        let text = serde_json::to_vec_pretty(&list).map_err(bad_list)?;
        write_private(&self.file, &text).map_err(Error::io("writing the list of sources"))
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder with its links followed, if it can be a source.
fn acceptable(path: &Path, forbidden: &[&Path]) -> Result<PathBuf, Error> {
    let refuse = |why: &str| Err(Error::BadSource(why.to_owned()));
    if !path.is_absolute() {
        return refuse("its path is not absolute");
    }
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return refuse("it is not there"),
        Err(error) => return refuse(&format!("it cannot be reached ({})", error.kind())),
    };
    if !path.is_dir() {
        return refuse("it is no folder");
    }
    for folder in forbidden {
        let folder = resolve(folder).map_err(Error::io("following a path"))?;
        if path.starts_with(&folder) {
            return refuse("it lies in the folder that holds the backups or the data of Holdfast");
        }
    }
    Ok(path)
}

fn bad_list(why: impl ToString) -> Error {
    Error::BadSourceList(why.to_string())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredList {
    format: u64,
    sources: Vec<StoredSource>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSource {
    id: String,
    kind: StoredKind,
    path: StoredPath,
    #[serde(default)]
    excludes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredKind {
    Folder,
    Pieces,
}

/// Text where it is UTF-8, else its bytes.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPath {
    Text(String),
    Bytes { bytes: Vec<u8> },
}

fn stored(source: &Source) -> Result<StoredSource, Error> {
    Ok(StoredSource {
        id: source.id.to_string(),
        kind: match source.kind {
            SourceKind::Folder => StoredKind::Folder,
            SourceKind::Pieces => StoredKind::Pieces,
        },
        path: stored_path(&source.path)?,
        excludes: source.excludes.clone(),
    })
}

fn read(stored: StoredSource) -> Result<Source, Error> {
    let id = SourceId::parse(&stored.id).ok_or_else(|| bad_list("an id is none"))?;
    let path = read_path(stored.path)?;
    if !path.is_absolute() {
        return Err(bad_list(format!("the path of {id} is not absolute")));
    }
    Ok(Source {
        id,
        kind: match stored.kind {
            StoredKind::Folder => SourceKind::Folder,
            StoredKind::Pieces => SourceKind::Pieces,
        },
        path,
        excludes: stored.excludes,
    })
}

#[cfg(unix)]
fn stored_path(path: &Path) -> Result<StoredPath, Error> {
    use std::os::unix::ffi::OsStrExt;
    Ok(path.to_str().map_or_else(
        || StoredPath::Bytes {
            bytes: path.as_os_str().as_bytes().to_vec(),
        },
        |text| StoredPath::Text(text.to_owned()),
    ))
}

#[cfg(not(unix))]
fn stored_path(path: &Path) -> Result<StoredPath, Error> {
    let text = path.to_str().map(|text| StoredPath::Text(text.to_owned()));
    text.ok_or_else(|| Error::BadSource("its path is not Unicode".into()))
}

fn read_path(stored: StoredPath) -> Result<PathBuf, Error> {
    match stored {
        StoredPath::Text(text) => Ok(text.into()),
        #[cfg(unix)]
        StoredPath::Bytes { bytes } => {
            use std::os::unix::ffi::OsStringExt;
            Ok(std::ffi::OsString::from_vec(bytes).into())
        }
        #[cfg(not(unix))]
        StoredPath::Bytes { .. } => Err(bad_list("a path is of another system")),
    }
}

#[cfg(test)]
mod tests;
