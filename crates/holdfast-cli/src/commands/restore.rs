//! `restore`: everything or a part, to its place or into a folder, after saying what that changes.

use std::path::Path;

use backup_api::{
    Backup, BackupStreamedProgress, Job, JobKind, JobState, Preview, Restore, Status, What,
};
use backup_client::Client;
use serde::Serialize;

use super::{confirm, print};
use crate::arguments;
use crate::connect::Connection;
use crate::fail::{FAILED, Failure, INCOMPLETE, USAGE};
use crate::progress::{Act, follow, follow_job};
use crate::show;

/// The extension that a choice takes.
const FEATURE: &str = "restore-parts";

pub async fn run(
    connection: &Connection,
    wanted: arguments::Restore,
    as_json: bool,
) -> Result<(), Failure> {
    let client = &connection.client;
    let request = request(&wanted)?;
    let backup = client.backup(&wanted.id).await?;
    if connection.is_own() && offers(client).await? {
        return restore(client, &backup, &request, wanted.yes, as_json).await;
    }
    if (&request.what, &request.folder) != (&What::Everything, &None) {
        let message = "This service restores the library to its place, and nothing else. Nothing was changed.";
        let fix =
            "Leave out --only, --path and --to, or use the command on the machine of the service.";
        return Err(Failure::new(FAILED, "unsupported", message, fix));
    }
    restore_library(client, &backup, wanted.yes, as_json).await
}

async fn offers(client: &Client) -> Result<bool, Failure> {
    let features = client.capabilities().await?;
    let features = features.map(|known| known.features).unwrap_or_default();
    Ok(features.iter().any(|feature| feature == FEATURE))
}

fn request(wanted: &arguments::Restore) -> Result<Restore, Failure> {
    let what = match wanted.only.as_deref() {
        Some("library") => What::Library,
        Some(source) => What::Source(source.to_owned()),
        None if wanted.path.is_empty() => What::Everything,
        None => {
            let paths = wanted.path.iter();
            What::Paths(paths.map(|path| super::browse::plain(path)).collect())
        }
    };
    let folder = wanted.to.as_deref().map(absolute).transpose()?;
    Ok(Restore { what, folder })
}

/// The service may run in another folder than this program.
pub(super) fn absolute(path: &Path) -> Result<String, Failure> {
    let bad = |why: &str| {
        let message = format!("The folder {} cannot be used: {why}.", path.display());
        Failure::new(USAGE, "bad-folder", &message, "Give another one.")
    };
    let path = std::path::absolute(path).map_err(|error| bad(&error.to_string()))?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| bad("its path is not valid Unicode"))
}

async fn restore(
    client: &Client,
    backup: &Backup,
    request: &Restore,
    yes: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let preview = foresee(client, backup, request).await?;
    let sources = preview.as_ref().map(restored).unwrap_or_default();
    let left_out = preview.as_ref().map(|preview| left_out(preview, request));
    let left_out = left_out.unwrap_or_default();
    if !yes {
        tell(preview.as_ref(), request);
    }
    confirm(yes, &question(backup, request, &sources))?;
    let line = as_json.then_some(|job: &Job| Line::of(job, backup));
    let begin = client.begin_restore(&backup.id, request);
    let job = follow_job(client, begin, Act::Restore, line, |_| ()).await?;
    if !as_json {
        print_end(client, &job, request).await?;
    }
    if left_out.is_empty() {
        return Ok(());
    }
    let message = format!("Left out: {}.", left_out.join(", "));
    Err(Failure::new(INCOMPLETE, "left-out", &message, LEFT_OUT_FIX))
}

const LEFT_OUT_FIX: &str = "They are no protected folders here, or were not there when the backup was made. Add them with holdfast \
     sources add, or restore them into a folder with --to.";

async fn print_end(client: &Client, job: &Job, request: &Restore) -> Result<(), Failure> {
    let id = show::safe(&job.backup);
    let text = match &request.folder {
        Some(folder) => format!("Restored {id} into {}.\n", show::safe(folder)),
        None => format!("Restored {id}.{}\n", way_back(client, job).await),
    };
    print(false, &(), || text)
}

/// How to undo it, where what is kept was replaced by this very restore. One that found nothing to replace leaves what an
/// earlier one has replaced, which is not to be undone in its place.
async fn way_back(client: &Client, job: &Job) -> &'static str {
    let kept = match client.overview().await {
        Ok(overview) => overview.undo,
        Err(error) => {
            tracing::info!(%error, "whether the restore can be undone cannot be told");
            None
        }
    };
    match kept.filter(|kept| kept.backup == job.backup && kept.restored >= job.started) {
        Some(_) => " Bring back what it replaced with: holdfast undo",
        None => "",
    }
}

