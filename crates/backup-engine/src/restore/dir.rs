//! A folder that is held open. What lies in it is named by single names relative to it and no link is followed, so that
//! nothing a hostile tree or another program puts in the way leads out of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, UTIME_OMIT, chownat, fstat, mkdirat, mknodat, openat,
    readlinkat, renameat, statat, symlinkat, unlinkat, utimensat,
};
use rustix::fs::{Gid, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::seen::{Kind, Moment, Seen};
use crate::database::{PlainFile, database_of};
use crate::failpoint::failpoint;

#[derive(Debug)]
pub(crate) struct Dir(OwnedFd);

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Dir {
    /// Opens the folder at a path; a link at its end is not followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(rustix::fs::CWD, path, FOLDER, Mode::empty())?))
    }

    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(openat(&self.0, single(name)?, FOLDER, Mode::empty())?))
    }

    /// [`Dir::enter`], also where its owner may not: he lets himself in. Returns the mode of one that was opened for that.
    pub(crate) fn enter_opening(&self, name: &OsStr) -> io::Result<(Self, Option<u32>)> {
        let refused = match self.enter(name) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => error,
            entered => return Ok((entered?, None)),
        };
        // A mode goes through a link to what is behind it.
        let Some(seen) = self.look(name)?.filter(|seen| seen.kind == Kind::Folder) else {
            return Err(refused);
        };
        self.set_mode_of(name, seen.mode | 0o700)?;
        match self.enter(name) {
            Ok(folder) => Ok((folder, Some(seen.mode))),
            Err(error) => {
                self.set_mode_of(name, seen.mode)?;
                Err(error)
            }
        }
    }

    /// The folder at a relative path, entered name by name.
    pub(crate) fn walk(&self, path: &Path) -> io::Result<Self> {
        let mut folder = Self(self.0.try_clone()?);
        for part in path.components() {
            match part {
                Component::Normal(name) => folder = folder.enter(name)?,
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(folder)
    }

    /// [`Dir::walk`], making what is not there, for the user alone.
    pub(crate) fn walk_making(&self, path: &Path) -> io::Result<Self> {
        let mut folder = Self(self.0.try_clone()?);
        for name in path {
            match folder.make_folder(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made?;
                    folder.sync()?;
                }
            }
            folder = folder.enter(name)?;
        }
        Ok(folder)
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// What lies there itself; `None`: nothing.
    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Option<Seen>> {
        match statat(&self.0, single(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(seen(&stat))),
            Err(error) if error == Errno::NOENT => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn look_at_self(&self) -> io::Result<Seen> {
        Ok(seen(&fstat(&self.0)?))
    }

    /// A number for the mount that this folder lies in: things can be renamed within one.
    #[cfg(target_os = "linux")]
    pub(crate) fn mount(&self) -> io::Result<(u64, u64)> {
        use rustix::fs::{StatxFlags, statx};
        let device = fstat(&self.0)?.st_dev;
        let mount = statx(&self.0, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID);
        Ok((device, mount.map_or(0, |facts| facts.stx_mnt_id)))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn mount(&self) -> io::Result<(u64, u64)> {
        Ok((fstat(&self.0)?.st_dev as u64, 0))
    }

    /// Opens a regular file for reading; one that is a pipe by now is not waited for.
    pub(crate) fn read_file(&self, name: &OsStr) -> io::Result<PlainFile> {
        let identity = |name| self.look(name).ok()?.map(|seen| (seen.device, seen.inode));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let database = database_of(name).and_then(identity);
        let file = PlainFile::known(identity(name), database, || {
            let file = openat(&self.0, single(name)?, flags, Mode::empty())?;
            Ok(File::from(file))
        })?;
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("not a regular file any more"))
        }
    }

    /// Makes a new file for the user alone.
    pub(crate) fn create_file(&self, name: &OsStr) -> io::Result<File> {
        failpoint("restore-create")?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        Ok(File::from(openat(&self.0, single(name)?, flags, mode)?))
    }

    pub(crate) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        failpoint("restore-make-folder")?;
        Ok(mkdirat(&self.0, single(name)?, Mode::from_raw_mode(0o700))?)
    }

    pub(crate) fn make_link(&self, name: &OsStr, target: &OsStr) -> io::Result<()> {
        failpoint("restore-make-link")?;
        Ok(symlinkat(target, &self.0, single(name)?)?)
    }

    #[cfg(not(target_vendor = "apple"))]
    pub(crate) fn make_fifo(&self, name: &OsStr) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o600);
        Ok(mknodat(&self.0, single(name)?, FileType::Fifo, mode, 0)?)
    }

    #[cfg(target_vendor = "apple")]
    pub(crate) fn make_fifo(&self, _name: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn link_target(&self, name: &OsStr) -> io::Result<OsString> {
        let target = readlinkat(&self.0, single(name)?, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// Moves an entry. What is at the target is never replaced. A folder that its owner may not write to can be moved as
    /// well, and comes out as it was.
    pub(crate) fn rename(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        failpoint("restore-rename")?;
        let renamed = self.rename_as_it_is(name, to, to_name);
        failpoint("restore-renamed")?;
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let (folder, was_shut) = self.enter_opening(name).map_err(|_| error)?;
                let mode = match was_shut {
                    Some(mode) => mode,
                    None => folder.look_at_self()?.mode,
                };
                folder.set_mode(mode | 0o700)?;
                let moved = self.rename_as_it_is(name, to, to_name);
                folder.set_mode(mode)?;
                moved
            }
            moved => moved,
        }
    }

    fn rename_as_it_is(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(&self.0, single(name)?, &to.0, single(to_name)?, flags) {
                // A file system that cannot promise it.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                moved => return Ok(moved?),
            }
        }
        if to.look(to_name)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(renameat(&self.0, single(name)?, &to.0, single(to_name)?)?)
    }

    /// Removes an entry with all that is in it. One that is not there is as good as removed.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        failpoint("restore-remove")?;
        match self.look(name)? {
            None => Ok(()),
            Some(seen) if seen.kind == Kind::Folder => {
                let (folder, _) = self.enter_opening(name)?;
                if folder.look_at_self()?.mode & 0o700 != 0o700 {
                    folder.set_mode(0o700)?;
                }
                for inner in folder.names()? {
                    folder.remove(&inner)?;
                }
                Ok(unlinkat(&self.0, single(name)?, AtFlags::REMOVEDIR)?)
            }
            Some(_) => Ok(unlinkat(&self.0, single(name)?, AtFlags::empty())?),
        }
    }

    /// Removes a folder in which nothing is. Returns whether there is none any more.
    pub(crate) fn remove_empty(&self, name: &OsStr) -> io::Result<bool> {
        failpoint("restore-remove")?;
        match unlinkat(&self.0, single(name)?, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, Mode::from_raw_mode(mode as _))?)
    }

    /// Not for links.
    pub(crate) fn set_mode_of(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode as _);
        let name = single(name)?;
        Ok(rustix::fs::chmodat(&self.0, name, mode, AtFlags::empty())?)
    }

    pub(crate) fn set_owner_of(&self, name: &OsStr, (user, group): (u32, u32)) -> io::Result<()> {
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(chownat(&self.0, single(name)?, user, group, flags)?)
    }

    pub(crate) fn set_mtime_of(&self, name: &OsStr, mtime: Moment) -> io::Result<()> {
        let times = times(mtime);
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(utimensat(&self.0, single(name)?, &times, flags)?)
    }

    /// The folder itself as a file, for its attributes and for syncing.
    pub(crate) fn file(&self) -> io::Result<File> {
        Ok(File::from(self.0.try_clone()?))
    }

    /// Makes the content of a regular file durable, whatever its mode is.
    pub(crate) fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        let file = match self.read_file(name) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let mode = self.look(name)?.map_or(0, |seen| seen.mode);
                self.set_mode_of(name, mode | 0o400)?;
                let file = self.read_file(name)?;
                self.set_mode_of(name, mode)?;
                file
            }
            file => file?,
        };
        file.sync_all()
    }

    /// Makes what was created, renamed or removed in it durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        failpoint("restore-sync")?;
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

pub(super) fn times(mtime: Moment) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT as _,
        },
        last_modification: Timespec {
            tv_sec: mtime.0,
            tv_nsec: mtime.1 as _,
        },
    }
}

/// Only what names an entry of this very folder.
fn single(name: &OsStr) -> io::Result<&OsStr> {
    if is_single(name) {
        Ok(name)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Whether this names something in one folder, and in no other.
pub(crate) fn is_single(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/') && !bytes.contains(&0)
}

#[allow(clippy::unnecessary_cast)] // Their types differ between systems.
pub(super) fn seen(stat: &Stat) -> Seen {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Folder,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    };
    Seen {
        kind,
        size: stat.st_size as u64,
        mtime: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
        ctime: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        inode: stat.st_ino as u64,
        device: stat.st_dev as u64,
        mode: stat.st_mode as u32 & 0o7777,
        owner: (stat.st_uid, stat.st_gid),
        links: stat.st_nlink as u64,
    }
}
