//! A job on its way: a bar on a terminal, nothing on a pipe, a line each with `--json`. Ctrl-C cancels the job.

use std::io::IsTerminal;

use backup_api::{Backup, BackupStreamedProgress, Status};
use backup_client::{Client, ClientError, Watched};
use indicatif::{ProgressBar, ProgressStyle};

use crate::fail::{FAILED, Failure};
use crate::interrupts::Interrupts;
use crate::show;

use cancel::{By, Cancel};
use lines::Lines;

mod cancel;
mod job;
mod lines;

pub use job::follow_job;

/// What is done, for a person, and how it is cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Backup,
    Restore,
    Verify,
}

/// Starts a job and follows it to its end. The backup that was made or restored, as far as the service named it.
pub async fn follow(
    client: &Client,
    starting: impl Future<Output = Result<Watched, ClientError>>,
    act: Act,
    json: bool,
) -> Result<Option<Backup>, Failure> {
    // Before anything is sent: from here on Ctrl-C must not end the program beside a job that runs.
    let mut interrupts = Interrupts::listen().map_err(|error| Failure::internal(&error))?;
    let by = if act == Act::Backup {
        By::Creation
    } else {
        By::Restoration
    };
    let mut cancel = Cancel::new(client, by, bar(act, json), json);
    let mut starting = std::pin::pin!(starting);
    let mut job = loop {
        tokio::select! {
            started = &mut starting => break started?,
            () = interrupts.next() => cancel.told(None),
        }
    };
    let (mut backup, mut lines) = (None, Lines::default());
    loop {
        // What was wanted before the service had named the backup.
        cancel.ask_if_wanted(job.backup_id());
        let step = tokio::select! {
            step = job.next() => step,
            () = interrupts.next() => {
                cancel.told(job.backup_id());
                continue;
            }
        };
        let Some(step) = step else { break };
        let step = step.inspect_err(|_| cancel.bar.finish_and_clear())?;
        if json {
            lines.write(&step);
        } else {
            tell(&cancel.bar, &step);
        }
        backup = step.backup.or(backup);
        match step.status {
            Some(Status::Completed) => break,
            Some(Status::Canceled) => {
                cancel.bar.finish_and_clear();
                return Err(canceled());
            }
            Some(Status::Failed) => {
                cancel.bar.finish_and_clear();
                return Err(why(client, backup.as_ref()).await);
            }
            _ => {}
        }
    }
    cancel.bar.finish_and_clear();
    lines.end().map(|()| backup)
}

fn canceled() -> Failure {
    Failure::canceled("Cancelled. Everything is as it was.")
}

fn unexplained() -> Failure {
    Failure::new(
        FAILED,
        "failed",
        "It failed, and the service did not say why.",
        "See its log.",
    )
}

/// A stream says that a job failed; the list of jobs says why.
async fn why(client: &Client, backup: Option<&Backup>) -> Failure {
    let jobs = client.jobs().await.unwrap_or_default();
    let job = jobs
        .into_iter()
        .find(|job| backup.is_some_and(|backup| backup.id == job.backup));
    let problem = job.and_then(|job| job.problem);
    problem.map_or_else(unexplained, |problem| Failure::of(&problem))
}

fn tell(bar: &ProgressBar, step: &BackupStreamedProgress) {
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
    bar.set_prefix(match act {
        Act::Backup => "Backing up",
        Act::Restore => "Restoring",
        Act::Verify => "Verifying",
    });
    bar
}
