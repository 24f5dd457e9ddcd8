//! The commit of a restore: two renames of whole folders, with a journal of them that is settled at the next start,
//! before anything opens the library.
//!
//! The library's file and its log lie in one folder, so that they move together or not at all. Which of the three folders
//! (the library, what is kept, what comes) are there tells how far a swap got, however often it is looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::durable::{
    create_private_folder, remove_if_there, sync_folder, sync_parent, write_private,
};
use crate::failpoint::failpoint;
use crate::undo::{self, UndoNote};

/// The folder of the library in the data folder.
pub(crate) const LIBRARY: &str = "library";

/// `restore/journal.json`. It holds numbers and no paths, so it can name no folder but those of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Swap {
    pub incoming: Incoming,
    /// The number under which what is replaced is kept: a new one.
    pub keep: u64,
}

/// What takes the library's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Incoming {
    Staged,
    Kept(u64),
}

/// Where a restore stages.
pub(crate) fn staged(data_dir: &Path) -> PathBuf {
    data_dir.join("restore").join("staged")
}

fn journal(data_dir: &Path) -> PathBuf {
    data_dir.join("restore").join("journal.json")
}

/// Whether a swap broke off that could not be taken back. What it was about must not be touched before it is settled.
pub(crate) fn is_pending(data_dir: &Path) -> Result<bool, Error> {
    journal(data_dir)
        .try_exists()
        .map_err(Error::io("looking for the journal"))
}

/// The three folders of a swap.
struct Folders {
    live: PathBuf,
    kept: PathBuf,
    incoming: PathBuf,
}

impl Swap {
    /// Carries the swap out, with what *Undo restore* needs to know noted first. On an error everything is as before; where
    /// even that failed, the journal stays, and the next start or restore settles it.
    pub(crate) fn commit(self, data_dir: &Path, note: &UndoNote) -> Result<(), Error> {
        if let Err(source) = self.announce(data_dir, note) {
            self.withdraw(data_dir)?;
            return Err(Error::Io {
                doing: "writing the journal",
                source,
            });
        }
        let folders = self.folders(data_dir);
        if let Err(source) = folders.swap() {
            folders
                .swap_back()
                .map_err(Error::io("taking a failed restore back"))?;
            self.withdraw(data_dir)?;
            return Err(Error::Io {
                doing: "replacing the library",
                source,
            });
        }
        // From here on the journal says nothing that is not so already.
        if let Err(error) = self.withdraw(data_dir) {
            tracing::warn!(%error, "the journal of a restore stays until the next start");
        }
        Ok(())
    }

    fn announce(self, data_dir: &Path, note: &UndoNote) -> io::Result<()> {
        let keep = undo::folder(data_dir, self.keep);
        for folder in [&data_dir.join("restore"), &keep] {
            create_private_folder(folder)?;
        }
        note.write(&keep)?;
        sync_parent(&keep)?;
        write_private(&journal(data_dir), &serde_json::to_vec(&self)?)?;
        sync_folder(data_dir)
    }

    fn withdraw(self, data_dir: &Path) -> Result<(), Error> {
        remove_if_there(&journal(data_dir)).map_err(Error::io("removing the journal"))?;
        sync_parent(&journal(data_dir)).map_err(Error::io("removing the journal"))
    }

    fn folders(self, data_dir: &Path) -> Folders {
        let kept = |number| undo::folder(data_dir, number).join(LIBRARY);
        Folders {
            live: data_dir.join(LIBRARY),
            kept: kept(self.keep),
            incoming: match self.incoming {
                Incoming::Staged => staged(data_dir),
                Incoming::Kept(number) => kept(number),
            },
        }
    }
}

impl Folders {
    fn swap(&self) -> io::Result<()> {
        if self.live.try_exists()? {
            move_folder(&self.live, &self.kept)?;
        }
        move_folder(&self.incoming, &self.live)
    }

    fn swap_back(&self) -> io::Result<()> {
        if !self.kept.try_exists()? {
            return Ok(());
        }
        if self.live.try_exists()? {
            move_folder(&self.live, &self.incoming)?;
        }
        move_folder(&self.kept, &self.live)
    }

    /// From wherever it broke off. What had not begun is dropped; what had is carried out, or taken back where what was to
    /// come is not there any more.
    fn settle(&self) -> io::Result<()> {
        if self.live.try_exists()? {
            Ok(())
        } else if self.incoming.try_exists()? {
            move_folder(&self.incoming, &self.live)
        } else {
            move_folder(&self.kept, &self.live)
        }
    }
}

/// Renames and makes it durable. Fails where the target is taken.
fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    if to.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    failpoint("swap-move")?;
    fs::rename(from, to)?;
    failpoint("swap-moved")?;
    sync_parent(to)?;
    sync_parent(from)
}

