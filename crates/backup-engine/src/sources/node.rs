//! An entry's metadata in the shape in which the repository stores them, and as others (restic) read them there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};

#[cfg(unix)]
pub(crate) use unix::Names;

/// How coarse the clocks of file systems may be.
const COARSEST_CLOCK: Duration = Duration::from_secs(2);

#[cfg(not(unix))]
#[derive(Debug, Default)]
pub(crate) struct Names;

/// The node of an entry, and why some of its extended attributes are not in it.
///
/// Errors: the target of a link cannot be read.
pub(crate) fn node_of(
    path: &Path,
    metadata: &fs::Metadata,
    names: &mut Names,
) -> io::Result<(Node, Option<io::Error>)> {
    let name = path.file_name().unwrap_or_default();
    let node_type = if metadata.is_symlink() {
        NodeType::from_link(&fs::read_link(path)?)
    } else {
        type_of(metadata)
    };
    let mtime = metadata.modified().ok().and_then(to_timestamp);
    let mut meta = Metadata {
        mtime,
        // Reading changes it, which would make every backup of a file differ.
        atime: mtime,
        size: if metadata.is_dir() { 0 } else { metadata.len() },
        ..Metadata::default()
    };
    own_to_system(metadata, names, &mut meta);
    if metadata.is_file() {
        unsettle(&mut meta, SystemTime::now());
    }
    let (attributes, problem) = extended_attributes(path);
    let problem = fill_attributes(&mut meta, attributes).err().or(problem);
    Ok((Node::new_node(name, node_type, meta), problem))
}

/// Names and values, in a fixed order, so that an unchanged folder is an unchanged tree.
type Attributes = BTreeMap<String, Vec<u8>>;

/// The repository library does not give away the type of an attribute, so blank ones are read from JSON and filled.
fn fill_attributes(meta: &mut Metadata, attributes: Attributes) -> io::Result<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    let blank = serde_json::json!({"name": "", "value": null});
    meta.extended_attributes = serde_json::from_value(vec![blank; attributes.len()].into())?;
    for (slot, (name, value)) in meta.extended_attributes.iter_mut().zip(attributes) {
        slot.name = name;
        slot.value = Some(value);
    }
    Ok(())
}

fn to_timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

/// A file that changed a moment ago may change once more within the same tick of the clock, and then looks unchanged.
/// As its ctime, which no restore brings back, the moment of this look is stored, so that the next backup reads it again.
fn unsettle(meta: &mut Metadata, now: SystemTime) {
    let Some(ctime) = meta.ctime else { return };
    let settled = now.checked_sub(COARSEST_CLOCK).and_then(to_timestamp);
    if settled.is_none_or(|settled| ctime >= settled) {
        meta.ctime = to_timestamp(now);
    }
}

#[cfg(not(unix))]
fn type_of(metadata: &fs::Metadata) -> NodeType {
    if metadata.is_dir() {
        NodeType::Dir
    } else {
        NodeType::File
    }
}

#[cfg(not(unix))]
fn own_to_system(metadata: &fs::Metadata, _names: &mut Names, meta: &mut Metadata) {
    meta.ctime = metadata.created().ok().and_then(to_timestamp);
}

#[cfg(not(unix))]
fn extended_attributes(_path: &Path) -> (Attributes, Option<io::Error>) {
    (Attributes::new(), None)
}

#[cfg(unix)]
use unix::{extended_attributes, own_to_system, type_of};

#[cfg(unix)]
mod unix {
    use super::*;
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use nix::errno::Errno;
    use nix::unistd::{Gid, Group, Uid, User};

    /// The names of users and groups, each looked up once.
    #[derive(Debug, Default)]
    pub(crate) struct Names {
        users: HashMap<u32, Option<String>>,
        groups: HashMap<u32, Option<String>>,
    }

    impl Names {
        fn user(&mut self, uid: u32) -> Option<String> {
            let look_up = || User::from_uid(Uid::from_raw(uid)).ok().flatten();
            let name = self.users.entry(uid);
            name.or_insert_with(|| look_up().map(|user| user.name))
                .clone()
        }

