//! A job on its way: a bar on a terminal, nothing on a pipe, a line each with `--json`. Ctrl-C cancels the job.

use std::io::IsTerminal;

use backup_api::{Backup, BackupStreamedProgress, Status};
use backup_client::{Client, Watched};
use indicatif::{ProgressBar, ProgressStyle};

use crate::fail::{FAILED, Failure};
use crate::serve::told_to_stop;
use crate::show;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Backup,
    Restore,
}

/// Follows a job to its end. The backup that was made or restored, as far as the service named it.
pub async fn follow(
    client: &Client,
    mut job: Watched,
    act: Act,
    json: bool,
) -> Result<Option<Backup>, Failure> {
    let bar = bar(act, json);
    // One for the whole job: whoever is told between two steps is told all the same.
    let mut stop = std::pin::pin!(told_to_stop());
    let (mut backup, mut told, mut asked) = (None, false, false);
    loop {
        let step = tokio::select! {
            step = job.next() => step,
            () = &mut stop, if !told => {
                told = true;
                bar.set_message("cancelling");
                asked = cancel(client, &job, act);
                continue;
            }
        };
        let Some(step) = step else { break };
        let step = step.inspect_err(|_| bar.finish_and_clear())?;
        tell(&bar, &step, json);
        if told && !asked {
            // The service had not named the backup when it was told.
            asked = cancel(client, &job, act);
        }
        backup = step.backup.or(backup);
        match step.status {
            Some(Status::Completed) => break,
            Some(Status::Canceled) => {
                bar.finish_and_clear();
                return Err(Failure::canceled("Cancelled. Everything is as it was."));
            }
            Some(Status::Failed) => {
                bar.finish_and_clear();
                return Err(why(client, backup.as_ref()).await);
            }
            _ => {}
        }
    }
    bar.finish_and_clear();
    Ok(backup)
}

/// From a task of its own, so that the job's end is seen meanwhile. False: it is not yet known what to cancel.
fn cancel(client: &Client, job: &Watched, act: Act) -> bool {
    let Some(id) = job.backup_id().map(str::to_owned) else {
        return false;
    };
    let client = client.clone();
    tokio::spawn(async move {
        let canceled = match act {
            Act::Backup => client.cancel_creation(&id).await,
            Act::Restore => client.cancel_restoration(&id).await,
        };
        if let Err(error) = canceled {
            tracing::info!(%error, "the job ended before it was cancelled");
        }
    });
    true
}

/// A stream says that a job failed; the list of jobs says why.
async fn why(client: &Client, backup: Option<&Backup>) -> Failure {
    let jobs = client.jobs().await.unwrap_or_default();
    let job = jobs
        .into_iter()
        .find(|job| backup.is_some_and(|backup| backup.id == job.backup));
    match job.and_then(|job| job.problem) {
        Some(problem) => {
            let exit = match problem.code.as_str() {
                "locked" | "destination-unreachable" => crate::fail::NOT_REACHABLE,
                "newer-layout" | "newer-library" => crate::fail::NEWER,
                _ => FAILED,
            };
            Failure::new(exit, &problem.code, &problem.message, &problem.fix)
        }
        None => Failure::new(
            FAILED,
            "failed",
            "It failed, and the service did not say why.",
            "See its log.",
        ),
    }
}

fn tell(bar: &ProgressBar, step: &BackupStreamedProgress, json: bool) {
    if json {
        println!("{}", serde_json::to_string(step).unwrap_or_default());
        return;
    }
    let percentage = step.percentage.unwrap_or(0.0).clamp(0.0, 100.0);
    bar.set_position(percentage as u64);
    if let Some(backup) = step.backup.as_ref().filter(|backup| backup.bytes > 0) {
        bar.set_message(format!("of {}", show::size(backup.bytes)));
    }
}

fn bar(act: Act, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(100);
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} {bar:32} {percent:>3}% {msg}, {eta} left")
    {
        bar.set_style(style);
    }
    bar.set_prefix(if act == Act::Backup {
        "Backing up"
    } else {
        "Restoring"
    });
    bar
}
