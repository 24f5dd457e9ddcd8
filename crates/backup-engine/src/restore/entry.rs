//! Restoring, undoing and foreseeing, as the callers of the engine see them.

use std::path::Path;
use std::sync::Arc;

use super::{
    Contents, Restore, RestorePreview, RestoreRequest, SourcePlace, Trees, settle_pending, swap,
};
use crate::database::holders;
use crate::destination::{Content, Details, Part};
use crate::engine::{cancelable, look};
use crate::undo::{self, UndoRecord};
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Engine, Error, Watch};

/// How many names of newer items a preview gives.
const NEWER_NAMES: usize = 5;

impl Engine {
    /// Puts a backup, or some of it, in the place of what is there. What it replaces is kept; see [`Engine::undo`].
    ///
    /// Errors: `ChangedMeanwhile`, `NoSpace`, `Damaged`, `InTheWay`, `NameCollision`: all with everything as it was.
    pub fn restore(&self, request: &RestoreRequest, watch: &Watch) -> Result<Outcome<()>, Error> {
        let _job = self.begin();
        watch.enter(Phase::Preparing);
        settle_pending(&self.data_dir, &self.library)?;
        let restored = cancelable(watch, || {
            self.with_restore(&request.backup, watch, |restore| restore.run(request))
        });
        restored.map_err(|error| error.naming(&request.backup))
    }

    /// Opens a backup for being restored.
    fn with_restore<T>(
        &self,
        id: &BackupId,
        watch: &Watch,
        work: impl FnOnce(&Restore) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let unknown = || Error::UnknownBackup(id.clone());
        let record = self.present_backup(id)?;
        let snapshots = self.destination.catalog().snapshots_of(id);
        let session = self.destination.read(Part::Databases, watch)?;
        let session = session.ok_or_else(unknown)?;
        let snapshot = snapshots.first().ok_or_else(unknown)?;
        let snapshot = self.destination.known_snapshot(&session, snapshot)?;
        let details = Details::of(&snapshot).ok_or_else(unknown)?;
        let mut root = Trees {
            databases: Some(snapshot.tree),
            files: None,
        };
        let mut files = None;
        if let Some(snapshot) = record.files {
            let session = self.destination.read(Part::Files, watch)?;
            let session = session.ok_or_else(unknown)?;
            root.files = Some(session.snapshot(&snapshot)?.tree);
            files = Some(Content::open(session)?);
        }
        let contents = Contents {
            databases: Content::open(session)?,
            files,
            root,
        };
        work(&Restore {
            data_dir: &self.data_dir,
            destination: self.destination.root(),
            library: &self.library,
            id,
            details: &details,
            contents: &contents,
            places: &self.source_places()?,
            in_use: &in_use,
            watch,
        })
    }

    /// Where the sources are that are set up here.
    fn source_places(&self) -> Result<Vec<SourcePlace>, Error> {
        let (roots, missing) = self.sources.open(&self.kept_out())?;
        let there = roots.into_iter().map(|root| SourcePlace {
            id: root.id().to_string(),
            path: root.folder().to_owned(),
            excluded: Arc::new(move |path, is_folder| root.leaves_out_now(path, is_folder)),
        });
        // What was left out of a folder that is gone is gone with it.
        let away = missing.into_iter().map(|missing| SourcePlace {
            id: missing.source.id.to_string(),
            path: missing.source.path,
            excluded: Arc::new(|_, _| false),
        });
        Ok(there.chain(away).collect())
    }

    /// Brings back what the last restore replaced. Errors: `NothingToUndo`.
    pub fn undo(&self, watch: &Watch) -> Result<Outcome<()>, Error> {
        let _job = self.begin();
        watch.enter(Phase::Preparing);
        settle_pending(&self.data_dir, &self.library)?;
        swap::undo(&self.data_dir, &self.library, &in_use, watch)
    }

    /// What this restore would do now. A library that is damaged counts as empty: all of it is replaced. Errors: `Canceled`.
    pub fn preview(
        &self,
        request: &RestoreRequest,
        watch: &Watch,
    ) -> Result<RestorePreview, Error> {
        let record = self.present_backup(&request.backup)?;
        let now = self.library.facts().and_then(|facts| {
            let newer = self.library.newer_than(record.taken, NEWER_NAMES)?;
            Ok((facts, newer))
        });
        let (library, (newer, newer_names)) = match now {
            Err(Error::LibraryDamaged(detail)) => {
                tracing::warn!(%detail, "what is newer than the backup cannot be told");
                Default::default()
            }
            now => now?,
        };
        let unlisted = look(watch, || {
            self.with_restore(&request.backup, watch, |restore| restore.preview(request))
        });
        let unlisted = unlisted.map_err(|error| error.naming(&request.backup))?;
        Ok(RestorePreview {
            record,
            library,
            newer,
            newer_names,
            parts: unlisted.parts,
            needed_bytes: unlisted.needed_bytes,
            free_bytes: unlisted.free_bytes,
            in_use_by: unlisted.in_use_by,
        })
    }

    /// What [`Engine::undo`] would bring back.
    pub fn undo_record(&self) -> Option<UndoRecord> {
        let kept = undo::current(&self.data_dir)
            .inspect_err(|error| tracing::warn!(%error, "undo is not available"));
        kept.ok().flatten().map(|kept| kept.record)
    }
}

/// The name of a program that has something under a folder open.
fn in_use(folder: &Path) -> Result<Option<String>, Error> {
    if !folder
        .try_exists()
        .map_err(Error::io("looking for a folder"))?
    {
        return Ok(None);
    }
    let holders = holders(folder).map_err(Error::io("looking for programs that use a folder"))?;
    Ok(holders.into_iter().next().map(|holder| holder.program))
}
