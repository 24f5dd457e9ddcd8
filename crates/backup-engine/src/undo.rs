//! What a restore replaced, kept so that it can be brought back until the next restore: `undo/NUMBER/` with the library's
//! folder and a note. The highest number that holds a library is the one that counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::durable::write_private;
use crate::journal::LIBRARY;
use crate::{BackupId, Error};

/// What *Undo restore* would bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    /// The backup that was restored.
    pub backup: BackupId,
    pub restored: DateTime<Utc>,
    /// In the library that would come back.
    pub assets: u64,
    pub bytes: u64,
    /// Ids of the sources that would come back, or `library`.
    pub sources: Vec<String>,
}

/// `undo/NUMBER/undo.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoNote {
    pub backup: String,
    pub restored: DateTime<Utc>,
    pub assets: u64,
    pub bytes: u64,
    /// The restore was undone; what is kept here is what the undo replaced.
    pub undone: bool,
}

impl UndoNote {
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        write_private(&folder.join("undo.json"), &serde_json::to_vec(self)?)
    }

    fn read(folder: &Path) -> Result<Self, Error> {
        let text = fs::read(folder.join("undo.json"));
        let text = text.map_err(Error::io("reading what can be undone"))?;
        serde_json::from_slice(&text).map_err(|error| Error::Damaged {
            backup: None,
            detail: format!("undo.json: {error}"),
        })
    }

    fn record(&self) -> Option<UndoRecord> {
        let backup = BackupId::parse(&self.backup).filter(|_| !self.undone)?;
        Some(UndoRecord {
            backup,
            restored: self.restored,
            assets: self.assets,
            bytes: self.bytes,
            sources: vec!["library".into()],
        })
    }
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

/// A number higher than all that are in use.
pub(crate) fn next_number(data_dir: &Path) -> Result<u64, Error> {
    let numbers = numbers(data_dir).map_err(Error::io("looking for what can be undone"))?;
    Ok(numbers.into_iter().max().unwrap_or(0) + 1)
}

/// Removes what older restores kept, all but the one that counts. Best effort: it only costs space. To be called only
/// when no swap is pending.
pub(crate) fn remove_older(data_dir: &Path) {
    let removed = newest(data_dir).and_then(|newest| {
        for number in numbers(data_dir)? {
            if Some(number) != newest {
                fs::remove_dir_all(folder(data_dir, number))?;
            }
        }
        Ok(())
    });
    if let Err(error) = removed {
        tracing::warn!(%error, "what an older restore replaced stays for now");
    }
}

fn newest(data_dir: &Path) -> io::Result<Option<u64>> {
    let holds_library = |number: &u64| folder(data_dir, *number).join(LIBRARY).is_dir();
    Ok(numbers(data_dir)?.into_iter().filter(holds_library).max())
}

fn numbers(data_dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(data_dir.join("undo")) {
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
        };
        note.write(&folder).unwrap();
    }

    #[test]
    fn the_newest_that_holds_a_library_counts_and_the_others_go() {
        let data = tempfile::tempdir().unwrap();
        assert!(current(data.path()).unwrap().is_none());
        assert_eq!(next_number(data.path()).unwrap(), 1);
        keep(data.path(), 9, false);
        keep(data.path(), 10, false);
        // A swap that never began left a note without a library.
        fs::create_dir_all(folder(data.path(), 11)).unwrap();
        let foreign = data.path().join("undo/007");
        fs::create_dir_all(&foreign).unwrap();

        assert_eq!(current(data.path()).unwrap().unwrap().record.assets, 10);
        assert_eq!(next_number(data.path()).unwrap(), 12);
        remove_older(data.path());
        assert_eq!(numbers(data.path()).unwrap(), [10]);
        assert!(foreign.exists(), "a folder of somebody else was removed");
    }

    #[test]
    fn what_was_undone_cannot_be_undone_again() {
        let data = tempfile::tempdir().unwrap();
        keep(data.path(), 1, true);
        assert!(current(data.path()).unwrap().is_none());
    }
}
