//! Setting up a destination: aside, then by one rename, so that a half-made one is never met.

use std::fs;
use std::path::PathBuf;

use rustic_core::{Credentials, KeyOptions};

use super::backend::Written;
use super::fault::FirstFault;
use super::{Destination, KnownPlaces, LayoutNote, Part, session, unreachable};
use crate::durable::{sync_folder, sync_parent, write_private};
use crate::failpoint::failpoint;
use crate::keys::Ask;
use crate::{Error, Watch};

impl Destination {
    /// Sets a destination that is held for writing up. A leftover of an earlier try is removed first; a repository that is whole is adopted.
    pub(super) fn create(&self) -> Result<(), Error> {
        if self.folder(Part::Databases).exists() {
            // Of a start that was broken off, or of somebody else: only our key tells.
            self.open(Part::Databases, &Watch::unwatched(), Ask::Again)?;
        } else {
            self.create_repository(Part::Databases)?;
        }
        self.write_note(Part::Databases)
    }

    /// Adds a part to a destination that is held for writing. The layout is noted first: from then on a version that does
    /// not know the part keeps away.
    pub(super) fn add(&self, part: Part) -> Result<(), Error> {
        self.write_note(part)?;
        self.create_repository(part)
    }

    fn create_repository(&self, part: Part) -> Result<(), Error> {
        let folder = self.folder(part);
        let aside = folder.with_extension("new");
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(session::explain_write)?;
        }
        let key = self.keys.load_or_create()?;
        let fault = FirstFault::default();
        let repository =
            self.repository(&aside, &Watch::unwatched(), &fault, &Written::default())?;
        let open = repository
            .init(
                &Credentials::password(key.reveal()),
                &KeyOptions::default(),
                &part.config(),
            )
            .map_err(|error| session::explain(&error, &fault, &self.root))?;
        self.accept(part, &open)?;
        self.keys.note_accepted();
        for folder in [&aside.join("data"), &aside] {
            sync_folder(folder).map_err(session::explain_write)?;
        }
        failpoint("destination-rename").map_err(session::explain_write)?;
        fs::rename(&aside, &folder).map_err(session::explain_write)?;
        failpoint("destination-renamed").map_err(session::explain_write)?;
        sync_folder(&self.root).map_err(session::explain_write)?;
        sync_parent(&self.root).map_err(session::explain_write)
    }

    fn write_note(&self, part: Part) -> Result<(), Error> {
        let layout = part.layout();
        let note = serde_json::to_vec(&LayoutNote { layout })
            .map_err(|error| Error::Repository(error.to_string()))?;
        write_private(&self.root.join("holdfast.json"), &note).map_err(session::explain_write)
    }

    /// Notes in the data folder that this destination is in use.
    pub(super) fn remember(&self) -> Result<(), Error> {
        let mut known = self.known_places()?;
        if known.places.contains(&self.root) {
            return Ok(());
        }
        known.places.push(self.root.clone());
        let text = serde_json::to_vec(&known).map_err(|error| unreachable(&error.to_string()))?;
        write_private(&self.known_file(), &text).map_err(Error::io("noting the destination"))
    }

    pub(super) fn is_known(&self) -> Result<bool, Error> {
        Ok(self.known_places()?.places.contains(&self.root))
    }

    fn known_places(&self) -> Result<KnownPlaces, Error> {
        match fs::read(self.known_file()) {
            // One that does not read might have named any place.
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| unreachable(&format!("destination.json: {error}"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(KnownPlaces::default())
            }
            Err(error) => Err(Error::Io {
                doing: "reading which destinations are in use",
                source: error,
            }),
        }
    }

    fn known_file(&self) -> PathBuf {
        self.data_dir.join("destination.json")
    }
}
