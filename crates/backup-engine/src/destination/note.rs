//! The note of the layout, `holdfast.json`: what it says, and what is done where it is gone or damaged.
//!
//! What it says can be told from what is there, so a destination without it is used all the same, once its key has opened it:
//! an empty mount point has nothing to open. A note that might be of a newer version is never passed over.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use super::{Destination, Part, session, unreachable};
use crate::durable::write_private;
use crate::keys::Ask;
use crate::{Error, Watch};

/// The layout this version writes and the newest it reads.
const LAYOUT: u64 = 2;

#[derive(Serialize, Deserialize)]
struct LayoutNote {
    layout: u64,
}

/// What is found in the destination's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Ready,
    /// A repository, and no note of its layout that can be read.
    WithoutNote,
    /// Nothing of ours, and never was: the first backup sets it up.
    New,
}

impl Destination {
    /// Looks at what is there, and opens it where only that tells whether it is ours. Errors: `Unreachable` when what was there
    /// is not, `NewerLayout`, `Damaged`, `Locked`.
    pub(super) fn look(&self) -> Result<Found, Error> {
        let found = self.look_at_note()?;
        if found == Found::WithoutNote {
            drop(self.open(Part::Databases, &Watch::unwatched(), Ask::Once)?);
        }
        Ok(found)
    }

    /// The same without opening anything.
    pub(super) fn look_at_note(&self) -> Result<Found, Error> {
        let has_repository = self.folder(Part::Databases).join("config").is_file();
        let note = match fs::read(self.root.join("holdfast.json")) {
            Ok(note) => note,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unreachable(&error.to_string()));
            }
            Err(_) if has_repository => return Ok(Found::WithoutNote),
            Err(_) if self.is_known()? => return Err(unreachable("it was there and is not")),
            Err(_) => return Ok(Found::New),
        };
        let note = match serde_json::from_slice::<LayoutNote>(&note) {
            Ok(note) => note,
            Err(_) if has_repository && !says_a_layout(&note) => return Ok(Found::WithoutNote),
            Err(error) => {
                return Err(Error::Damaged {
                    backup: None,
                    detail: format!("holdfast.json: {error}"),
                });
            }
        };
        if note.layout > LAYOUT {
            return Err(Error::NewerLayout {
                found: note.layout,
                known: LAYOUT,
            });
        }
        if !self.folder(Part::Databases).is_dir() {
            return Err(Error::Damaged {
                backup: None,
                detail: "the folder databases is missing".into(),
            });
        }
        Ok(Found::Ready)
    }

    /// Writes it again for what is there. To be called while the destination is held for writing, and was opened.
    pub(super) fn renew_note(&self) -> Result<(), Error> {
        tracing::warn!(
            "the note of the destination's layout was gone or damaged, and is written again"
        );
        let has_files = self.folder(Part::Files).is_dir();
        self.write_note(if has_files {
            Part::Files
        } else {
            Part::Databases
        })
    }

    /// The layout that a part came with.
    pub(super) fn write_note(&self, part: Part) -> Result<(), Error> {
        let layout = part.layout();
        let note = serde_json::to_vec(&LayoutNote { layout })
            .map_err(|error| Error::Repository(error.to_string()))?;
        write_private(&self.root.join("holdfast.json"), &note).map_err(session::explain_write)
    }
}

/// In a way that this version does not understand.
fn says_a_layout(note: &[u8]) -> bool {
    let note: Result<serde_json::Value, _> = serde_json::from_slice(note);
    note.is_ok_and(|note| note.get("layout").is_some())
}
