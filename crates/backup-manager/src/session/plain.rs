//! Follows a service without the extensions: what runs through one WebSocket, as long as it works, and the rest by asking.

use std::sync::Arc;

use backup_api::{
    BackupStreamedProgress, BackupsStreamedProgress, Capabilities, Job, JobKind, Problem, Status,
};
use futures::StreamExt;

use super::Pulse;
use crate::api::{Api, Updates};
use crate::desk::Desk;
use crate::plain::ended;

/// Ends with why there is no connection any more.
pub(super) async fn follow(
    desk: &Desk,
    api: &Arc<dyn Api>,
    capabilities: Option<Capabilities>,
) -> Problem {
    // A list that cannot be read is shown as that, and blocks nothing else.
    let listed = api.backups().await;
    desk.change(|state| {
        state.connected(capabilities);
        state.list(listed);
    });
    desk.acquaint();
    let mut progress = Some(api.watch_progress());
    let mut ticks = tokio::time::interval(desk.timings.tick);
    let mut relist = tokio::time::interval(desk.timings.relist);
    relist.reset();
    let mut pulse = Pulse::new(desk);
    loop {
        tokio::select! {
            all = next(&mut progress) => match all {
                Some(all) => observe(desk, api.as_ref(), &all).await,
                // It is opened again with the next tick, if the service is there at all.
                None => progress = None,
            },
            _ = ticks.tick() => {
                desk.tick();
                if let Err(problem) = pulse.check(api.as_ref()).await {
                    return problem;
                }
                progress.get_or_insert_with(|| api.watch_progress());
                ask_if_silent(desk, api.as_ref()).await;
            }
            _ = relist.tick() => list(desk, api.as_ref()).await,
            () = desk.relist.notified() => list(desk, api.as_ref()).await,
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

async fn list(desk: &Desk, api: &dyn Api) {
    let listed = api.backups().await;
    desk.change(|state| state.list(listed));
}

/// Takes over what is said of jobs in progress, whoever started them.
async fn observe(desk: &Desk, api: &dyn Api, all: &BackupsStreamedProgress) {
    let reports = |list: &Option<Vec<BackupStreamedProgress>>, kind| {
        let list = list.as_deref().unwrap_or_default();
        list.iter()
            .fold(false, |news, report| desk.report(kind, report) || news)
    };
    let before = running(desk);
    let news =
        reports(&all.backups, JobKind::Creation) | reports(&all.restorations, JobKind::Restoration);
    // A job that is no longer mentioned has ended, and only its status tells how.
    if let Some(job) = before
        && running(desk).is_some()
        && !news
        && !mentions(all, &job)
    {
        ask(desk, api, &job).await;
    }
    if news && has_ended(desk) {
        desk.relist.notify_one();
    }
}

fn has_ended(desk: &Desk) -> bool {
    desk.read(|state| {
        state
            .job
            .as_ref()
            .is_some_and(|job| job.state.is_terminal())
    })
}

fn mentions(all: &BackupsStreamedProgress, job: &Job) -> bool {
    let list = match job.kind {
        JobKind::Creation => &all.backups,
        _ => &all.restorations,
    };
    let list = list.as_deref().unwrap_or_default();
    list.iter().any(|report| {
        let backup = report.backup.as_ref();
        backup.is_none_or(|backup| backup.id == job.backup)
    })
}

async fn ask_if_silent(desk: &Desk, api: &dyn Api) {
    let silent = desk.read(|state| state.silence(std::time::Instant::now()));
    if let Some(job) = running(desk)
        && silent.is_some_and(|silence| silence >= desk.timings.tick)
    {
        ask(desk, api, &job).await;
    }
}

/// Asks how a job stands.
async fn ask(desk: &Desk, api: &dyn Api, job: &Job) {
    match api.status(job.kind, &job.backup).await {
        Ok(Some(status)) => {
            let report = BackupStreamedProgress {
                schema: None,
                backup: Some(status.backup),
                status: status.value,
                percentage: status.percentage,
            };
            if desk.report(job.kind, &report) && report.status.is_some_and(Status::is_terminal) {
                desk.relist.notify_one();
            }
        }
        // It is not known there any more: whether it was completed shows in the list.
        Ok(None) if job.kind == JobKind::Creation => settle_by_list(desk, api, job).await,
        Ok(None) => {}
        Err(problem) => {
            tracing::debug!(problem = %problem.message, "the status of a job cannot be asked");
        }
    }
}

async fn settle_by_list(desk: &Desk, api: &dyn Api, job: &Job) {
    let listed = api.backups().await;
    if let Ok(list) = &listed {
        let made = list.iter().any(|backup| backup.id == job.backup);
        let status = if made {
            Status::Completed
        } else {
            Status::Failed
        };
        desk.set_job(ended(job, status, chrono::Utc::now()));
    }
    desk.change(|state| state.list(listed));
}

/// The job that runs, unless the call that started it reports on it.
fn running(desk: &Desk) -> Option<Job> {
    desk.running_job()
        .filter(|_| !desk.read(|state| state.followed))
}
