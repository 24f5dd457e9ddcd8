//! How things are, gathered from the engine and the jobs.

use std::time::Duration;

use backup_api::{BackupStreamedProgress, Job, LibraryState, Overview};
use backup_engine::{BackupId, Engine, Error, VERSION};

use crate::convert;
use crate::error::ApiError;
use crate::state::App;

/// How often a watched overview is looked at without being told of a change: a disk can go without a word.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two overviews to one watcher.
pub(crate) const AT_MOST_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn read(app: &App) -> Result<Overview, ApiError> {
    // Before the rest: what a job changed is then at least as new as its terminal state.
    let job = app.jobs().last();
    app.blocking(move |engine| Ok(gather(engine, job))).await
}

fn gather(engine: &Engine, job: Option<Job>) -> Overview {
    let report = engine.destination_state();
    // Those of a destination that is away are known from the last look, if there was one.
    let away = |error: &Error| matches!(error, Error::Unreachable(_));
    let backups = if report.error.as_ref().is_none_or(away) {
        engine.backups().ok()
    } else {
        None
    };
    // A damaged library must not hide the backups that can replace it.
    let library = engine
        .library()
        .facts()
        .map(convert::library)
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the library cannot be read");
            LibraryState {
                assets: 0,
                bytes: 0,
                updated: None,
            }
        });
    Overview {
        version: VERSION.to_owned(),
        device_name: engine.device_name().to_owned(),
        library,
        destination: convert::destination(&report),
        key: convert::key(engine.key_protection()),
        backups: backups.as_ref().map(|backups| backups.len() as u64),
        last_backup: backups
            .as_ref()
            .and_then(|backups| backups.first())
            .map(convert::details),
        undo: engine.undo_record().map(convert::undo),
        job,
    }
}

/// A job in the words of the Backup API. The backup is described as far as its id and the job tell.
pub(crate) fn progress_of(app: &App, job: &Job) -> BackupStreamedProgress {
    let backup = BackupId::parse(&job.backup).map(|id| {
        convert::coming_backup(&id, job.progress.bytes_total, app.engine().device_name())
    });
    BackupStreamedProgress {
        backup,
        ..convert::progress_words(job)
    }
}
