//! Setting up a destination: aside, then by one rename, so that a half-made one is never met.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_core::repofile::MasterKey;
use rustic_core::{
    BytesList, Credentials, FileType, Id, KeyOptions, RusticError, RusticResult, WriteBackend,
};

use super::fault::FirstFault;
use super::in_memory::InMemory;
use super::key_files::copy_keys;
use super::open::repository_on;
use super::written::Written;
use super::{Destination, KnownPlaces, Part, session, unreachable};
use crate::durable::{sync_folder, sync_parent, write_private};
use crate::failpoint::failpoint;
use crate::keys::Ask;
use crate::{Error, Watch};

/// A repository that is not written yet.
struct New {
    master: MasterKey,
    files: Vec<(FileType, Id, BytesList)>,
}

impl New {
    fn make(credentials: &Credentials, part: Part) -> RusticResult<Self> {
        let memory = Arc::new(InMemory::default());
        let open = repository_on(memory.clone())?.init(
            credentials,
            &KeyOptions::default(),
            &part.config(),
        )?;
        Ok(Self {
            master: open.key(),
            files: memory.take_files(),
        })
    }
}

impl Destination {
    /// Sets a destination that is held for writing up. A leftover of an earlier try is removed first; a repository that is whole is adopted.
    pub(super) fn create(&self, watch: &Watch) -> Result<(), Error> {
        if self.folder(Part::Databases).exists() {
            // Of a start that was broken off, or of somebody else: only our key tells.
            self.open(Part::Databases, watch, Ask::Again)?;
        } else {
            self.create_repository(Part::Databases, watch)?;
        }
        self.write_note(Part::Databases)
    }

    /// Adds a part to a destination that is held for writing. The layout is noted first: from then on a version that does
    /// not know the part keeps away.
    pub(super) fn add(&self, part: Part, watch: &Watch) -> Result<(), Error> {
        self.write_note(part)?;
        self.create_repository(part, watch)
    }

    fn create_repository(&self, part: Part, watch: &Watch) -> Result<(), Error> {
        let folder = self.folder(part);
        let aside = folder.with_extension("new");
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(session::explain_write)?;
        }
        let new = self.make(part, watch)?;
        self.write_files(&new, &aside)?;
        if part == Part::Files {
            self.share_keys(&aside)?;
        }
        self.masters.set(part, Some(new.master));
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

    /// Makes the repository in memory, so that nothing is written as long as the job can be cancelled.
    fn make(&self, part: Part, watch: &Watch) -> Result<New, Error> {
        let made = match part {
            Part::Databases => {
                let key = self.keys.load_or_create()?;
                let password = Credentials::password(key.reveal());
                self.masters
                    .derive(watch, move |_| New::make(&password, part))?
            }
            Part::Files => {
                let first = self.open(Part::Databases, watch, Ask::Again)?;
                New::make(&Credentials::Masterkey(first.repository.key()), part)
            }
        };
        made.map_err(|error| Error::Repository(error.display_log()))
    }

    fn write_files(&self, new: &New, aside: &Path) -> Result<(), Error> {
        let (fault, written) = (FirstFault::default(), Written::default());
        let storage = self.storage(aside, &Watch::unwatched(), &fault, &written)?;
        let write = || {
            storage.create()?;
            for (tpe, id, content) in &new.files {
                storage.write_bytes(*tpe, id, false, content.clone())?;
            }
            Ok(())
        };
        write().map_err(|error: Box<RusticError>| session::explain(&error, &fault, &self.root))
    }

    /// The key files of the first part open the second one as well: deriving a key is dear, and is so done once for both.
    fn share_keys(&self, aside: &Path) -> Result<(), Error> {
        let (from, to) = (
            self.folder(Part::Databases).join("keys"),
            aside.join("keys"),
        );
        copy_keys(&from, &to)
    }

    /// Notes in the data folder that this destination is in use.
    pub(super) fn remember(&self) -> Result<(), Error> {
        // One that does not read keeps a disk that is absent from being taken for new. This one is there.
        let mut known = self.known_places().or_else(|error| match error {
            Error::Unreachable(why) => {
                tracing::error!(why, "the list of the destinations in use is begun anew");
                Ok(KnownPlaces::default())
            }
            error => Err(error),
        })?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    use super::*;
    use crate::destination::trial::World;

    fn keys(world: &World, part: Part) -> BTreeSet<OsString> {
        let keys = world.destination().folder(part).join("keys");
        let entries = fs::read_dir(keys).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn one_derived_key_opens_both_parts() {
        let world = World::new();
        let (destination, watch) = (world.destination(), Watch::unwatched());
        let held = destination.hold(&watch).unwrap();
        destination.write(&held, Part::Files, &watch).unwrap();
        assert_eq!(keys(&world, Part::Databases).len(), 1);
        assert_eq!(keys(&world, Part::Files), keys(&world, Part::Databases));
        drop(held);
        let anew = world.destination();
        assert!(anew.known_master(Part::Files).is_none());
        anew.open(Part::Databases, &watch, Ask::Once).unwrap();
        assert!(anew.known_master(Part::Files).is_some());
        anew.open(Part::Files, &watch, Ask::Once).unwrap();
    }

    #[test]
    fn a_part_with_a_key_file_of_its_own_is_opened_with_that() {
        let world = World::new();
        let (destination, watch) = (world.destination(), Watch::unwatched());
        let held = destination.hold(&watch).unwrap();
        let key = destination.keys.load_or_create().unwrap();
        // As earlier versions made it.
        let own = New::make(&Credentials::password(key.reveal()), Part::Files).unwrap();
        let files = destination.folder(Part::Files);
        destination.write_files(&own, &files).unwrap();
        drop(held);
        let anew = world.destination();
        anew.open(Part::Databases, &watch, Ask::Once).unwrap();
        assert!(anew.known_master(Part::Files).is_none());
        anew.open(Part::Files, &watch, Ask::Once).unwrap();
    }

    #[test]
    fn damaged_key_files_are_not_copied_into_a_new_part() {
        let world = World::new();
        let (destination, watch) = (world.destination(), Watch::unwatched());
        let held = destination.hold(&watch).unwrap();
        let name = keys(&world, Part::Databases).pop_first().unwrap();
        let key = destination.folder(Part::Databases).join("keys").join(name);
        fs::write(&key, "not any more").unwrap();
        let refused = destination.write(&held, Part::Files, &watch).err();
        assert!(
            matches!(refused, Some(Error::Damaged { .. })),
            "{refused:?}"
        );
        assert!(!destination.folder(Part::Files).exists());
    }

    #[test]
    fn a_damaged_key_file_beside_one_that_is_whole_keeps_no_part_from_being_made() {
        let world = World::new();
        let (destination, watch) = (world.destination(), Watch::unwatched());
        let held = destination.hold(&watch).unwrap();
        let whole = keys(&world, Part::Databases);
        let other = destination.folder(Part::Databases).join("keys");
        fs::write(other.join("a".repeat(64)), "not any more").unwrap();
        destination.write(&held, Part::Files, &watch).unwrap();
        assert_eq!(keys(&world, Part::Files), whole);
    }
}
