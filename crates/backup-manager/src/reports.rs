//! How the job that is shown changes with what a service of the plain API says of it.

use std::time::Instant;

use backup_api::{BackupStreamedProgress, Job, JobKind, Overview, Problem, Status};
use chrono::{DateTime, Utc};

use crate::state::State;
use crate::{plain, problem};

/// All of them say whether it was news.
impl State {
    /// A report over a channel for everybody, on whatever job.
    pub(crate) fn report(
        &mut self,
        kind: JobKind,
        report: &BackupStreamedProgress,
        now: DateTime<Utc>,
    ) -> bool {
        let job = plain::reported(self.job.as_ref(), kind, report, now);
        self.take(job)
    }

    /// A report on this job and no other.
    pub(crate) fn report_on(
        &mut self,
        id: &str,
        report: &BackupStreamedProgress,
        now: DateTime<Utc>,
    ) -> bool {
        let job = self
            .running(id)
            .map(|job| plain::advanced(job, report, now));
        self.take(job)
    }

    /// `reason`: why it failed, where that is known.
    pub(crate) fn end_job(
        &mut self,
        id: &str,
        status: Status,
        reason: Option<Problem>,
        now: DateTime<Utc>,
    ) -> bool {
        let ended = self.running(id).map(|job| plain::ended(job, status, now));
        self.take(ended.map(|job| Job {
            problem: reason.or(job.problem),
            ..job
        }))
    }

    /// The id of the job that a call has started, when the call reports on it for the first time. Another channel may
    /// have told of it since the call was made, and even of its end.
    pub(crate) fn started_by_call(
        &mut self,
        kind: JobKind,
        backup: &str,
        called: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> String {
        let known = self.job.as_ref().filter(|job| {
            (job.kind, job.backup.as_str()) == (kind, backup) && job.started >= called
        });
        let id = match known {
            Some(job) => job.id.clone(),
            None => {
                let job = plain::begun(kind, backup, now);
                let id = job.id.clone();
                self.take(Some(job));
                id
            }
        };
        self.followed = Some(id.clone());
        id
    }

    /// Ends the job that ran where this overview, which is yet to be taken over, does not have it: the service has been
    /// started again meanwhile. It is known by what no service numbers anew.
    pub(crate) fn miss(&mut self, overview: &Overview, now: DateTime<Utc>) -> bool {
        let incident = |job: &Job| (job.kind, job.backup.clone(), job.started);
        let missed = self
            .running_job()
            .filter(|job| overview.job.as_ref().map(incident) != Some(incident(job)));
        let Some(job) = missed.cloned() else {
            return false;
        };
        let made = overview.last_backup.as_ref();
        let made = made.is_some_and(|made| made.backup.id == job.backup);
        let news = if made && job.kind == JobKind::Creation {
            self.end_job(&job.id, Status::Completed, None, now)
        } else {
            let reason = problem::broke_off(job.kind);
            self.end_job(&job.id, Status::Failed, Some(reason), now)
        };
        self.gone = self.job.clone();
        news
    }

    fn take(&mut self, job: Option<Job>) -> bool {
        let news = job.is_some();
        if news {
            self.set_job(job, Instant::now());
        }
        news
    }
}
