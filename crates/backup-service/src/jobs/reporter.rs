//! From the engine's steps to what a job says of itself: at once when the phase changes, else now and then.

use std::time::{Duration, Instant};

use backup_api::{Job, JobKind, JobState, Phase, Progress};
use backup_engine::Step;

use super::meter::Meter;
use crate::convert;

/// Between two snapshots of a running job.
const EVERY: Duration = Duration::from_millis(60);

pub(super) struct Reporter {
    meter: Meter,
    last: Option<Instant>,
    phase: Option<backup_engine::Phase>,
    /// The commit began, and with it the time in which nothing is cancelled any more.
    committed: bool,
}

impl Reporter {
    pub(super) fn new() -> Self {
        Self {
            meter: Meter::new(),
            last: None,
            phase: None,
            committed: false,
        }
    }

    /// What is worth telling of a step at this moment, if anything.
    pub(super) fn take(&mut self, step: Step, now: Instant) -> Option<News> {
        let due = |last: Instant| now.duration_since(last) >= EVERY;
        if self.phase == Some(step.phase) && !self.last.is_none_or(due) {
            return None;
        }
        (self.last, self.phase) = (Some(now), Some(step.phase));
        self.committed |= step.phase == backup_engine::Phase::Committing;
        Some(News {
            phase: convert::phase(step.phase),
            progress: self.meter.take(step, now),
            committed: self.committed,
        })
    }
}

/// What has changed about a job.
pub(super) struct News {
    phase: Phase,
    progress: Progress,
    committed: bool,
}

impl News {
    pub(super) fn write(self, job: &mut Job) {
        if job.state == JobState::Queued {
            job.state = JobState::Running;
        }
        (job.phase, job.progress) = (self.phase, self.progress);
        let waits = job.phase == Phase::Waiting;
        if !waits {
            job.waits_for = None;
        }
        // An undo is over in a moment, and can be cancelled only while it waits.
        let may_be = job.kind != JobKind::Undo || waits;
        job.cancelable = may_be && !self.committed && job.state == JobState::Running;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;
    use backup_engine::Phase::{Committing, Preparing, Staging, Waiting};

    fn step(phase: backup_engine::Phase, done: u64) -> Step {
        Step {
            phase,
            done,
            total: 100,
        }
    }

    #[test]
    fn a_new_phase_is_told_at_once_and_progress_now_and_then() {
        let (mut reporter, start) = (Reporter::new(), Instant::now());
        assert!(reporter.take(step(Preparing, 0), start).is_some());
        assert!(reporter.take(step(Preparing, 1), start).is_none());
        assert!(reporter.take(step(Staging, 1), start).is_some());
        assert!(reporter.take(step(Staging, 2), start + EVERY / 2).is_none());
        assert!(reporter.take(step(Staging, 3), start + EVERY).is_some());
    }

    #[test]
    fn a_job_can_be_cancelled_until_its_commit_and_says_for_whom_it_waits_only_while_it_does() {
        let now = Instant::now();
        for (kind, cancelable) in [
            (JobKind::Restoration, [true, true, true, false, false]),
            (JobKind::Undo, [false, true, false, false, false]),
        ] {
            let (mut reporter, mut job) = (Reporter::new(), trial::job(kind));
            let phases = [Preparing, Waiting, Staging, Committing, Staging];
            for (phase, cancelable) in phases.into_iter().zip(cancelable) {
                job.waits_for = Some("a program".into());
                let news = reporter.take(step(phase, 1), now);
                news.unwrap().write(&mut job);
                assert_eq!(job.cancelable, cancelable, "{kind:?} {phase:?}");
                assert_eq!(job.waits_for.is_some(), phase == Waiting, "{phase:?}");
                assert_eq!(job.state, JobState::Running);
            }
        }
    }
}
