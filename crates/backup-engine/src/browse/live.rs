//! The folders of the sources as they are at the moment, looked at by the rules of a backup.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustic_core::DataId;
use rustic_core::repofile::Node;

use super::EntryKind;
use super::folders::Found;
use crate::database::beside;
use crate::destination::Content;
use crate::sources::{Class, Classes, Names, node_of, open_regular};
use crate::{Engine, Error, Watch};

pub(crate) type LeavesOut = Box<dyn Fn(&Path, bool) -> bool + Send + Sync>;

/// A source, to be looked at now.
pub(crate) struct LiveSource {
    pub id: String,
    pub folder: PathBuf,
    /// Whether the rules of the source leave out what lies at this path in it; whether that is a folder.
    pub leaves_out: LeavesOut,
}

pub(crate) struct LiveFolders {
    sources: Vec<LiveSource>,
    names: Mutex<Names>,
}

impl Engine {
    /// The sources, to be looked at now.
    pub(super) fn live_folders(&self) -> Result<LiveFolders, Error> {
        let (roots, missing) = self.sources.open(&self.kept_out())?;
        let there = roots.into_iter().map(|root| LiveSource {
            id: root.id().to_string(),
            folder: root.folder().to_owned(),
            leaves_out: Box::new(move |path, is_folder| root.leaves_out_now(path, is_folder)),
        });
        // Looking at one that is away is an error, and not an empty folder.
        let away = missing.into_iter().map(|missing| LiveSource {
            id: missing.source.id.to_string(),
            folder: missing.source.path,
            leaves_out: Box::new(|_, _| false),
        });
        Ok(LiveFolders::new(there.chain(away).collect()))
    }
}

/// Something that is there now.
#[derive(Debug)]
pub(super) struct LiveFile {
    source: usize,
    /// In the folder of the source.
    relative: PathBuf,
    absolute: PathBuf,
    pub(super) kind: EntryKind,
    pub(super) node: Node,
}

impl LiveFolders {
    fn new(sources: Vec<LiveSource>) -> Self {
        Self {
            sources,
            names: Mutex::default(),
        }
    }

    pub(super) fn sources(&self) -> Vec<String> {
        self.sources
            .iter()
            .map(|source| source.id.clone())
            .collect()
    }

    /// What lies at this path, from the source's id on. Errors: the folder of the source cannot be read, which is not the
    /// same as its being empty.
    pub(super) fn at(&self, path: &str) -> Result<Option<LiveFile>, Error> {
        let mut names = path.split('/');
        let id = names.next().unwrap_or_default();
        let Some(index) = self.sources.iter().position(|source| source.id == id) else {
            return Ok(None);
        };
        let folder = &self.sources[index].folder;
        let doing = "looking at the folder of a source";
        fs::read_dir(folder).map_err(Error::io(doing))?;
        let metadata = fs::metadata(folder).map_err(Error::io(doing))?;
        let mut node = self.node(folder, &metadata).map_err(Error::io(doing))?;
        node.name = id.to_owned();
        let mut here = LiveFile {
            source: index,
            relative: PathBuf::new(),
            absolute: folder.clone(),
            kind: EntryKind::Folder,
            node,
        };
        for name in names {
            let unknown = || io::Error::from(io::ErrorKind::PermissionDenied);
            let inside = self.inside(&here).ok_or_else(unknown);
            let inside = inside.map_err(Error::io(doing))?;
            match inside.into_iter().find(|file| file.node.name == name) {
                Some(file) => here = file,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// In the order of the names. `None`: it cannot be listed, and so is in no backup either.
    pub(super) fn inside(&self, folder: &LiveFile) -> Option<Vec<LiveFile>> {
        if folder.kind != EntryKind::Folder {
            return Some(Vec::new());
        }
        let source = self.sources.get(folder.source)?;
        let listed = fs::read_dir(&folder.absolute).ok()?;
        let listed: io::Result<Vec<_>> = listed.map(|entry| Ok(entry?.file_name())).collect();
        let mut listed = listed.ok()?;
        listed.sort();
        let (mut inside, mut classes) = (Vec::new(), Classes::default());
        for name in listed {
            let relative = folder.relative.join(&name);
            let absolute = folder.absolute.join(&name);
            let metadata = match fs::symlink_metadata(&absolute) {
                // What has gone since it was listed is not there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata.ok()?,
            };
            if (source.leaves_out)(&relative, metadata.is_dir()) {
                continue;
            }
            let class = classes.class_of(&relative, &absolute, &metadata);
            // Part of the database beside it.
            if matches!(
                class,
                Class::DatabaseCompanion | Class::UnrecognisedCompanion
            ) {
                continue;
            }
            let Ok(node) = self.node(&absolute, &metadata) else {
                continue;
            };
            inside.push(LiveFile {
                source: folder.source,
                kind: kind(class),
                relative,
                absolute,
                node,
            });
        }
        inside.sort_by(|a, b| a.node.name.cmp(&b.node.name));
        Some(inside)
    }

    /// What a backup would store of it. A comparison does not ask for the attributes that could not be read.
    fn node(&self, path: &Path, metadata: &fs::Metadata) -> io::Result<Node> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        node_of(path, metadata, &mut names).map(|(node, _)| node)
    }
}

/// Whether what is there now is what was stored. Where size, times and inode are as they were, it is; else its content
/// tells. A database with a log that is not empty counts as changed: what is in the log is not in its file.
pub(super) fn holds(
    content: &Content,
    stored: &Found,
    live: &LiveFile,
    watch: &Watch,
) -> Result<bool, Error> {
    let (before, now) = (&stored.node.meta, &live.node.meta);
    let database = live.kind == EntryKind::Database;
    if database {
        let log = fs::metadata(beside(&live.absolute, "-wal"));
        if log.is_ok_and(|log| log.len() > 0) {
            return Ok(false);
        }
    }
    let chunks = stored.node.content.as_deref().unwrap_or_default();
    let mut lengths = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        lengths.push(content.chunk_bytes(chunk)?);
    }
    if lengths.iter().sum::<u64>() != now.size {
        return Ok(false);
    }
    let told = before.mtime.is_some() && before.ctime.is_some() && before.inode != 0;
    if told
        && (before.size, before.mtime, before.ctime, before.inode)
            == (now.size, now.mtime, now.ctime, now.inode)
    {
        return Ok(true);
    }
    // A file that cannot be read is not seen to be the same.
    let same = has_chunks(&live.absolute, chunks.iter().zip(lengths), watch).unwrap_or(false);
    watch.check().map(|()| same)
}

fn has_chunks<'a>(
    path: &Path,
    chunks: impl Iterator<Item = (&'a DataId, u64)>,
    watch: &Watch,
) -> io::Result<bool> {
    let mut file = open_regular(path)?;
    for (id, length) in chunks {
        if watch.is_canceled() || !id.blob_matches_reader(length, &mut (&mut file).take(length)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn kind(class: Class) -> EntryKind {
    match class {
        Class::Folder => EntryKind::Folder,
        Class::Link => EntryKind::Link,
        Class::Special => EntryKind::Special,
        Class::Database => EntryKind::Database,
        Class::File
        | Class::Unrecognised
        | Class::DatabaseCompanion
        | Class::UnrecognisedCompanion => EntryKind::File,
    }
}

#[cfg(test)]
mod tests;
