//! Starting jobs and cancelling them, on services that may take their time or say nothing.

use std::sync::Arc;

use backup_api::{BackupStreamedProgress, Job, JobKind, JobState, Problem, Status};
use chrono::Utc;
use futures::StreamExt;
use tokio::sync::oneshot;

use crate::api::{Api, Updates};
use crate::desk::Desk;
use crate::{plain, problem};

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
    desk: &Arc<Desk>,
    api: &Arc<dyn Api>,
    request: Request,
) -> Result<String, Problem> {
    let kind = request.kind();
    let (updates, named) = match request {
        Request::Creation => (api.create(), None),
        Request::Restoration(backup) => (api.restore(&backup), Some(backup)),
    };
    let (sender, started) = oneshot::channel();
    let reports = Reports::new(desk.clone(), kind);
    tokio::spawn(follow(reports, named, updates, sender));
    let waited = desk.timings.start;
    match tokio::time::timeout(waited, started).await {
        Ok(Ok(result)) => result,
        // The task ended without a word.
        Ok(Err(_)) => Err(problem::broke_off(kind)),
        Err(_) => Err(problem::silent_start(kind, waited)),
    }
}

/// Hands the reports of one call to the desk, as long as the desk still shows the service that was called and that
/// service does not report better by itself.
struct Reports {
    desk: Arc<Desk>,
    kind: JobKind,
    epoch: u64,
    begun: bool,
}

impl Reports {
    fn new(desk: Arc<Desk>, kind: JobKind) -> Self {
        let epoch = desk.epoch();
        Self {
            desk,
            kind,
            epoch,
            begun: false,
        }
    }

    fn are_wanted(&self) -> bool {
        self.desk.epoch() == self.epoch && self.desk.is_plain()
    }

    fn take(&mut self, backup: &str, update: &BackupStreamedProgress) {
        if !self.are_wanted() {
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.desk.change(|state| state.followed = true);
            self.desk
                .set_job(plain::begun(self.kind, backup, Utc::now()));
        }
        self.desk.report(self.kind, update);
    }

    /// If the job has not ended by now, it is not known how it did, and that is what is said.
    fn end(self) {
        if !self.begun || !self.are_wanted() {
            return;
        }
        self.desk.change(|state| state.followed = false);
        if let Some(job) = self.desk.running_job() {
            let ended = plain::ended(&job, Status::Failed, Utc::now());
            self.desk.set_job(Job {
                problem: Some(problem::broke_off(self.kind)),
                ..ended
            });
        }
        self.desk.relist.notify_one();
    }
}

async fn follow(
    mut reports: Reports,
    mut named: Option<String>,
    mut updates: Updates<BackupStreamedProgress>,
    sender: oneshot::Sender<Result<String, Problem>>,
) {
    let mut sender = Some(sender);
    // Nobody may wait for the first word any more; the job goes on all the same.
    let mut say = |word| {
        if let Some(sender) = sender.take() {
            drop(sender.send(word));
        }
    };
    while let Some(update) = updates.next().await {
        match update {
            Ok(update) => {
                if let Some(backup) = &update.backup {
                    named.get_or_insert_with(|| backup.id.clone());
                }
                if let Some(backup) = &named {
                    say(Ok(backup.clone()));
                    reports.take(backup, &update);
                }
            }
            Err(problem) => {
                let (code, message) = (&problem.code, &problem.message);
                tracing::warn!(code, message, "a job could not be started or followed");
                say(Err(problem));
            }
        }
    }
    reports.end();
}

/// Cancels the job that runs. A service that has just ended it refuses, so its word is not taken for a failure before
/// the job has been looked at again.
pub(crate) async fn cancel(desk: &Desk, api: &dyn Api) -> Result<(), Problem> {
    let job = desk.running_job().ok_or_else(problem::nothing_runs)?;
    if !job.cancelable || job.kind == JobKind::Undo {
        return Err(problem::not_cancelable());
    }
    let plain = desk.is_plain();
    if plain {
        desk.change(|state| state.set_job_state(JobState::Canceling));
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
    if plain {
        let running = desk.running_job().filter(|running| running.id == job.id);
        match (end, running) {
            (Some(end), Some(running)) => desk.set_job(plain::ended(&running, end, Utc::now())),
            (None, Some(_)) => desk.change(|state| state.set_job_state(JobState::Running)),
            (_, None) => {}
        }
        desk.relist.notify_one();
    }
    match (end, refusal) {
        (None, Some(refusal)) => Err(refusal),
        _ => Ok(()),
    }
}
