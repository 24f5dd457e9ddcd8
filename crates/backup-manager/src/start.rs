//! Starting jobs and cancelling them, on services that may take their time or say nothing.

use std::sync::Arc;

use backup_api::{BackupStreamedProgress, JobKind, JobState, Problem, Status};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::sync::oneshot;

use crate::api::{Api, Updates};
use crate::line::Line;
use crate::{notices, problem};

pub(crate) enum Request {
    Creation,
    Restoration(String),
}

impl Request {
    fn kind(&self) -> JobKind {
        match self {
            Self::Creation => JobKind::Creation,
            Self::Restoration(_) => JobKind::Restoration,
        }
    }
}

/// Starts a job and returns the id of its backup as soon as the service has named it. The job is followed to its end by
/// a task of its own, whoever waits for this.
pub(crate) async fn start(
    line: Line,
    api: &Arc<dyn Api>,
    request: Request,
) -> Result<String, Problem> {
    let kind = request.kind();
    let reports = Reports::new(line.clone(), kind);
    let (updates, named) = match request {
        Request::Creation => (api.create(), None),
        Request::Restoration(backup) => (api.restore(&backup), Some(backup)),
    };
    let (first_word, started) = oneshot::channel();
    let follow = follow(reports, named, updates, first_word);
    let gone = line.desk().gone.clone();
    tokio::spawn(gone.run_until_cancelled_owned(follow));
    let waited = line.desk().timings.start;
    match tokio::time::timeout(waited, started).await {
        Ok(Ok(result)) => result,
        // The manager is going.
        Ok(Err(_)) => Err(problem::broke_off(kind)),
        Err(_) => Err(problem::silent_start(kind, waited)),
    }
}

/// Hands the reports of one call on, as long as the service does not report better by itself.
struct Reports {
    line: Line,
    kind: JobKind,
    /// When the call was made.
    called: DateTime<Utc>,
    /// The id of the job, once there is one.
    job: Option<String>,
}

impl Reports {
    fn new(line: Line, kind: JobKind) -> Self {
        Self {
            line,
            kind,
            called: Utc::now(),
            job: None,
        }
    }

    fn take(&mut self, backup: &str, update: &BackupStreamedProgress) {
        let now = Utc::now();
        let Self {
            job, kind, called, ..
        } = self;
        self.line.observe(|state| {
            if !state.is_plain() {
                return false;
            }
            let first = job.is_none();
            let id = job.get_or_insert_with(|| state.started_by_call(*kind, backup, *called, now));
            state.report_on(id, update, now) || first
        });
    }

    /// If the job has not ended by now, it is not known how it did, and that is what is said.
    fn end(self) {
        let Some(id) = self.job else { return };
        self.line.change(|state| {
            state.followed.take_if(|followed| *followed == id);
        });
        let reason = problem::broke_off(self.kind);
        self.line.end_job(&id, Status::Failed, Some(reason));
        self.line.desk().relist.notify_one();
    }
}

async fn follow(
    mut reports: Reports,
    mut named: Option<String>,
    mut updates: Updates<BackupStreamedProgress>,
    first_word: oneshot::Sender<Result<String, Problem>>,
) {
    let mut first_word = Some(first_word);
    while let Some(update) = updates.next().await {
        match update {
            Ok(update) => {
                if let Some(backup) = &update.backup {
                    named.get_or_insert_with(|| backup.id.clone());
                }
                if let Some(backup) = &named {
                    if let Some(waits) = first_word.take() {
                        // Nobody may wait any more; the job goes on all the same.
                        drop(waits.send(Ok(backup.clone())));
                    }
                    reports.take(backup, &update);
                }
            }
            Err(problem) => {
                let (code, message) = (&problem.code, &problem.message);
                tracing::warn!(code, message, "a job could not be started or followed");
                refuse(&reports, first_word.take(), problem);
            }
        }
    }
    refuse(&reports, first_word, problem::broke_off(reports.kind));
    reports.end();
}

/// Nothing was started. Where nobody waits for that word any more, it becomes a notice.
fn refuse(
    reports: &Reports,
    first_word: Option<oneshot::Sender<Result<String, Problem>>>,
    problem: Problem,
) {
    if let Some(waits) = first_word
        && let Err(Err(problem)) = waits.send(Err(problem))
    {
        reports
            .line
            .notify(notices::refused(reports.kind, &problem));
    }
}

/// Cancels the job that runs. A service that has just ended it refuses, so its word is not taken for a failure before
/// the job has been looked at again.
pub(crate) async fn cancel(line: &Line, api: &dyn Api) -> Result<(), Problem> {
    let job = line.running_job().ok_or_else(problem::nothing_runs)?;
    if !job.cancelable {
        return Err(problem::not_cancelable());
    }
    // The Backup API has no such jobs, so a service that has them has the call, too.
    if matches!(job.kind, JobKind::Undo | JobKind::Verification) {
        return api.cancel_job(&job.id).await.map(drop);
    }
    let plain = line.read(|state| state.is_plain()).unwrap_or(false);
    if plain {
        line.change(|state| state.set_job_state(&job.id, JobState::Canceling));
    }
    let refusal = api.cancel(job.kind, &job.backup).await.err();
    let status = api.status(job.kind, &job.backup).await.ok().flatten();
    let value = status.and_then(|status| status.value);
    let end = match (value.filter(|value| value.is_terminal()), &refusal) {
        (Some(end), _) => Some(end),
        // It has ended, as the service said, although it has no status for it any more.
        (None, None) => Some(Status::Canceled),
        (None, Some(_)) => None,
    };
    // Another channel may have told of its end meanwhile.
    let runs = line.read(|state| state.running(&job.id).is_some());
    if plain {
        match end {
            Some(end) => drop(line.end_job(&job.id, end, None)),
            None => line.change(|state| state.set_job_state(&job.id, JobState::Running)),
        }
        line.desk().relist.notify_one();
    }
    match refusal {
        Some(refusal) if end.is_none() && runs != Some(false) => Err(refusal),
        _ => Ok(()),
    }
}
