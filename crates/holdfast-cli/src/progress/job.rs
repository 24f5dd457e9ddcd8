//! A job under `/holdfast/`, followed from its beginning to its end.

use backup_api::{Job, JobState, Phase};
use backup_client::{Client, ClientError};
use indicatif::ProgressBar;
use serde::Serialize;

use super::cancel::{By, Cancel};
use super::lines::Lines;
use super::{Act, bar, canceled, unexplained};
use crate::fail::Failure;
use crate::interrupts::Interrupts;
use crate::show;

/// Begins a job and follows it to its end, with `line` of each of its states for a script. The job that completed; one that
/// failed is given to `failed` before its problem becomes the failure.
pub async fn follow_job<L: Serialize>(
    client: &Client,
    beginning: impl Future<Output = Result<Job, ClientError>>,
    act: Act,
    line: Option<impl Fn(&Job) -> L>,
    failed: impl FnOnce(&Job),
) -> Result<Job, Failure> {
    // Before anything is sent: from here on Ctrl-C must not end the program beside a job that runs.
    let mut interrupts = Interrupts::listen().map_err(|error| Failure::internal(&error))?;
    let quiet = line.is_some();
    let mut cancel = Cancel::new(client, By::Job, bar(act, quiet), quiet);
    let mut beginning = std::pin::pin!(beginning);
    let begun = loop {
        tokio::select! {
            begun = &mut beginning => break begun?,
            () = interrupts.next() => cancel.told(None),
        }
    };
    let id = begun.id.clone();
    let mut states = client.follow(begun);
    let (mut waited, mut lines) = (None, Lines::default());
    loop {
        // What was wanted before the service had named the job.
        cancel.ask_if_wanted(Some(&id));
        let state = tokio::select! {
            state = states.next() => state,
            () = interrupts.next() => {
                cancel.told(Some(&id));
                continue;
            }
        };
        let Some(state) = state else {
            return Err(unexplained());
        };
        let job = state.inspect_err(|_| cancel.bar.finish_and_clear())?;
        match &line {
            Some(line) => lines.write(&line(&job)),
            None => tell(&cancel, &job, &mut waited),
        }
        if job.state.is_terminal() {
            cancel.bar.finish_and_clear();
            let job = end(job, failed)?;
            return lines.end().map(|()| job);
        }
    }
}

fn end(job: Job, failed: impl FnOnce(&Job)) -> Result<Job, Failure> {
    match (job.state, &job.problem) {
        (JobState::Completed, _) => Ok(job),
        (JobState::Canceled, _) => Err(canceled()),
        (_, problem) => {
            failed(&job);
            Err(problem.as_ref().map_or_else(unexplained, Failure::of))
        }
    }
}

/// On the bar, and what a person has to act on also where there is none.
fn tell(cancel: &Cancel, job: &Job, waited: &mut Option<String>) {
    set(&cancel.bar, job);
    let waits = (job.phase == Phase::Waiting).then(|| waiting(job));
    if waits != *waited {
        if let Some(waits) = &waits {
            cancel.say(waits);
        }
        *waited = waits;
    }
}

fn waiting(job: &Job) -> String {
    let program = job.waits_for.as_deref().unwrap_or("another program");
    format!(
        "Waiting for {} to quit. Ctrl-C cancels.",
        show::safe(program)
    )
}

fn set(bar: &ProgressBar, job: &Job) {
    bar.set_position(job.progress.percentage.clamp(0.0, 100.0) as u64);
    if job.progress.bytes_total > 0 {
        bar.set_message(format!("of {}", show::size(job.progress.bytes_total)));
    }
}
