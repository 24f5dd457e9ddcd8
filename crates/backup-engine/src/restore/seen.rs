//! What is known of an entry without reading it, and the metadata that a restore gives it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;

use rustic_core::repofile::{Metadata, NodeType};
use serde::{Deserialize, Serialize};

use super::dir::{Dir, seen, times};

/// Seconds since 1970, and nanoseconds.
pub(crate) type Moment = (i64, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    File,
    Link,
    Fifo,
    Socket,
    Device,
}

impl Kind {
    /// Of an entry of a backup. `None`: it is not restored.
    pub(super) fn of(node: &NodeType) -> Option<Self> {
        match node {
            NodeType::File => Some(Self::File),
            NodeType::Dir => Some(Self::Folder),
            NodeType::Symlink { .. } => Some(Self::Link),
            NodeType::Fifo => Some(Self::Fifo),
            NodeType::Socket | NodeType::Dev { .. } | NodeType::Chardev { .. } => None,
        }
    }
}

/// An entry as it was looked at. Two that are equal are the same entry, unchanged in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub kind: Kind,
    pub size: u64,
    pub mtime: Moment,
    pub ctime: Moment,
    pub inode: u64,
    pub device: u64,
    pub mode: u32,
    pub owner: (u32, u32),
    pub links: u64,
}

impl Seen {
    /// Whether it is still the same in the middle of a commit: to rename one name of a file changes the ctime of all its
    /// names.
    pub(crate) fn is_still(&self, now: &Self) -> bool {
        let ctime = if self.links > 1 && self.kind != Kind::Folder {
            self.ctime
        } else {
            now.ctime
        };
        *self == Self { ctime, ..*now }
    }

    pub(crate) fn lasting(&self) -> Lasting {
        Lasting {
            inode: self.inode,
            content: (self.kind != Kind::Folder).then_some((self.size, self.mtime)),
        }
    }
}

/// What of an entry survives renaming it, so that another one in its place, or one that was written to, is told from it
/// whatever time it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lasting {
    inode: u64,
    /// Not of a folder, for which they say little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<(u64, Moment)>,
}

/// The metadata of an entry. What is absent is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, Vec<u8>)>,
}

impl Dress {
    /// As it is in the backup.
    pub(crate) fn of(meta: &Metadata) -> Self {
        let moment = |time: rustic_core::jiff::Timestamp| {
            // Before 1970 the nanoseconds count back as well.
            let (mut second, mut nanosecond) = (time.as_second(), time.subsec_nanosecond());
            if nanosecond < 0 {
                (second, nanosecond) = (second - 1, nanosecond + 1_000_000_000);
            }
            (second, nanosecond.unsigned_abs())
        };
        let attributes = meta.extended_attributes.iter().map(|attribute| {
            let value = attribute.value.clone().unwrap_or_default();
            (attribute.name.clone(), value)
        });
        let mut attributes: Vec<_> = attributes.collect();
        attributes.sort();
        Self {
            mode: meta.mode.map(from_go_mode),
            mtime: meta.mtime.map(moment),
            owner: meta.uid.zip(meta.gid),
            attributes,
        }
    }

    /// As it is there: a folder, or an open file.
    pub(crate) fn worn(seen: &Seen, file: &File) -> io::Result<Self> {
        Ok(Self {
            mode: Some(seen.mode),
            mtime: Some(seen.mtime),
            owner: Some(seen.owner),
            attributes: attributes(file)?.unwrap_or_default(),
        })
    }

    /// Whether an entry without content of its own to compare wears something else, as far as it can be told and set.
    pub(crate) fn differs_from(&self, seen: &Seen) -> bool {
        let mode = self.mode.is_some_and(|mode| mode != seen.mode) && seen.kind != Kind::Link;
        let owner = may_give_away() && self.owner.is_some_and(|owner| owner != seen.owner);
        mode || owner
    }

    pub(crate) fn differs_in_time(&self, seen: &Seen) -> bool {
        self.mtime.is_some_and(|mtime| mtime != seen.mtime)
    }

    /// Whether it is worth looking whether they are others: not where there are none on either side.
    pub(crate) fn may_differ_in_attributes(&self, worn: &Self) -> bool {
        !self.attributes.is_empty() || !worn.attributes.is_empty()
    }

