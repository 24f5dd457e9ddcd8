//! Where a restore stages and what it replaces is kept: in the data folder, or, where that is on another disk, in a folder
//! of our own in the target, so that everything can be put in place by renaming.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::dir::Dir;
use crate::Error;
use crate::durable::{create_private_folder, write_private};
use crate::names::{escape, unescape};
use crate::sources::OWN_FOLDER;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Area {
    Data,
    Target,
}

/// In `restore/`.
const NOTED: &str = "areas.json";

/// `restore/areas.json`: what a restore may leave elsewhere when it is killed.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Areas {
    /// Targets in which it stages.
    pub staging: Vec<String>,
    /// Folders that it made for a target, the outermost first.
    pub made: Vec<String>,
}

impl Area {
    /// The one for a target with this base.
    pub(crate) fn of(data_dir: &Path, base: &Dir) -> io::Result<Self> {
        let same = Dir::open(data_dir)?.mount()? == base.mount()?;
        Ok(if same { Self::Data } else { Self::Target })
    }

    pub(crate) fn path(self, data_dir: &Path, base: &Path) -> PathBuf {
        match self {
            Self::Data => data_dir.to_owned(),
            Self::Target => base.join(OWN_FOLDER),
        }
    }

    pub(crate) fn open(self, data_dir: &Path, base: &Dir) -> io::Result<Dir> {
        match self {
            Self::Data => Dir::open(data_dir),
            Self::Target => base.enter(OWN_FOLDER.as_ref()),
        }
    }

    pub(crate) fn open_or_make(self, data_dir: &Path, base: &Dir) -> io::Result<Dir> {
        match self {
            Self::Data => Dir::open(data_dir),
            Self::Target => base.walk_making(OWN_FOLDER.as_ref()),
        }
    }
}

/// Where the new content of the part with this number lies in an area.
pub(crate) fn staged(part: usize) -> PathBuf {
    Path::new("restore").join(part.to_string())
}

impl Areas {
    /// To be called before anything is made elsewhere.
    pub(crate) fn note(&self, data_dir: &Path) -> io::Result<()> {
        let folder = data_dir.join("restore");
        create_private_folder(&folder)?;
        write_private(&folder.join(NOTED), &serde_json::to_vec(self)?)
    }

    /// Those that an earlier restore has left and that could not be reached since.
    pub(super) fn left(data_dir: &Path) -> Self {
        Self {
            staging: Self::read(data_dir).staging,
            made: Vec::new(),
        }
    }

    /// Removes all else that a restore left in the data folder.
    fn keep_alone(&self, data_dir: &Path) -> io::Result<()> {
        self.note(data_dir)?;
        let folder = Dir::open(&data_dir.join("restore"))?;
        for name in folder.names()? {
            if name != NOTED {
                folder.remove(&name)?;
            }
        }
        Ok(())
    }

    fn read(data_dir: &Path) -> Self {
        let text = fs::read(data_dir.join("restore").join(NOTED));
        let areas = text
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        areas.unwrap_or_default()
    }

    pub(crate) fn add_staging(&mut self, base: &Path) {
        self.staging.push(escape(base));
    }
}

/// Makes the folder of a target. Returns what had to be made, the outermost first.
pub(crate) fn missing_above(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    missing
}

/// Removes what an interrupted restore staged. To be called only when no swap is pending.
pub(crate) fn remove_staging(data_dir: &Path) -> Result<(), Error> {
    let areas = Areas::read(data_dir);
    let mut away = Areas::default();
    for base in &areas.staging {
        // Best effort: the disk may be gone, and what lies there only costs space. It is removed once the disk is there.
        if let Err(error) = remove_from_target(&unescape(base), "restore".as_ref()) {
            tracing::warn!(%error, "what an interrupted restore left on another disk stays");
            away.staging.push(base.clone());
        }
    }
    for folder in areas.made.iter().rev() {
        // Only where it is empty.
        if let Err(error) = fs::remove_dir(unescape(folder)) {
            tracing::debug!(%error, "a folder that was made for a restore stays");
        }
    }
    let removed = if away.staging.is_empty() {
        Dir::open(data_dir).and_then(|folder| folder.remove("restore".as_ref()))
    } else {
        away.keep_alone(data_dir)
    };
    removed.map_err(Error::io("removing what an interrupted restore left"))
}

/// Removes one thing from the folder of our own in a target, and that folder where nothing else is in it.
fn remove_from_target(base: &Path, name: &OsStr) -> io::Result<()> {
    let base = Dir::open(base)?;
    let own = match base.enter(OWN_FOLDER.as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        own => own?,
    };
    own.remove(name)?;
    // Without a look before: another data folder may begin to keep something there at any time.
    base.remove_empty(OWN_FOLDER.as_ref())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_restore_left_on_a_disk_that_is_away_is_removed_once_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (data, disk) = (folder.path().join("data"), folder.path().join("disk"));
        let mut areas = Areas::default();
        areas.add_staging(&disk);
        areas.note(&data).unwrap();
        fs::create_dir_all(data.join("restore/staged")).unwrap();
        remove_staging(&data).unwrap();
        assert!(!data.join("restore/staged").exists());
        fs::create_dir_all(disk.join(".holdfast/restore/0")).unwrap();
        remove_staging(&data).unwrap();
        assert!(!disk.join(".holdfast").exists());
        assert!(!data.join("restore").exists());
    }
    /// Both at work on one disk, over and over: nothing tells them apart but what they find there.
    #[test]
    fn what_another_data_folder_begins_to_keep_while_our_own_folder_is_removed_stays() {
        const ROUNDS: usize = 2_000;
        let disk = tempfile::tempdir().unwrap();
        let own = disk.path().join(OWN_FOLDER);
        let undo = own.join("undo");
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                for _ in 0..ROUNDS {
                    while fs::create_dir_all(&own).is_err() || fs::create_dir(&undo).is_err() {}
                    // From here on it is not empty any more.
                    fs::write(undo.join("kept"), "").map_err(|_| "its folder is gone")?;
                    fs::remove_file(undo.join("kept")).map_err(|_| "what it keeps is gone")?;
                    fs::remove_dir(&undo).map_err(|_| "its folder is gone")?;
                }
                Ok::<(), &str>(())
            });
            while !other.is_finished() {
                if own.exists() {
                    remove_from_target(disk.path(), "restore".as_ref()).unwrap();
                }
            }
            assert_eq!(other.join().unwrap(), Ok(()));
        });
    }
}
