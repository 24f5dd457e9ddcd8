//! How the job that is shown changes with what a service of the plain API says of it.

use std::time::Instant;

use backup_api::{BackupStreamedProgress, Job, JobKind, Problem, Status};
use chrono::{DateTime, Utc};

use crate::plain;
use crate::state::State;

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

    fn take(&mut self, job: Option<Job>) -> bool {
        let news = job.is_some();
        if news {
            self.set_job(job, Instant::now());
        }
        news
    }
}