/// The folders that are restored, by their ids.
fn restored(preview: &Preview) -> Vec<&str> {
    let parts = preview.parts.iter().map(|part| part.source.as_str());
    parts.filter(|source| *source != "library").collect()
}

/// The folders of the backup that a restore of everything leaves as they are.
fn left_out(preview: &Preview, request: &Restore) -> Vec<String> {
    let restored = restored(preview);
    let left_out = preview.details.sources.iter().filter(|source| {
        request.what == What::Everything && !restored.contains(&source.id.as_str())
    });
    left_out.map(|source| show::safe(&source.id)).collect()
}

/// What cannot be looked at can still be restored; what is asked for wrongly cannot.
async fn foresee(
    client: &Client,
    backup: &Backup,
    request: &Restore,
) -> Result<Option<Preview>, Failure> {
    match client.foresee(&backup.id, request).await {
        Ok(preview) => Ok(Some(preview)),
        Err(error) if matches!(error.status(), Some(400 | 404)) => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "what the restore changes cannot be told");
            Ok(None)
        }
    }
}

fn tell(preview: Option<&Preview>, request: &Restore) {
    let library = matches!(request.what, What::Everything | What::Library);
    match preview {
        Some(preview) => {
            let shown = show::preview(preview, library, request.folder.is_none());
            eprint!("{shown}");
            let left_out = left_out(preview, request);
            if !left_out.is_empty() {
                eprintln!("Left out: {}", left_out.join(", "));
            }
        }
        None => eprintln!("What it changes cannot be told before it begins."),
    }
}

/// Names what would be done.
fn question(backup: &Backup, request: &Restore, sources: &[&str]) -> String {
    let at = show::time(backup.created.value);
    let folders = match sources {
        [] => String::new(),
        [one] => format!(" and the folder {}", show::safe(one)),
        many => format!(" and the folders {}", show::safe(&many.join(", "))),
    };
    let what = match &request.what {
        What::Everything => format!("the library{folders}"),
        What::Library => "the library".into(),
        What::Source(id) => format!("the folder {}", show::safe(id)),
        What::Paths(paths) => match paths.as_slice() {
            [one] => show::safe(one),
            many => show::counted(many.len() as u64, "path"),
        },
    };
    match &request.folder {
        None => format!("Replace {what} with the backup of {at}?"),
        Some(folder) => {
            format!(
                "Restore {what} of the backup of {at} into {}?",
                show::safe(folder)
            )
        }
    }
}

/// What a script reads of a restore: as the Backup API has it, and the job.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    step: BackupStreamedProgress,
    job: Job,
}

impl Line {
    fn of(job: &Job, backup: &Backup) -> Self {
        let status = match job.state {
            JobState::Queued => Status::Initialized,
            JobState::Running | JobState::Canceling => Status::InProgress,
            JobState::Completed => Status::Completed,
            JobState::Failed => Status::Failed,
            JobState::Canceled => Status::Canceled,
        };
        Self {
            step: BackupStreamedProgress {
                schema: None,
                backup: Some(backup.clone()),
                status: Some(status),
                percentage: Some(job.progress.percentage),
            },
            job: job.clone(),
        }
    }
}

/// On a service that has nothing but the Backup API, or that lets others do no more.
async fn restore_library(
    client: &Client,
    backup: &Backup,
    yes: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let library = Restore {
        what: What::Library,
        folder: None,
    };
    let preview = client.preview(&backup.id).await.ok();
    if !yes && preview.is_some() {
        tell(preview.as_ref(), &library);
    }
    confirm(yes, &question(backup, &library, &[]))?;
    let restoring = client.restore_watched(&backup.id);
    follow(client, restoring, Act::Restore, as_json).await?;
    if as_json {
        return Ok(());
    }
    // A service without extensions knows of no job, and of nothing to undo.
    let jobs = client.jobs().await.unwrap_or_default();
    let restores = |job: &&Job| job.kind == JobKind::Restoration && job.backup == backup.id;
    let undo = match jobs.iter().find(restores) {
        Some(job) => way_back(client, job).await,
        None => "",
    };
    print(false, &(), || {
        let id = show::safe(&backup.id);
        format!("Restored the library of {id}.{undo}\n")
    })
}
