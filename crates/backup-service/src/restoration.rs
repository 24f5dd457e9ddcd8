//! Restoring backups, and the status and cancelling of a restore.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backup_api::{Backup, BackupStatus, BackupStreamedProgress, Job, JobKind, JobState};
use backup_engine::{Place, RestoreRequest, What};
use tokio::sync::watch;

use crate::creation::{cancel_job, canceled, coming};
use crate::error::ApiError;
use crate::id::Id;
use crate::jobs::{Request, ended};
use crate::state::App;
use crate::streams::{self, Framing, View};
use crate::{answer, backups, convert};

/// Starts a restore of the library, after a look whether there is such a backup. With what was seen: at the end it may be
/// gone. The contract's words are that it replaces the local database; who wants more says so under `/holdfast/`.
async fn begin(app: &App, id: &str) -> Result<(watch::Receiver<Job>, Backup), ApiError> {
    let (backup, record) = backups::find(app, id).await?;
    let job = app.jobs().start(Request::Restoration(RestoreRequest {
        backup,
        what: What::Library,
        place: Place::InPlace,
    }))?;
    Ok((job, convert::backup(&record)))
}

pub(crate) async fn start(app: &App, id: &str) -> Result<(watch::Receiver<Job>, View), ApiError> {
    let (job, backup) = begin(app, id).await?;
    Ok((
        job,
        Box::new(move |job| convert::progress(job, backup.clone())),
    ))
}

/// Reads a body that may name the backup as the path does. Where they differ, nobody knows which one is meant.
async fn read_body(app: &App, id: &str, body: Body) -> Result<(), ApiError> {
    let sent = answer::body::<serde_json::Value>(app, body).await?;
    let named = sent.as_ref().and_then(|backup| backup.get("id"));
    let named = named.filter(|named| !named.is_null());
    if named.is_none_or(|named| named.as_str() == Some(id)) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "other-backup",
        "The body names another backup than the address does. Nothing was changed.",
        "Send the backup that is to be restored, or no body.",
    ))
}

/// Replaces the library with a backup, and answers when it is done.
#[utoipa::path(post, path = "/backup/{backup}/restore", tag = "backup", request_body(content = Option<Backup>),
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Backup),
              (status = 400, description = "The body does not read, or names another backup than the path", body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn restore(
    State(app): State<App>,
    Id(id): Id,
    body: Body,
) -> Result<Json<Backup>, ApiError> {
    read_body(&app, &id, body).await?;
    let (job, backup) = begin(&app, &id).await?;
    let job = ended(job).await;
    match (job.state, &job.problem) {
        (JobState::Completed, _) => Ok(Json(backup)),
        (_, Some(problem)) => Err(streams::failed(problem)),
        _ => Err(canceled(
            "The restore was cancelled. The library is as it was.",
        )),
    }
}

/// Replaces the library with a backup, and streams the progress.
#[utoipa::path(post, path = "/backup/{backup}/restore/streamed", tag = "backup", request_body(content = Option<Backup>),
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = BackupStreamedProgress,
               description = "One a line (NDJSON), one an event (SSE), or one final object, as `Accept` says"),
              (status = 400, description = "The body does not read, or names another backup than the path", body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String), (status = 505, body = String),
              (status = 511, body = String)))]
pub(crate) async fn restore_streamed(
    State(app): State<App>,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    read_body(&app, &id, body).await?;
    let (job, view) = start(&app, &id).await?;
    Ok(streams::answer(Framing::asked_for(&headers), job, view).await)
}

/// How a restore stands, or how the last one of this backup ended.
#[utoipa::path(get, path = "/backup/{backup}/restoration/status", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = BackupStatus), (status = 404, body = String), (status = 500, body = String)))]
pub(crate) async fn status(
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<BackupStatus>, ApiError> {
    let job = app.jobs().newest(JobKind::Restoration, &id);
    let job = job.ok_or_else(|| ApiError::unknown_backup().not_found_if_unknown())?;
    // How it ended can be told even where the backup cannot be looked up any more.
    let backup = match backups::read(&app, &id).await {
        Ok(backup) => backup,
        Err(error) => coming(&job, app.engine().device_name()).ok_or(error)?,
    };
    Ok(Json(convert::job_status(&job, backup)))
}

/// Cancels a restore, and answers when it has ended and the library is as before.
#[utoipa::path(post, path = "/backup/{backup}/restoration/cancel", tag = "backup", request_body(content = Option<Backup>),
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 204, description = "It has ended, and the original library is there"),
              (status = 500, description = "None is in progress, or it ended in another way", body = String)))]
pub(crate) async fn cancel(State(app): State<App>, Id(id): Id) -> Result<StatusCode, ApiError> {
    cancel_job(&app, JobKind::Restoration, &id).await
}