        fn group(&mut self, gid: u32) -> Option<String> {
            let look_up = || Group::from_gid(Gid::from_raw(gid)).ok().flatten();
            let name = self.groups.entry(gid);
            name.or_insert_with(|| look_up().map(|group| group.name))
                .clone()
        }
    }

    pub(super) fn type_of(metadata: &fs::Metadata) -> NodeType {
        let file_type = metadata.file_type();
        let device = metadata.rdev();
        if file_type.is_dir() {
            NodeType::Dir
        } else if file_type.is_block_device() {
            NodeType::Dev { device }
        } else if file_type.is_char_device() {
            NodeType::Chardev { device }
        } else if file_type.is_fifo() {
            NodeType::Fifo
        } else if file_type.is_socket() {
            NodeType::Socket
        } else {
            NodeType::File
        }
    }

    pub(super) fn own_to_system(metadata: &fs::Metadata, names: &mut Names, meta: &mut Metadata) {
        let linked = metadata.nlink() > 1 && !metadata.is_dir();
        meta.mode = Some(go_mode(metadata.mode()));
        let nanoseconds = i32::try_from(metadata.ctime_nsec()).unwrap_or(0);
        meta.ctime = Timestamp::new(metadata.ctime(), nanoseconds).ok();
        meta.uid = Some(metadata.uid());
        meta.gid = Some(metadata.gid());
        meta.user = names.user(metadata.uid());
        meta.group = names.group(metadata.gid());
        meta.inode = metadata.ino();
        // Only to recognise hard links: where a disk is plugged in is nothing to keep.
        meta.device_id = if linked { metadata.dev() } else { 0 };
        meta.links = if metadata.is_dir() {
            0
        } else {
            metadata.nlink()
        };
    }

    /// The mode as restic stores it: in the bits of Go's `fs.FileMode`.
    pub(super) fn go_mode(mode: u32) -> u32 {
        const TYPES: [(u32, u32); 6] = [
            (0o140_000, 1 << 24),
            (0o120_000, 1 << 27),
            (0o060_000, 1 << 26),
            (0o040_000, 1 << 31),
            (0o020_000, 1 << 26 | 1 << 21),
            (0o010_000, 1 << 25),
        ];
        const FLAGS: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
        let kind = TYPES.iter().find(|(kind, _)| mode & 0o170_000 == *kind);
        let flags = FLAGS.iter().filter(|(flag, _)| mode & flag != 0);
        let flags = flags.fold(0, |bits, (_, go)| bits | go);
        mode & 0o777 | kind.map_or(0, |(_, go)| *go) | flags
    }

    /// Of the entry itself, never of what a link points to.
    pub(super) fn extended_attributes(path: &Path) -> (Attributes, Option<io::Error>) {
        let (mut attributes, mut problem) = (Attributes::new(), None);
        let names = match xattr::list(path) {
            Ok(names) => names,
            Err(error) if has_none(&error) => return (attributes, None),
            Err(error) => return (attributes, Some(error)),
        };
        for name in names {
            match extended_attribute(path, name) {
                Ok(Some((name, value))) => {
                    attributes.insert(name, value);
                }
                Ok(None) => {}
                Err(error) => problem = Some(error),
            }
        }
        (attributes, problem)
    }

    /// `None`: it is gone by now.
    fn extended_attribute(path: &Path, name: OsString) -> io::Result<Option<(String, Vec<u8>)>> {
        let Some(value) = xattr::get(path, &name)? else {
            return Ok(None);
        };
        let name = name.into_string();
        let name = name.map_err(|_| io::Error::other("the name of one is not UTF-8"))?;
        Ok(Some((name, value)))
    }

    /// A file system without extended attributes.
    fn has_none(error: &io::Error) -> bool {
        let number = error.raw_os_error().map(Errno::from_raw);
        number == Some(Errno::ENOTSUP) || number == Some(Errno::EOPNOTSUPP)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
