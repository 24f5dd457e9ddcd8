//! Follows a service without the extensions: what runs through one WebSocket, as long as it works, and the rest by asking.

use std::sync::Arc;
use std::time::Instant;

use backup_api::{BackupStreamedProgress, BackupsStreamedProgress, Job, JobKind, Problem, Status};
use chrono::Utc;
use futures::StreamExt;

use super::{Pulse, ticks};
use crate::api::{Api, Updates};
use crate::line::Line;
use crate::problem;

/// Ends with why there is no connection any more.
pub(super) async fn follow(line: &Line, api: &Arc<dyn Api>) -> Problem {
    // A list that cannot be read, or that does not come, is shown as that and blocks nothing else.
    let limit = line.desk().timings.tick;
    let listed = tokio::time::timeout(limit, api.backups()).await;
    let listed = listed.unwrap_or_else(|_| Err(problem::silent(limit)));
    line.observe(|state| {
        state.connected(Instant::now());
        state.list(listed);
        // Nothing has run, as far as such a service tells: whatever ends from now on is news.
        true
    });
    tokio::select! {
        problem = follow_jobs(line, api.as_ref()) => problem,
        never = keep_list(line, api.as_ref()) => match never {},
    }
}

/// Reads the list whenever it may have changed.
async fn keep_list(line: &Line, api: &dyn Api) -> std::convert::Infallible {
    let mut relist = ticks(line.desk().timings.relist);
    relist.reset();
    loop {
        tokio::select! {
            _ = relist.tick() => {}
            () = line.desk().relist.notified() => {}
        }
        let listed = api.backups().await;
        line.change(|state| state.list(listed));
    }
}

async fn follow_jobs(line: &Line, api: &dyn Api) -> Problem {
    let mut progress = Some(api.watch_progress());
    let mut ticks = ticks(line.desk().timings.tick);
    let mut pulse = Pulse::new(line.desk());
    loop {
        tokio::select! {
            all = next(&mut progress) => match all {
                Some(all) => {
                    pulse.heard();
                    observe(line, api, &all).await;
                }
                // It is opened again with the next tick, if the service is there at all.
                None => progress = None,
            },
            _ = ticks.tick() => {
                line.desk().tick();
                if let Err(problem) = pulse.check(api).await {
                    return problem;
                }
                progress.get_or_insert_with(|| api.watch_progress());
                ask_if_silent(line, api).await;
            }
        }
    }
}

/// The next message; `None` when there is none any more. Without a socket it waits for ever.
async fn next(
    progress: &mut Option<Updates<BackupsStreamedProgress>>,
) -> Option<BackupsStreamedProgress> {
    let Some(socket) = progress else {
        return std::future::pending().await;
    };
    match socket.next().await {
        Some(Ok(all)) => Some(all),
        Some(Err(problem)) => {
            tracing::debug!(problem = %problem.message, "what runs is watched by asking");
            None
        }
        None => None,
    }
}

/// Takes over what is said of jobs in progress, whoever started them.
async fn observe(line: &Line, api: &dyn Api, all: &BackupsStreamedProgress) {
    // A job that is no longer mentioned has ended, and only its status tells how.
    if let Some(job) = unfollowed(line).filter(|job| !mentions(all, job)) {
        ask(line, api, &job).await;
        if something_runs(all) {
            // One runs at a time: it has made way for another, whatever is said of it.
            let reason = problem::broke_off(job.kind);
            line.end_job(&job.id, Status::Failed, Some(reason));
        }
    }
    let reports = |list: &Option<Vec<BackupStreamedProgress>>, kind| {
        for report in list.iter().flatten() {
            take(line, kind, report);
        }
    };
    reports(&all.backups, JobKind::Creation);
    reports(&all.restorations, JobKind::Restoration);
}

/// A job that has ended may have changed the list.
fn take(line: &Line, kind: JobKind, report: &BackupStreamedProgress) {
    let news = line.observe(|state| state.report(kind, report, Utc::now()));
    if news && report.status.is_some_and(Status::is_terminal) {
        line.desk().relist.notify_one();
    }
}

fn something_runs(all: &BackupsStreamedProgress) -> bool {
    let lists = [&all.backups, &all.restorations];
    let ended = |report: &BackupStreamedProgress| report.status.is_some_and(Status::is_terminal);
    lists
        .into_iter()
        .flatten()
        .flatten()
        .any(|report| !ended(report))
}

fn mentions(all: &BackupsStreamedProgress, job: &Job) -> bool {
    let list = match job.kind {
        JobKind::Creation => &all.backups,
        _ => &all.restorations,
    };
    list.iter().flatten().any(|report| {
        let backup = report.backup.as_ref();
        backup.is_none_or(|backup| backup.id == job.backup)
    })
}

async fn ask_if_silent(line: &Line, api: &dyn Api) {
    let silent = line.read(|state| state.silence(Instant::now())).flatten();
    if silent.is_some_and(|silence| silence >= line.desk().timings.tick)
        && let Some(job) = unfollowed(line)
    {
        ask(line, api, &job).await;
    }
}

/// Asks how a job stands.
async fn ask(line: &Line, api: &dyn Api, job: &Job) {
    match api.status(job.kind, &job.backup).await {
        Ok(Some(status)) => {
            let report = BackupStreamedProgress {
                schema: None,
                backup: Some(status.backup),
                status: status.value,
                percentage: status.percentage,
            };
            let news = line.observe(|state| state.report_on(&job.id, &report, Utc::now()));
            if news && report.status.is_some_and(Status::is_terminal) {
                line.desk().relist.notify_one();
            }
        }
        Ok(None) => settle(line, api, job).await,
        Err(problem) => {
            tracing::debug!(problem = %problem.message, "the status of a job cannot be asked");
        }
    }
}

/// The service does not know of the job any more. Whether a backup was completed shows in the list.
async fn settle(line: &Line, api: &dyn Api, job: &Job) {
    let made = match job.kind {
        JobKind::Creation => match api.backups().await {
            Ok(list) => list.iter().any(|backup| backup.id == job.backup),
            // It is asked again.
            Err(_) => return,
        },
        _ => false,
    };
    if made {
        line.end_job(&job.id, Status::Completed, None);
    } else {
        let reason = problem::broke_off(job.kind);
        line.end_job(&job.id, Status::Failed, Some(reason));
    }
    line.desk().relist.notify_one();
}

/// The job that runs, unless the call that started it reports on it.
fn unfollowed(line: &Line) -> Option<Job> {
    let look = |state: &crate::state::State| {
        let job = state.running_job()?;
        (state.followed.as_ref() != Some(&job.id)).then(|| job.clone())
    };
    line.read(look).flatten()
}