/// Settles a swap that a crash or a failure broke off. To be called before anything opens the library.
pub(crate) fn settle(data_dir: &Path) -> Result<(), Error> {
    let text = match fs::read(journal(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(Error::Io {
                doing: "reading the journal",
                source,
            });
        }
    };
    // The journal is written whole or not at all, so one that does not read is damage, and nothing to guess about.
    let swap: Swap = serde_json::from_slice(&text).map_err(|error| Error::Damaged {
        backup: None,
        detail: format!("the journal of a restore: {error}"),
    })?;
    tracing::warn!(?swap, "settling a restore that was broken off");
    swap.folders(data_dir)
        .settle()
        .map_err(Error::io("settling a restore"))?;
    swap.withdraw(data_dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    const SWAPS: [Swap; 2] = [
        Swap {
            incoming: Incoming::Staged,
            keep: 7,
        },
        Swap {
            incoming: Incoming::Kept(6),
            keep: 7,
        },
    ];

    fn note() -> UndoNote {
        UndoNote {
            backup: "1.0.0_20260102T030405678Z".into(),
            restored: Utc::now(),
            assets: 1,
            bytes: 3,
            undone: false,
        }
    }

    fn library(folder: &Path, content: &str) {
        fs::create_dir_all(folder).unwrap();
        for name in ["library.db", "library.db-wal"] {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    /// What is in a library's folder: the same in the file and in its log, or nothing.
    fn content(folder: &Path) -> Option<String> {
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        assert_eq!(read("library.db"), read("library.db-wal"));
        read("library.db")
    }

    fn prepared(swap: Swap) -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = swap.folders(folder.path());
        library(&folders.live, "old");
        library(&folders.incoming, "new");
        (folder, folders)
    }

    #[test]
    fn a_swap_puts_the_new_in_place_and_keeps_the_old_with_its_log() {
        for swap in SWAPS {
            let (data, folders) = prepared(swap);
            swap.commit(data.path(), &note()).unwrap();
            assert_eq!(content(&folders.live).as_deref(), Some("new"));
            assert_eq!(content(&folders.kept).as_deref(), Some("old"));
            assert!(!folders.incoming.exists() && !journal(data.path()).exists());
        }
    }

    #[test]
    fn a_swap_broken_off_anywhere_is_settled_and_can_be_settled_again() {
        for swap in SWAPS {
            for moved in 0..=2 {
                let (data, folders) = prepared(swap);
                swap.announce(data.path(), &note()).unwrap();
                let moves = [
                    (&folders.live, &folders.kept),
                    (&folders.incoming, &folders.live),
                ];
                for (from, to) in moves.into_iter().take(moved) {
                    move_folder(from, to).unwrap();
                }
                for _ in 0..2 {
                    settle(data.path()).unwrap();
                    let now = content(&folders.live).unwrap();
                    assert_eq!(now, if moved == 0 { "old" } else { "new" });
                    assert_eq!(content(&folders.kept).is_some(), moved > 0);
                    assert!(!is_pending(data.path()).unwrap());
                    // The journal may come back after a power cut that swallowed its removal.
                    swap.announce(data.path(), &note()).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_swap_taken_back_from_anywhere_leaves_what_was_there() {
        for swap in SWAPS {
            for moved in 0..=2 {
                let (_data, folders) = prepared(swap);
                fs::create_dir_all(folders.kept.parent().unwrap()).unwrap();
                let moves = [
                    (&folders.live, &folders.kept),
                    (&folders.incoming, &folders.live),
                ];
                for (from, to) in moves.into_iter().take(moved) {
                    move_folder(from, to).unwrap();
                }
                folders.swap_back().unwrap();
                assert_eq!(content(&folders.live).as_deref(), Some("old"));
                assert_eq!(content(&folders.incoming).as_deref(), Some("new"));
            }
        }
    }

    #[test]
    fn where_what_was_to_come_is_gone_the_old_library_comes_back() {
        for swap in SWAPS {
            for moved in 0..=1 {
                let (data, folders) = prepared(swap);
                swap.announce(data.path(), &note()).unwrap();
                if moved == 1 {
                    move_folder(&folders.live, &folders.kept).unwrap();
                }
                fs::remove_dir_all(&folders.incoming).unwrap();
                settle(data.path()).unwrap();
                assert_eq!(content(&folders.live).as_deref(), Some("old"));
            }
        }
    }

    #[test]
    fn where_no_library_is_left_the_start_stops_and_none_is_made_up() {
        let data = tempfile::tempdir().unwrap();
        SWAPS[0].announce(data.path(), &note()).unwrap();
        assert!(settle(data.path()).is_err());
        assert!(is_pending(data.path()).unwrap());
    }

    #[test]
    fn a_journal_that_does_not_read_stops_the_start_instead_of_being_guessed_about() {
        let (data, folders) = prepared(SWAPS[0]);
        for text in [
            "{\"incoming\":",
            r#"{"incoming":{"kept":"../.."},"keep":1}"#,
        ] {
            fs::create_dir_all(data.path().join("restore")).unwrap();
            fs::write(journal(data.path()), text).unwrap();
            assert!(matches!(settle(data.path()), Err(Error::Damaged { .. })));
            assert_eq!(content(&folders.live).as_deref(), Some("old"));
        }
    }

    #[test]
    fn a_commit_that_cannot_begin_changes_nothing() {
        let (data, folders) = prepared(SWAPS[0]);
        fs::write(data.path().join("undo"), "a file where a folder belongs").unwrap();
        assert!(SWAPS[0].commit(data.path(), &note()).is_err());
        assert_eq!(content(&folders.live).as_deref(), Some("old"));
        assert!(!is_pending(data.path()).unwrap());
    }
}