    /// Whether the attributes are others. A file system that has none is not asked for any.
    pub(crate) fn differs_in_attributes(&self, file: &File) -> io::Result<bool> {
        let Some(worn) = attributes(file)? else {
            return Ok(false);
        };
        let ours = |list: &[(String, Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
            let ours = list.iter().filter(|(name, _)| is_for_users(name));
            ours.cloned().collect()
        };
        Ok(ours(&worn) != ours(&self.attributes))
    }

    /// Gives all of it to a file or folder that is open. What it wears already is left as it is: it may belong to somebody
    /// else, and then not even the same can be set.
    pub(crate) fn put_on(&self, file: &File) -> io::Result<()> {
        let worn = seen(&rustix::fs::fstat(file)?);
        let owner = self.owner.filter(|owner| *owner != worn.owner);
        if let Some((user, group)) = owner.filter(|_| may_give_away()) {
            std::os::unix::fs::fchown(file, Some(user), Some(group))?;
        }
        self.put_on_attributes(file)?;
        // Another owner, or an attribute, may have changed its mode.
        let worn = seen(&rustix::fs::fstat(file)?);
        if let Some(mode) = self.mode.filter(|mode| *mode != worn.mode) {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            file.set_permissions(mode)?;
        }
        if let Some(mtime) = self.mtime.filter(|mtime| *mtime != worn.mtime) {
            rustix::fs::futimens(file, &times(mtime))?;
        }
        Ok(())
    }

    /// Gives it to a link or a pipe, which cannot be opened for that.
    pub(crate) fn put_on_name(&self, folder: &Dir, name: &OsStr, kind: Kind) -> io::Result<()> {
        if let Some(owner) = self.owner.filter(|_| may_give_away()) {
            folder.set_owner_of(name, owner)?;
        }
        if let Some(mode) = self.mode.filter(|_| kind != Kind::Link) {
            folder.set_mode_of(name, mode)?;
        }
        match self.mtime {
            Some(mtime) => folder.set_mtime_of(name, mtime),
            None => Ok(()),
        }
    }

    fn put_on_attributes(&self, file: &File) -> io::Result<()> {
        let Some(worn) = attributes(file)? else {
            return Ok(());
        };
        for (name, _) in worn.iter().filter(|(name, _)| is_for_users(name)) {
            if !self.attributes.iter().any(|(wanted, _)| wanted == name) {
                rustix::fs::fremovexattr(file, name.as_str())?;
            }
        }
        let others = self.attributes.iter();
        for (name, value) in others.filter(|attribute| !worn.contains(attribute)) {
            let flags = rustix::fs::XattrFlags::empty();
            match rustix::fs::fsetxattr(file, name.as_str(), value, flags) {
                // Those of the system are its own affair where we may not set them.
                Err(error) if !is_for_users(name) => {
                    tracing::debug!(name, %error, "an attribute of the system is not restored");
                }
                set => set?,
            }
        }
        Ok(())
    }
}

/// The bits of Go's `fs.FileMode`, in which restic stores a mode, as those of the system.
fn from_go_mode(mode: u32) -> u32 {
    const FLAGS: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
    let flags = FLAGS.iter().filter(|(go, _)| mode & go != 0);
    mode & 0o777 | flags.fold(0, |bits, (_, flag)| bits | flag)
}

/// Whether files can be given to others: to root alone.
fn may_give_away() -> bool {
    rustix::process::geteuid().is_root()
}

fn is_for_users(name: &str) -> bool {
    cfg!(target_vendor = "apple") || name.starts_with("user.")
}

/// Names and values.
type Attributes = Vec<(String, Vec<u8>)>;

/// Sorted by name. `None`: the file system has none.
fn attributes(file: &File) -> io::Result<Option<Attributes>> {
    use rustix::io::Errno;
    let mut list = vec![0; 64 * 1024];
    let length = match rustix::fs::flistxattr(file, &mut list) {
        Err(Errno::NOTSUP) => return Ok(None),
        length => length?,
    };
    let mut all = Vec::new();
    for name in list[..length].split(|byte| *byte == 0) {
        let Some(name) = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        let mut value = vec![0; 64 * 1024];
        match rustix::fs::fgetxattr(file, name, &mut value) {
            Ok(length) => all.push((name.to_owned(), value[..length].to_vec())),
            // Gone by now, or not for us.
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    all.sort();
    Ok(Some(all))
}
