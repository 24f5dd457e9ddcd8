//! Backing up, undoing a restore and cancelling.

use backup_api::{BackupDetails, Job, JobKind, JobState};
use backup_client::{Client, ClientError};
use serde_json::json;

use super::print;
use crate::fail::{FAILED, Failure, INCOMPLETE};
use crate::interrupts::Interrupts;
use crate::progress::{Act, follow};
use crate::show;

pub async fn back_up(client: &Client, as_json: bool) -> Result<(), Failure> {
    let coming = follow(client, client.create_watched(), Act::Backup, as_json).await?;
    let id = coming.map(|backup| backup.id).unwrap_or_default();
    let details = details_of_new(client, &id).await;
    if !as_json {
        let known = details.as_ref().ok().and_then(Option::as_ref);
        let stored = known.map(|details| show::size(details.stored_bytes));
        let stored = stored.map_or(String::new(), |stored| format!(", {stored} new"));
        print(false, &(), || {
            format!("Backed up as {}{stored}.\n", show::safe(&id))
        })?;
    }
    match details? {
        Some(details) if details.unread_count > 0 => Err(incomplete(&details, as_json)),
        _ => Ok(()),
    }
}

/// `None`: another service has nothing more to say. Errors: whether the backup is whole cannot be told, so it must not pass
/// for that.
async fn details_of_new(client: &Client, id: &str) -> Result<Option<BackupDetails>, Failure> {
    let why = match client.details().await {
        Ok(all) => match all.into_iter().find(|details| details.backup.id == id) {
            Some(details) => return Ok(Some(details)),
            None => "the service does not list it".into(),
        },
        Err(error) if matches!(error.status(), Some(404 | 405 | 501)) => return Ok(None),
        Err(error) => error.to_string(),
    };
    tracing::info!(why, "there are no details of the new backup");
    let message = "The backup was made, but whether all files could be read could not be asked.";
    let fix = format!("Ask once more with: holdfast show {id}");
    Err(Failure::new(INCOMPLETE, "details-unknown", message, &fix))
}

/// The backup was made, and is not all that was asked for.
fn incomplete(details: &BackupDetails, as_json: bool) -> Failure {
    if !as_json {
        eprint!("{}", show::unread(details));
    }
    let unread = show::count(details.unread_count);
    let message = format!(
        "{unread} of the files and folders could not be read whole; all others are in the backup."
    );
    let fix = format!("See them with: holdfast show {}", details.backup.id);
    Failure::new(INCOMPLETE, "unread-files", &message, &fix)
}

pub async fn undo(client: &Client, as_json: bool) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen().map_err(|error| Failure::internal(&error))?;
    let mut undoing = std::pin::pin!(client.undo());
    let job = loop {
        tokio::select! {
            undone = &mut undoing => break undone?,
            () = interrupts.next() => cancel_undo(client.clone(), as_json),
        }
    };
    print(as_json, &job, || {
        "What the restore had replaced is back.\n".into()
    })
}

/// From a task of its own: how it ends is what the undo answers.
fn cancel_undo(client: Client, quiet: bool) {
    if !quiet {
        eprintln!("Cancelling.");
    }
    tokio::spawn(async move {
        let undoes = |job: &Job| job.kind == JobKind::Undo && !job.state.is_terminal();
        let jobs = client.jobs().await.unwrap_or_default();
        if let Some(job) = jobs.into_iter().find(undoes)
            && let Err(error) = client.cancel_job(&job.id).await
        {
            tracing::info!(%error, "the undo was not cancelled");
        }
    });
}

/// Cancels whichever job of this backup runs, or the job with this id.
pub async fn cancel(client: &Client, id: &str, as_json: bool) -> Result<(), Failure> {
    match cancel_on(client, id).await {
        Ok(()) => {}
        Err(error) if knows_of_none(&error) => cancel_as_job(client, id, error).await?,
        Err(error) => return Err(error.into()),
    }
    print(as_json, &json!({"canceled": id}), || {
        "Cancelled. Everything is as it was.\n".into()
    })
}

/// The creation or the restoration of this backup, as every service of the Backup API does it.
async fn cancel_on(client: &Client, id: &str) -> Result<(), ClientError> {
    match client.cancel_creation(id).await {
        Err(error) if knows_of_none(&error) => client.cancel_restoration(id).await,
        canceled => canceled,
    }
}

/// Whether there was nothing of this kind to cancel, as far as that is said: a service without codes says no more than that
/// it did not do it. That it came too late is an answer, and no reason to look for something else.
fn knows_of_none(error: &ClientError) -> bool {
    matches!(
        error.code(),
        "nothing-to-cancel" | "unknown-backup" | "not-found"
    ) || (error.code() == "refused" && error.status() == Some(500))
}

/// A job that the Backup API has no call for, or that is named by its own id. `none`: what is said where there is none.
async fn cancel_as_job(client: &Client, id: &str, none: ClientError) -> Result<(), Failure> {
    let runs = |job: &Job| !job.state.is_terminal() && (job.id == id || job.backup == id);
    let jobs = client.jobs().await.unwrap_or_default();
    let Some(job) = jobs.into_iter().find(runs) else {
        return Err(none.into());
    };
    let ended = client.cancel_job(&job.id).await?;
    match (ended.state, &ended.problem) {
        (JobState::Canceled, _) => Ok(()),
        (_, Some(problem)) => Err(Failure::of(problem)),
        (JobState::Completed, None) => Err(too_late("already-completed", "already completed")),
        (_, None) => Err(too_late("not-canceled", "not cancelled")),
    }
}

fn too_late(code: &str, how: &str) -> Failure {
    let message = format!("It was {how}.");
    Failure::new(
        FAILED,
        code,
        &message,
        "See how things are with: holdfast status",
    )
}
