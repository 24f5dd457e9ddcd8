//! What a restore replaced, kept so that it can be brought back until the next restore: `undo/NUMBER/` with a note, the
//! library's folder, and what was in other folders. The highest number with a whole note is the one that counts.

mod removal;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::durable::{create_private_folder, sync_folder, sync_parent, write_private};
use crate::failpoint::failpoint;
use crate::journal::LIBRARY;
use crate::names::{escape, unescape};
use crate::restore::area::Area;
use crate::restore::dir::Dir;
use crate::restore::kept;
use crate::restore::seen::{Dress, Lasting, Seen};
use crate::{BackupId, Error};
pub(crate) use removal::{forget, remove_older};

/// What *Undo restore* would bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    /// The backup that was restored.
    pub backup: BackupId,
    pub restored: DateTime<Utc>,
    /// In the library that would come back.
    pub assets: u64,
    pub bytes: u64,
    /// What would come back: ids of sources, and `library`.
    pub sources: Vec<String>,
}

/// `undo/NUMBER/undo.json`; `next.json` until its swap is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoNote {
    pub backup: String,
    pub restored: DateTime<Utc>,
    pub assets: u64,
    pub bytes: u64,
    /// The restore was undone; what is kept here is what the undo replaced.
    pub undone: bool,
    /// Whether the library's folder is swapped. Earlier versions restored nothing else.
    #[serde(default = "yes")]
    pub library: bool,
    /// By which what it keeps in targets is known. Earlier versions had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartNote>,
    /// Nothing was replaced: it went into another folder. What an earlier restore replaced can still be brought back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
}

/// What is renamed under one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartNote {
    pub id: String,
    /// Escaped: see [`PartNote::base`].
    pub base: String,
    pub area: Area,
    pub moves: Vec<Move>,
    /// Outer ones before inner ones.
    pub folders: Vec<FolderNote>,
}

/// An entry that goes, comes, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// Its name where it is kept and where the new one comes from.
    pub number: u64,
    pub at: String,
    pub take: bool,
    pub put: bool,
    /// What the plan saw, known only in the process that made it.
    #[serde(skip)]
    pub seen: Option<Seen>,
    /// What comes, as it was before. Earlier versions did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comes: Option<Lasting>,
}

/// A folder that gets other metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderNote {
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Dress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Dress>,
}

fn yes() -> bool {
    true
}

impl PartNote {
    pub(crate) fn new(id: &str, base: &Path, area: Area) -> Self {
        Self {
            id: id.to_owned(),
            base: escape(base),
            area,
            moves: Vec::new(),
            folders: Vec::new(),
        }
    }

    pub(crate) fn base(&self) -> PathBuf {
        unescape(&self.base)
    }

