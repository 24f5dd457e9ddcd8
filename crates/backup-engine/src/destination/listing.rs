//! What the destination holds, as its callers see it: what is there now, or what was there at the last look.

use std::sync::{Arc, PoisonError};

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::keyless::folder_bytes;
use super::{BackupRecord, Destination, Found, Part, Session};
use crate::engine::guarded;
use crate::keys::Ask;
use crate::{Error, Watch};

impl Destination {
    /// The backups it holds, newest first; while it is away, those that it held at the last look.
    pub(crate) fn backups(&self) -> Result<Arc<Vec<BackupRecord>>, Error> {
        match self.present_backups() {
            Err(away @ Error::Unreachable(_)) => self.last_backups().ok_or(away),
            listed => listed,
        }
    }

    /// The backups it holds, newest first. Only what is new since the last look is read. Errors: `Unreachable`.
    pub(crate) fn present_backups(&self) -> Result<Arc<Vec<BackupRecord>>, Error> {
        if let Found::New = self.look()? {
            return Ok(Arc::default());
        }
        let mut catalog = self.catalog();
        let open = || self.open(Part::Databases, &Watch::unwatched(), Ask::Once);
        let backups = catalog.refresh(&self.folder(Part::Databases), open)?;
        // The key must be there even where everything is known already: a locked destination does not show its content.
        if !backups.is_empty() {
            self.forgive_another_disk();
            self.keys.prove()?;
            let key = self.keys.fingerprint();
            if catalog.opened_with() != key.as_deref() {
                if self.keys.accepted() != key {
                    self.open_anew()?;
                }
                catalog.note_opened_with(key);
            }
        }
        Ok(backups)
    }

    /// Whether anything was ever stored in this part.
    pub(crate) fn has_part(&self, part: Part) -> bool {
        self.folder(part).is_dir()
    }

    fn last_backups(&self) -> Option<Arc<Vec<BackupRecord>>> {
        let mut catalog = self.catalog();
        let backups = catalog.last_list()?;
        let key = self.keys.fingerprint();
        let proven = catalog.opened_with() == key.as_deref() && self.keys.prove().is_ok();
        (backups.is_empty() || proven).then_some(backups)
    }

    /// A snapshot that the catalog knows. One that cannot be read any more is asked for again at the next look.
    pub(crate) fn known_snapshot(
        &self,
        session: &Session,
        id: &SnapshotId,
    ) -> Result<SnapshotFile, Error> {
        let read = session.snapshot(id);
        if read.is_err() {
            self.catalog().doubt(id);
        }
        read
    }

    /// Has the catalog know of a change at once: the destination may be away at the next look.
    pub(crate) fn look_again(&self) {
        if let Err(error) = guarded(|| self.present_backups()) {
            tracing::warn!(%error, "the destination cannot be looked at after a change");
        }
    }

    /// What all backups take together; measured again when the list has changed.
    pub(super) fn stored_bytes(&self) -> Option<u64> {
        let _measuring = self
            .measuring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = self.catalog().stored_bytes();
        known.map_or_else(
            |changes| {
                let parts = self.parts();
                let each = parts.iter().map(|part| folder_bytes(part).ok());
                let bytes = each.sum::<Option<u64>>()?;
                self.catalog().note_stored_bytes(bytes, changes);
                Some(bytes)
            },
            Some,
        )
    }
}
