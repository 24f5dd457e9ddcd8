//! The folders of the sources as they are at the moment, looked at by the rules of a backup.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustic_core::DataId;
use rustic_core::repofile::{Metadata, Node, NodeType};

use super::EntryKind;
use super::folders::Found;
use crate::destination::Content;
use crate::{Engine, Error};

/// How a SQLite file begins.
const DATABASE: &[u8; 16] = b"SQLite format 3\0";
/// What lies beside a database and is part of it.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

pub(crate) type LeavesOut = Box<dyn Fn(&Path, bool) -> bool + Send + Sync>;

/// A source, to be looked at now.
pub(crate) struct LiveSource {
    pub id: String,
    pub folder: PathBuf,
    /// Whether the rules of the source leave out what lies at this path in it; whether that is a folder.
    pub leaves_out: LeavesOut,
}

pub(crate) struct LiveFolders(pub(crate) Vec<LiveSource>);

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
        Ok(LiveFolders(there.chain(away).collect()))
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
    pub(super) fn sources(&self) -> Vec<String> {
        self.0.iter().map(|source| source.id.clone()).collect()
    }

    /// What lies at this path, from the source's id on. Errors: the folder of the source cannot be read, which is not the
    /// same as its being empty.
    pub(super) fn at(&self, path: &str) -> Result<Option<LiveFile>, Error> {
        let mut names = path.split('/');
        let id = names.next().unwrap_or_default();
        let Some(index) = self.0.iter().position(|source| source.id == id) else {
            return Ok(None);
        };
        let folder = &self.0[index].folder;
        let doing = "looking at the folder of a source";
        fs::read_dir(folder).map_err(Error::io(doing))?;
        let metadata = fs::metadata(folder).map_err(Error::io(doing))?;
        let mut node = node(folder, &metadata).map_err(Error::io(doing))?;
        node.name = id.to_owned();
        let mut here = LiveFile {
            source: index,
            relative: PathBuf::new(),
            absolute: folder.clone(),
            kind: EntryKind::Folder,
            node,
        };
        for name in names {
            let inside = self.inside(&here).unwrap_or_default();
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
        let source = self.0.get(folder.source)?;
        let mut inside = Vec::new();
        for entry in fs::read_dir(&folder.absolute).ok()? {
            let name = entry.ok()?.file_name();
            let relative = folder.relative.join(&name);
            let absolute = folder.absolute.join(&name);
            // What has gone since it was listed is not there.
            let Ok(metadata) = fs::symlink_metadata(&absolute) else {
                continue;
            };
            if (source.leaves_out)(&relative, metadata.is_dir()) {
                continue;
            }
            let Ok(node) = node(&absolute, &metadata) else {
                continue;
            };
            inside.push(LiveFile {
                source: folder.source,
                kind: kind(&absolute, &metadata),
                relative,
                absolute,
                node,
            });
        }
        inside.sort_by(|a, b| a.node.name.cmp(&b.node.name));
        let databases: Vec<PathBuf> = inside
            .iter()
            .filter(|file| file.kind == EntryKind::Database)
            .map(|file| file.absolute.clone())
            .collect();
        if !databases.is_empty() {
            let companions: std::collections::HashSet<PathBuf> = databases
                .iter()
                .flat_map(|database| COMPANIONS.map(|suffix| beside(database, suffix)))
                .collect();
            inside.retain(|file| !companions.contains(&file.absolute));
        }
        Some(inside)
    }
}

/// Whether what is there now is what was stored. Where size, times and inode are as they were, it is; else its content
/// tells. A database with a log that is not empty counts as changed: what is in the log is not in its file.
pub(super) fn holds(content: &Content, stored: &Found, live: &LiveFile) -> Result<bool, Error> {
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
    Ok(has_chunks(&live.absolute, chunks.iter().zip(lengths)).unwrap_or(false))
}

fn has_chunks<'a>(
    path: &Path,
    chunks: impl Iterator<Item = (&'a DataId, u64)>,
) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    for (id, length) in chunks {
        if !id.blob_matches_reader(length, &mut (&mut file).take(length)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn kind(path: &Path, metadata: &fs::Metadata) -> EntryKind {
    let kind = metadata.file_type();
    if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_symlink() {
        EntryKind::Link
    } else if !kind.is_file() {
        EntryKind::Special
    } else if is_pages(metadata.len()) && begins_as_database(path).unwrap_or(false) {
        EntryKind::Database
    } else {
        EntryKind::File
    }
}

/// As a backup tells it: the smallest page has 512 bytes, and a file of pages has only whole ones.
fn is_pages(bytes: u64) -> bool {
    bytes >= 512 && bytes.is_multiple_of(512)
}

fn begins_as_database(path: &Path) -> io::Result<bool> {
    let mut header = [0; DATABASE.len()];
    File::open(path)?.read_exact(&mut header)?;
    Ok(header == *DATABASE)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// What the repository would say of it, as far as a comparison asks.
fn node(path: &Path, metadata: &fs::Metadata) -> io::Result<Node> {
    let time = |time: io::Result<std::time::SystemTime>| time.ok()?.try_into().ok();
    let mut meta = Metadata {
        mtime: time(metadata.modified()),
        size: metadata.len(),
        ..Metadata::default()
    };
    let node_type = if metadata.is_symlink() {
        NodeType::from_link(&fs::read_link(path)?)
    } else {
        own_to_system(metadata, &mut meta)
    };
    let name = path.file_name().unwrap_or_default();
    Ok(Node::new_node(name, node_type, meta))
}

#[cfg(unix)]
fn own_to_system(metadata: &fs::Metadata, meta: &mut Metadata) -> NodeType {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let kind = metadata.file_type();
    let ctime = rustic_core::jiff::Timestamp::new(
        metadata.ctime(),
        metadata.ctime_nsec().try_into().unwrap_or(0),
    );
    meta.ctime = ctime.ok();
    meta.inode = metadata.ino();
    // The repository writes them as Go does.
    let mode = metadata.mode();
    let bit = |of: u32, bit: u32| u32::from(mode & of != 0) << bit;
    meta.mode = Some(mode & 0o777 | bit(0o4000, 23) | bit(0o2000, 22) | bit(0o1000, 20));
    if kind.is_dir() {
        NodeType::Dir
    } else if kind.is_block_device() {
        NodeType::Dev {
            device: metadata.rdev(),
        }
    } else if kind.is_char_device() {
        NodeType::Chardev {
            device: metadata.rdev(),
        }
    } else if kind.is_fifo() {
        NodeType::Fifo
    } else if kind.is_socket() {
        NodeType::Socket
    } else {
        NodeType::File
    }
}

#[cfg(not(unix))]
fn own_to_system(metadata: &fs::Metadata, _: &mut Metadata) -> NodeType {
    if metadata.is_dir() {
        NodeType::Dir
    } else {
        NodeType::File
    }
}

#[cfg(test)]
mod tests;