    /// Of its folder, for a person.
    pub(crate) fn name(&self) -> String {
        let base = self.base();
        let name = base.file_name().unwrap_or(base.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Nothing is done for it. It stands in the list all the same: what is kept and what comes goes by the place there.
    pub(crate) fn is_idle(&self) -> bool {
        self.moves.is_empty() && self.folders.is_empty()
    }

    /// Makes its folder where there is none any more.
    pub(crate) fn make_base(&self) -> io::Result<()> {
        let base = self.base();
        if base.try_exists()? {
            return Ok(());
        }
        create_private_folder(&base)?;
        sync_parent(&base)
    }
}

impl Move {
    pub(crate) fn at(&self) -> PathBuf {
        unescape(&self.at)
    }
}

impl FolderNote {
    pub(crate) fn at(&self) -> PathBuf {
        unescape(&self.at)
    }
}

impl UndoNote {
    /// Whether anything is, or would be, another one by it.
    pub(crate) fn changes_anything(&self) -> bool {
        self.library || !self.parts.iter().all(PartNote::is_idle)
    }

    /// The parts for which anything is done, with their numbers. Nothing is made or needed of the folders of others, which
    /// may be on disks that are away or cannot be written to.
    pub(crate) fn busy_parts(&self) -> impl Iterator<Item = (usize, &PartNote)> {
        let numbered = self.parts.iter().enumerate();
        numbered.filter(|(_, part)| !part.is_idle())
    }

    /// Writes it so that it does not count yet.
    pub(crate) fn write_aside(&self, folder: &Path) -> io::Result<()> {
        write_private(&folder.join("next.json"), &serde_json::to_vec(self)?)
    }

    /// Lets it count.
    pub(crate) fn settle(folder: &Path) -> io::Result<()> {
        failpoint("undo-note")?;
        match fs::rename(folder.join("next.json"), folder.join("undo.json")) {
            // It did already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        sync_folder(folder)
    }

    /// Of a swap that may not be carried out yet.
    pub(crate) fn read_aside(folder: &Path) -> Result<Self, Error> {
        match fs::read(folder.join("next.json")) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::read(folder),
            Err(error) => Err(Error::io("reading what can be undone")(error)),
        }
    }

    fn read(folder: &Path) -> Result<Self, Error> {
        let text = fs::read(folder.join("undo.json"));
        Self::parse(&text.map_err(Error::io("reading what can be undone"))?)
    }

    fn parse(text: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(text).map_err(|error| Error::Damaged {
            backup: None,
            detail: format!("undo.json: {error}"),
        })
    }

    fn record(&self) -> Option<UndoRecord> {
        let backup = BackupId::parse(&self.backup).filter(|_| !self.undone)?;
        let library = self.library.then(|| LIBRARY.to_owned());
        let parts = self.parts.iter().filter(|part| !part.is_idle());
        let parts = parts.map(|part| part.id.clone());
        Some(UndoRecord {
            backup,
            restored: self.restored,
            assets: self.assets,
            bytes: self.bytes,
            sources: library.into_iter().chain(parts).collect(),
        })
    }
}

/// Where a swap keeps what it replaces of the part with this number, in an area.
pub(crate) fn kept(number: u64, part: usize) -> PathBuf {
    numbered(number).join(part.to_string())
}

/// The same for all parts.
pub(crate) fn numbered(number: u64) -> PathBuf {
    Path::new("undo").join(number.to_string())
}

/// Something that is kept and can be brought back.
pub(crate) struct Kept {
    pub number: u64,
    pub note: UndoNote,
    pub record: UndoRecord,
}

/// What can be undone. `None`: nothing, or it has been undone.
pub(crate) fn current(data_dir: &Path) -> Result<Option<Kept>, Error> {
    let Some(number) = newest(data_dir).map_err(Error::io("looking for what can be undone"))?
    else {
        return Ok(None);
    };
    let note = UndoNote::read(&folder(data_dir, number))?;
    Ok(note.record().map(|record| Kept {
        number,
        note,
        record,
    }))
}

pub(crate) fn folder(data_dir: &Path, number: u64) -> PathBuf {
    data_dir.join("undo").join(number.to_string())
}

/// A number higher than all that are in use in the data folder, and free in each target that is to keep something itself.
pub(crate) fn next_number(data_dir: &Path, parts: &[PartNote]) -> Result<u64, Error> {
    let find = || {
        let own = numbers(&data_dir.join("undo"))?.into_iter().max();
        let mut taken = BTreeSet::new();
        let keeping = |part: &&PartNote| part.area == Area::Target && !part.is_idle();
        for part in parts.iter().filter(keeping) {
            taken.extend(numbers(&kept::undo_of(&part.base()))?);
        }
        let mut above = own.unwrap_or(0).saturating_add(1)..=u64::MAX;
        let free = above.find(|number| !taken.contains(number));
        free.ok_or_else(|| io::ErrorKind::AlreadyExists.into())
    };
    find().map_err(Error::io("looking for what can be undone"))
}

/// Makes the folder of a commit in the data folder. Errors: `AlreadyExists`: no number is used twice.
pub(crate) fn make_folder(data_dir: &Path, number: u64) -> io::Result<()> {
    create_private_folder(&data_dir.join("undo"))?;
    Dir::open(&data_dir.join("undo"))?.make_folder(number.to_string().as_ref())
}

fn newest(data_dir: &Path) -> io::Result<Option<u64>> {
    // Notes of earlier versions were there before what they are about.
    let counts = |number: &u64| {
        let folder = folder(data_dir, *number);
        let note = UndoNote::read(&folder);
        if note.as_ref().is_ok_and(|note| note.aside) {
            return false;
        }
        let library_alone =
            note.is_ok_and(|note| note.library && note.parts.iter().all(PartNote::is_idle));
        folder.join("undo.json").is_file() && (!library_alone || folder.join(LIBRARY).is_dir())
    };
    Ok(numbers(&data_dir.join("undo"))?
        .into_iter()
        .filter(counts)
        .max())
}

fn numbers(undo: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(undo) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        // Only the form that this program writes: "+7" and "007" are somebody else's.
        numbers.extend(number.filter(|number| number.to_string().as_str() == name));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(data_dir: &Path, number: u64, undone: bool) {
        let folder = folder(data_dir, number);
        fs::create_dir_all(folder.join(LIBRARY)).unwrap();
        let note = UndoNote {
            backup: "1.0.0_20260102T030405678Z".into(),
            restored: Utc::now(),
            assets: number,
            bytes: 3,
            undone,
            library: true,
            mark: None,
            parts: Vec::new(),
            aside: false,
        };
        note.write_aside(&folder).unwrap();
        UndoNote::settle(&folder).unwrap();
    }

    #[test]
    fn the_newest_that_holds_a_library_counts_and_the_others_go() {
        let data = tempfile::tempdir().unwrap();
        assert!(current(data.path()).unwrap().is_none());
        assert_eq!(next_number(data.path(), &[]).unwrap(), 1);
        keep(data.path(), 9, false);
        keep(data.path(), 10, false);
        // A swap that never began left a note without a library.
        fs::create_dir_all(folder(data.path(), 11)).unwrap();
        let foreign = data.path().join("undo/007");
        fs::create_dir_all(&foreign).unwrap();

        assert_eq!(current(data.path()).unwrap().unwrap().record.assets, 10);
        assert_eq!(next_number(data.path(), &[]).unwrap(), 12);
        remove_older(data.path());
        assert_eq!(numbers(&data.path().join("undo")).unwrap(), [10]);
        assert!(foreign.exists(), "a folder of somebody else was removed");
    }

    #[test]
    fn a_note_that_was_only_half_written_does_not_stay() {
        let data = tempfile::tempdir().unwrap();
        let folder = folder(data.path(), 3);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("next.new"), "{\"back").unwrap();
        remove_older(data.path());
        assert!(!folder.exists());
    }

    #[test]
    fn what_was_undone_cannot_be_undone_again() {
        let data = tempfile::tempdir().unwrap();
        keep(data.path(), 1, true);
        assert!(current(data.path()).unwrap().is_none());
    }
}
