//! The commit of a restore: a written list of renames that is carried out whole, or taken back whole, whatever happens
//! in between. At the next start, before anything opens the library, a list that is still there is carried out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::durable::{create_private_folder, remove_if_there, sync_folder, write_private};
use crate::undo::UndoNote;

/// `restore/journal.json`. Paths are relative to the data folder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Swap {
    /// A new, empty folder of its own, which takes what is replaced.
    pub keep_in: PathBuf,
    /// What is there → where it is kept; then what comes → what is there. Each target is free when its turn comes.
    pub renames: Vec<(PathBuf, PathBuf)>,
    /// Files that belong to what is replaced and must not be met by what comes.
    pub discard: Vec<PathBuf>,
    /// What to remember for *Undo restore*.
    pub note: UndoNote,
}

impl Swap {
    /// Carries the swap out. On an error everything is as before; where even that failed, the journal stays, and the
    /// next start settles it.
    pub(crate) fn commit(&self, data_dir: &Path) -> Result<(), Error> {
        for folder in [Path::new("restore"), &self.keep_in] {
            create_private_folder(&data_dir.join(folder))
                .map_err(Error::io("making room for what is replaced"))?;
        }
        let text =
            serde_json::to_vec(self).map_err(|error| Error::Repository(error.to_string()))?;
        write_private(&journal(data_dir), &text).map_err(Error::io("writing the journal"))?;
        if let Err(source) = self.carry_out(data_dir) {
            self.take_back(data_dir)
                .map_err(Error::io("taking a failed restore back"))?;
            remove_if_there(&journal(data_dir)).map_err(Error::io("removing the journal"))?;
            return Err(Error::Io {
                doing: "replacing the library",
                source,
            });
        }
        remove_if_there(&journal(data_dir)).map_err(Error::io("removing the journal"))?;
        if let Err(error) = sync_folder(&data_dir.join("restore")) {
            tracing::warn!(%error, "the end of a restore was not synced; the next start looks at it once more");
        }
        Ok(())
    }

    /// Any number of times, from any point at which it broke off: a step that is done has no source, or its target
    /// is taken.
    fn carry_out(&self, data_dir: &Path) -> io::Result<()> {
        for (from, to) in &self.renames {
            rename_if_due(&data_dir.join(from), &data_dir.join(to))?;
        }
        for path in &self.discard {
            remove_if_there(&data_dir.join(path))?;
        }
        self.sync(data_dir)?;
        self.note.write(data_dir)
    }

    fn take_back(&self, data_dir: &Path) -> io::Result<()> {
        for (from, to) in self.renames.iter().rev() {
            rename_if_due(&data_dir.join(to), &data_dir.join(from))?;
        }
        self.sync(data_dir)
    }

    fn sync(&self, data_dir: &Path) -> io::Result<()> {
        for (from, to) in &self.renames {
            for path in [from, to] {
                let folder = data_dir.join(path.parent().unwrap_or(Path::new("")));
                if folder.exists() {
                    sync_folder(&folder)?;
                }
            }
        }
        Ok(())
    }
}

/// Finishes a commit that a crash broke off. To be called before anything opens the library.
pub(crate) fn settle(data_dir: &Path) -> Result<(), Error> {
    let text = match fs::read(journal(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Error::Io {
                doing: "reading the journal",
                source: error,
            });
        }
    };
    // The journal is written whole or not at all, so one that does not read is damage, and nothing to guess about.
    let swap: Swap = serde_json::from_slice(&text).map_err(|error| Error::Damaged {
        backup: None,
        detail: format!("the journal of a restore: {error}"),
    })?;
    tracing::warn!(backup = %swap.note.backup, "finishing a restore that was broken off");
    create_private_folder(&data_dir.join(&swap.keep_in))
        .map_err(Error::io("finishing a restore"))?;
    swap.carry_out(data_dir)
        .map_err(Error::io("finishing a restore"))?;
    remove_if_there(&journal(data_dir)).map_err(Error::io("removing the journal"))
}

fn journal(data_dir: &Path) -> PathBuf {
    data_dir.join("restore").join("journal.json")
}

fn rename_if_due(from: &Path, to: &Path) -> io::Result<()> {
    if from.try_exists()? && !to.try_exists()? {
        fs::rename(from, to)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use proptest::prelude::*;

    const FILES: [(&str, &str); 3] = [
        ("library.db", "undo/x/library.db"),
        ("library.db-wal", "undo/x/library.db-wal"),
        ("restore/staged.db", "library.db"),
    ];

    fn swap() -> Swap {
        Swap {
            keep_in: "undo/x".into(),
            renames: FILES.map(|(from, to)| (from.into(), to.into())).to_vec(),
            discard: vec!["library.db-shm".into()],
            note: UndoNote {
                backup: "1.0.0_20260102T030405678Z".into(),
                restored: Utc::now(),
                folder: "x".into(),
                assets: 1,
                bytes: 3,
                undone: false,
            },
        }
    }

    fn data(with_log: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["restore", "undo/x"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("library.db"), "old").unwrap();
        fs::write(folder.path().join("restore/staged.db"), "new").unwrap();
        if with_log {
            fs::write(folder.path().join("library.db-wal"), "log of old").unwrap();
        }
        folder
    }

    proptest! {
        #[test]
        fn a_swap_broken_off_anywhere_is_finished_by_the_next_start(done in 0usize..=3, with_log: bool, starts in 1usize..3) {
            let folder = data(with_log);
            let text = serde_json::to_vec(&swap()).unwrap();
            fs::write(folder.path().join("restore/journal.json"), text).unwrap();
            for (from, to) in FILES.iter().take(done) {
                rename_if_due(&folder.path().join(from), &folder.path().join(to)).unwrap();
            }
            for _ in 0..starts {
                settle(folder.path()).unwrap();
            }
            let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
            prop_assert_eq!(read("library.db"), Some("new".to_owned()));
            prop_assert_eq!(read("undo/x/library.db"), Some("old".to_owned()));
            prop_assert_eq!(read("library.db-wal"), None);
            prop_assert_eq!(read("undo/x/library.db-wal").is_some(), with_log);
            prop_assert_eq!(read("restore/journal.json"), None);
        }

        #[test]
        fn a_swap_taken_back_from_anywhere_leaves_what_was_there(done in 0usize..=3, with_log: bool) {
            let folder = data(with_log);
            for (from, to) in FILES.iter().take(done) {
                rename_if_due(&folder.path().join(from), &folder.path().join(to)).unwrap();
            }
            swap().take_back(folder.path()).unwrap();
            let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
            prop_assert_eq!(read("library.db"), Some("old".to_owned()));
            prop_assert_eq!(read("restore/staged.db"), Some("new".to_owned()));
            prop_assert_eq!(read("library.db-wal").is_some(), with_log);
        }
    }

    #[test]
    fn a_journal_that_does_not_read_stops_the_start_instead_of_being_guessed_about() {
        let folder = data(false);
        fs::write(folder.path().join("restore/journal.json"), "{\"renames\":").unwrap();
        assert!(matches!(settle(folder.path()), Err(Error::Damaged { .. })));
        assert_eq!(
            fs::read_to_string(folder.path().join("library.db")).unwrap(),
            "old"
        );
    }
}
