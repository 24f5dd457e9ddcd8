//! Jobs: one at a time, watched by any number of watchers, each ending in exactly one terminal state.

mod meter;
mod refusals;
mod reporter;
mod request;
mod waiting;
mod work;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use backup_api::{Job, JobKind, JobState, Phase};
use backup_engine::{CancelFlag, Engine, RestoreRequest, Step, Watch};
use chrono::Utc;
use tokio::sync::watch;

use crate::error::{ApiError, problem_of};
use crate::look::Waiting;
use crate::tasks::Tasks;
use meter::Meter;
use refusals::busy;
pub(crate) use refusals::stopping;
use reporter::Reporter;
pub(crate) use request::{Fate, Request, Upload};
use work::End;

/// How many ended jobs are remembered.
const REMEMBERED: usize = 200;

/// The jobs of one service.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    tasks: Tasks,
    state: Mutex<State>,
    /// Counts every change of a job, for those who watch all of them.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Newest last.
    ended: VecDeque<Job>,
    /// How many have ended, also those that are forgotten.
    ends: usize,
    started: u64,
    closed: bool,
}

#[derive(Clone)]
struct Running {
    cancel: CancelFlag,
    snapshot: watch::Sender<Job>,
}

impl Jobs {
    pub(crate) fn new(engine: Arc<Engine>, tasks: Tasks) -> Self {
        let (state, changes) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Inner {
            engine,
            tasks,
            state,
            changes,
        }))
    }

    /// Starts a job. Errors: `busy`, with the backup of the one that runs.
    pub(crate) fn start(&self, request: Request) -> Result<watch::Receiver<Job>, ApiError> {
        let mut state = self.lock();
        if let Some(running) = &state.running {
            return Err(busy(&running.snapshot.borrow()));
        }
        if state.closed {
            return Err(stopping());
        }
        state.started += 1;
        let job = request::begin(&request, &self.0.engine, state.started)?;
        let running = Running {
            cancel: CancelFlag::default(),
            snapshot: watch::Sender::new(job),
        };
        let receiver = running.snapshot.subscribe();
        state.running = Some(running.clone());
        drop(state);
        self.changed();
        let carried_out = self.clone().carry_out(request, running);
        self.0.tasks.spawn_whole(carried_out);
        Ok(receiver)
    }

    async fn carry_out(self, request: Request, running: Running) {
        let watch = self.watch(&running);
        let (engine, backup) = (
            self.0.engine.clone(),
            running.snapshot.borrow().backup.clone(),
        );
        let restores = match &request {
            Request::Restoration(asked) => Some(asked.clone()),
            _ => None,
        };
        let work =
            tokio::task::spawn_blocking(move || work::run(&engine, request, &backup, &watch));
        let naming = self.name_who_is_waited_for(&running, restores);
        let ended = tokio::select! {
            ended = work => ended,
            ended = naming => match ended {},
        };
        let end = match ended {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => {
                tracing::error!(%error, "a job failed");
                End::Failed(problem_of(&error))
            }
            Err(broken) => End::Failed(ApiError::broken(&broken).problem()),
        };
        self.finish(&running, end);
    }

    /// The engine says only that it waits; for whom is in the preview of the same restore. For an undo nobody knows.
    async fn name_who_is_waited_for(
        &self,
        running: &Running,
        restores: Option<RestoreRequest>,
    ) -> Infallible {
        let Some(asked) = restores else {
            return std::future::pending().await;
        };
        waiting::name(&running.snapshot, || async {
            let (engine, asked) = (self.0.engine.clone(), asked.clone());
            let (_waiting, watch) = Waiting::new();
            let preview = self
                .0
                .tasks
                .spawn_blocking(move || engine.preview(&asked, &watch));
            let named = preview.await.ok()?.ok()?.in_use_by;
            self.changed();
            named
        })
        .await
    }

    /// The engine's way to tell how far it is.
    fn watch(&self, running: &Running) -> Watch {
        let (jobs, snapshot) = (self.clone(), running.snapshot.clone());
        let reporter = Mutex::new(Reporter::new());
        Watch::new(running.cancel.clone(), move |step: Step| {
            let mut reporter = reporter.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(news) = reporter.take(step, Instant::now()) {
                snapshot.send_modify(|job| news.write(job));
                jobs.changed();
            }
        })
    }

    /// Takes the job off the list of running ones before anybody is told that it ended, so that whoever is told can
    /// start the next one at once.
    fn finish(&self, running: &Running, end: End) {
        let mut job = running.snapshot.borrow().clone();
        let last = job.progress;
        (job.state, job.progress) = match end {
            End::Completed | End::Verified(_) => (JobState::Completed, Meter::completed(last)),
            End::Canceled => (JobState::Canceled, Meter::stopped(last)),
            End::Failed(_) | End::Damaged(..) => (JobState::Failed, Meter::stopped(last)),
        };
        (job.problem, job.report) = match end {
            End::Completed | End::Canceled => (None, None),
            End::Verified(report) => (None, Some(report)),
            End::Damaged(problem, report) => (Some(problem), Some(report)),
            End::Failed(problem) => (Some(problem), None),
        };
        job.waits_for = None;
        (job.phase, job.cancelable, job.ended) = (Phase::Done, false, Some(Utc::now()));
        let mut state = self.lock();
        state.running = None;
        state.ends += 1;
        state.ended.push_back(job.clone());
        if state.ended.len() > REMEMBERED {
            state.ended.pop_front();
        }
        drop(state);
        running.snapshot.send_replace(job);
        self.changed();
    }

    /// Cancels the job of this kind on this backup, and returns once it has ended. The job as it ended; `None` when
    /// there is no such job that runs.
    pub(crate) async fn cancel_on(&self, kind: JobKind, backup: &str) -> Option<Job> {
        let running = self.running().filter(|running| {
            let job = running.snapshot.borrow();
            job.kind == kind && job.backup == backup
        })?;
        self.stop(&running);
        Some(ended(running.snapshot.subscribe()).await)
    }

    /// Cancels a job by its own id, and returns once it has ended. The job as it ended, also where it had ended before;
    /// `None` where there is no such job.
    pub(crate) async fn cancel(&self, id: &str) -> Option<Job> {
        let running = self.running();
        if let Some(running) = running.filter(|running| running.snapshot.borrow().id == id) {
            self.stop(&running);
            return Some(ended(running.snapshot.subscribe()).await);
        }
        self.all().into_iter().find(|job| job.id == id)
    }

    fn stop(&self, running: &Running) {
        if running.cancel.cancel() {
            running.snapshot.send_if_modified(|job| {
                let still_runs = !job.state.is_terminal();
                if still_runs {
                    (job.state, job.cancelable) = (JobState::Canceling, false);
                }
                still_runs
            });
            self.changed();
        }
    }

    /// Refuses further jobs, cancels the one that runs, and returns once it has ended.
    pub(crate) async fn close(&self) {
        self.lock().closed = true;
        if let Some(running) = self.running() {
            self.stop(&running);
            ended(running.snapshot.subscribe()).await;
        }
    }

    /// Returns once nothing runs. True: something did until then.
    pub(crate) async fn idle(&self) -> bool {
        let mut waited = false;
        while let Some(running) = self.running() {
            waited = true;
            ended(running.snapshot.subscribe()).await;
        }
        waited
    }

    /// Lets run what runs, and refuses further jobs from the very moment on in which nothing does.
    pub(crate) async fn close_when_idle(&self) {
        loop {
            let running = {
                let mut state = self.lock();
                state.closed |= state.running.is_none();
                state.running.clone()
            };
            let Some(running) = running else { return };
            ended(running.snapshot.subscribe()).await;
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The job that runs, and those that ended, newest first.
    pub(crate) fn all(&self) -> Vec<Job> {
        let state = self.lock();
        let running = state
            .running
            .iter()
            .map(|running| running.snapshot.borrow().clone());
        running.chain(state.ended.iter().rev().cloned()).collect()
    }

    /// The newest job of this kind on this backup.
    pub(crate) fn newest(&self, kind: JobKind, backup: &str) -> Option<Job> {
        self.all()
            .into_iter()
            .find(|job| job.kind == kind && job.backup == backup)
    }

    /// What is news to a watcher that last saw so many ends: the job that runs, then those that ended since, newest first.
    /// The last that ended, where there is neither. With how many have ended by now.
    pub(crate) fn since(&self, seen: Option<usize>) -> (Vec<Job>, usize) {
        let state = self.lock();
        let new = state.ends - seen.unwrap_or(state.ends);
        let shown = if state.running.is_none() {
            new.max(1)
        } else {
            new
        };
        let running = state.running.iter();
        let running = running.map(|running| running.snapshot.borrow().clone());
        let ended = state.ended.iter().rev().take(shown).cloned();
        (running.chain(ended).collect(), state.ends)
    }

    /// The job that runs, or the last that ran.
    pub(crate) fn last(&self) -> Option<Job> {
        self.all().into_iter().next()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// To be called also when something else changed that watchers of everything show.
    pub(crate) fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    fn running(&self) -> Option<Running> {
        self.lock().running.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the terminal state.
pub(crate) async fn ended(mut job: watch::Receiver<Job>) -> Job {
    // The sender outlives the job's end; where it does not, the last snapshot is all there is.
    if let Ok(job) = job.wait_for(|job| job.state.is_terminal()).await {
        return job.clone();
    }
    job.borrow().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watcher_is_told_every_end_since_its_last_look() {
        let (_folder, app) = crate::trial::app();
        let jobs = app.jobs();
        let create = || {
            let (upload, _) = Upload::new(Vec::new());
            jobs.start(Request::Creation(upload)).unwrap()
        };
        let names = |seen| {
            let (news, ends) = jobs.since(seen);
            let names: Vec<String> = news.into_iter().map(|job| job.id).collect();
            (names.join(" "), ends)
        };
        assert_eq!(names(None), (String::new(), 0));
        ended(create()).await;
        assert_eq!(names(None), ("job-1".into(), 1), "the last, at first");
        ended(create()).await;
        let third = create();
        // Two have ended and one runs since a look before all of them.
        assert_eq!(names(Some(0)), ("job-3 job-2 job-1".into(), 2));
        assert_eq!(names(Some(2)), ("job-3".into(), 2));
        assert_eq!(ended(third).await.state, JobState::Completed);
        assert_eq!(names(Some(2)), ("job-3".into(), 3));
        assert_eq!(names(Some(3)), ("job-3".into(), 3), "nothing new: the last");
    }
}
