//! What a job is asked to do, and what comes with the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backup_api::{Job, JobKind, JobState, Phase, Progress};
use backup_engine::{BackupId, Depth, Engine, Error, Item, RestoreRequest};
use chrono::Utc;

use crate::convert;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// With what is put into the library first.
    Creation(Upload),
    Restoration(RestoreRequest),
    Undo,
    Verification {
        /// All of them where there is none.
        backup: Option<BackupId>,
        depth: Depth,
    },
}

/// The job for a request, as it stands before anything is done. Errors: `NothingToUndo`.
pub(super) fn begin(request: &Request, engine: &Engine, number: u64) -> Result<Job, Error> {
    let (kind, backup) = match request {
        Request::Creation(_) => (JobKind::Creation, engine.new_backup_id().to_string()),
        Request::Restoration(asked) => (JobKind::Restoration, asked.backup.to_string()),
        Request::Undo => {
            let undo = engine.undo_record().ok_or(Error::NothingToUndo)?;
            (JobKind::Undo, undo.backup.to_string())
        }
        Request::Verification { backup, .. } => {
            let backup = backup.as_ref().map(ToString::to_string);
            (JobKind::Verification, backup.unwrap_or_default())
        }
    };
    let restores = match request {
        Request::Restoration(asked) => Some(convert::restores(asked)),
        _ => None,
    };
    Ok(Job {
        id: format!("job-{number}"),
        kind,
        backup,
        state: JobState::Queued,
        phase: Phase::Preparing,
        waits_for: None,
        progress: Progress::default(),
        cancelable: kind != JobKind::Undo,
        started: Utc::now(),
        ended: None,
        problem: None,
        restores,
        report: None,
    })
}

/// What came with a call for a backup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    items: Vec<Item>,
    in_library: Arc<AtomicBool>,
}

/// Whether an upload got into the library, whatever became of the backup.
pub(crate) struct Fate(Arc<AtomicBool>);

impl Upload {
    pub(crate) fn new(items: Vec<Item>) -> (Self, Fate) {
        let in_library = Arc::new(AtomicBool::new(false));
        let fate = Fate(in_library.clone());
        (Self { items, in_library }, fate)
    }

    pub(super) fn put(self, engine: &Engine) -> Result<(), Error> {
        if !self.items.is_empty() {
            engine.library().put(&self.items)?;
            self.in_library.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl Fate {
    pub(crate) fn in_library(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
