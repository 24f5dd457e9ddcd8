//! Jobs made up from what the plain Backup API says, for a service without the extensions. It reports a status word and
//! a percentage, over several channels at once, late, twice, or not at all.

use backup_api::{BackupStreamedProgress, Job, JobKind, JobState, Phase, Progress, Status};
use chrono::{DateTime, TimeDelta, Utc};

use crate::problem;

/// A channel may lag behind another: what it still says of a job that has ended so recently starts no new one.
const STRAGGLING: TimeDelta = TimeDelta::seconds(5);

/// A job that this program has just started.
pub(crate) fn begun(kind: JobKind, backup: &str, now: DateTime<Utc>) -> Job {
    Job {
        // The plain API has no ids of jobs; only one runs at a time.
        id: format!("{backup}@{}", now.timestamp_millis()),
        kind,
        backup: backup.to_owned(),
        state: JobState::Queued,
        phase: Phase::Preparing,
        waits_for: None,
        progress: Progress::default(),
        cancelable: true,
        started: now,
        ended: None,
        problem: None,
        restores: None,
        report: None,
    }
}

/// The job after this report on it. `None`: the report is about nothing that is known, or late, or about another job
/// than the one that runs: only one is followed at a time.
pub(crate) fn reported(
    job: Option<&Job>,
    kind: JobKind,
    report: &BackupStreamedProgress,
    now: DateTime<Utc>,
) -> Option<Job> {
    let backup = report.backup.as_ref().map(|backup| backup.id.as_str());
    let same = job.filter(|job| {
        job.kind == kind && backup.is_none_or(|backup| backup == job.backup.as_str())
    });
    let status = report.status.unwrap_or_default();
    match same {
        Some(job) if !job.state.is_terminal() => Some(advanced(job, report, now)),
        Some(job) if status.is_terminal() || is_late(job, now) => None,
        // Of a job that is not known, an end is no news.
        None if status.is_terminal() || job.is_some_and(|job| !job.state.is_terminal()) => None,
        _ => Some(advanced(&begun(kind, backup?, now), report, now)),
    }
}

/// A job that runs, after this report, which is about it.
pub(crate) fn advanced(job: &Job, report: &BackupStreamedProgress, now: DateTime<Utc>) -> Job {
    let mut job = job.clone();
    let status = report.status.unwrap_or_default();
    let percentage = report.percentage.unwrap_or_default().clamp(0.0, 100.0);
    job.progress.percentage = job.progress.percentage.max(percentage);
    match status {
        Status::Completed | Status::Failed | Status::Canceled => return ended(&job, status, now),
        Status::Initialized => (),
        // A reset is how a service says that it starts over; it is still at work.
        Status::InProgress | Status::Reset | Status::Unknown => {
            if job.state == JobState::Queued {
                job.state = JobState::Running;
            }
            job.phase = working(job.kind);
        }
    }
    job
}

/// The job, ended with this terminal status.
pub(crate) fn ended(job: &Job, status: Status, now: DateTime<Utc>) -> Job {
    let mut job = Job {
        phase: Phase::Done,
        cancelable: false,
        ended: Some(now),
        ..job.clone()
    };
    match status {
        Status::Completed => {
            job.state = JobState::Completed;
            job.progress.percentage = 100.0;
        }
        Status::Canceled => job.state = JobState::Canceled,
        _ => {
            job.state = JobState::Failed;
            job.problem = Some(problem::failed_without_reason(job.kind));
        }
    }
    job
}

fn is_late(job: &Job, now: DateTime<Utc>) -> bool {
    job.ended.is_some_and(|ended| now - ended < STRAGGLING)
}

fn working(kind: JobKind) -> Phase {
    match kind {
        JobKind::Creation => Phase::Storing,
        JobKind::Restoration | JobKind::Undo => Phase::Staging,
        JobKind::Verification => Phase::Verifying,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{backup, noon};

    fn report(id: &str, status: Status, percentage: f64) -> BackupStreamedProgress {
        BackupStreamedProgress {
            schema: None,
            backup: Some(backup(id)),
            status: Some(status),
            percentage: Some(percentage),
        }
    }

    fn creation(job: Option<&Job>, report: &BackupStreamedProgress) -> Option<Job> {
        reported(job, JobKind::Creation, report, noon())
    }

    #[test]
    fn a_job_of_another_program_appears_with_its_first_report() {
        let job = creation(None, &report("b1", Status::InProgress, 12.0)).unwrap();
        assert_eq!((job.backup.as_str(), job.state), ("b1", JobState::Running));
        assert_eq!(job.progress.percentage, 12.0);
    }

    #[test]
    fn progress_that_is_reset_does_not_go_back() {
        let job = creation(None, &report("b1", Status::InProgress, 40.0));
        let job = creation(job.as_ref(), &report("b1", Status::Reset, 0.0)).unwrap();
        assert_eq!(job.progress.percentage, 40.0);
        assert!(!job.state.is_terminal());
    }

    #[test]
    fn a_report_without_a_backup_is_about_the_job_that_runs() {
        let job = begun(JobKind::Creation, "b1", noon());
        let mut nameless = report("b1", Status::InProgress, 5.0);
        nameless.backup = None;
        assert_eq!(creation(Some(&job), &nameless).unwrap().backup, "b1");
        assert_eq!(creation(None, &nameless), None);
    }

    #[test]
    fn each_end_is_told_as_what_it_is() {
        let job = begun(JobKind::Creation, "b1", noon());
        for (status, state) in [
            (Status::Completed, JobState::Completed),
            (Status::Failed, JobState::Failed),
            (Status::Canceled, JobState::Canceled),
        ] {
            let job = creation(Some(&job), &report("b1", status, 50.0)).unwrap();
            assert_eq!(job.state, state);
            assert_eq!(job.problem.is_some(), state == JobState::Failed);
            assert_eq!(job.ended, Some(noon()));
        }
    }

    #[test]
    fn a_channel_that_lags_behind_does_not_revive_a_job() {
        let job = begun(JobKind::Restoration, "b1", noon());
        let job = ended(&job, Status::Completed, noon());
        let late = report("b1", Status::InProgress, 90.0);
        let after = |seconds| {
            let now = noon() + TimeDelta::seconds(seconds);
            reported(Some(&job), JobKind::Restoration, &late, now)
        };
        assert_eq!(after(1), None);
        assert_eq!(after(60).unwrap().state, JobState::Running);
    }

    #[test]
    fn an_end_is_told_once() {
        let job = begun(JobKind::Creation, "b1", noon());
        let end = report("b1", Status::Completed, 100.0);
        let job = creation(Some(&job), &end).unwrap();
        assert_eq!(creation(Some(&job), &end), None);
    }
}
