//! Making backups: `/backup`, `/backup/asset`, `/backups/create…` and the status and cancelling of a creation.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backup_api::{
    Asset, Assets, Backup, BackupStatus, BackupStreamedProgress, Job, JobKind, JobState, Problem,
    SeededBackup, Status,
};
use backup_engine::BackupId;
use tokio::sync::watch;

use crate::error::ApiError;
use crate::id::Id;
use crate::jobs::{Fate, Request, Upload, ended};
use crate::state::App;
use crate::streams::{self, Framing, View};
use crate::{answer, backups, convert};

/// Of what came with a call whose backup was not made.
const IN_NO_BACKUP: &str = "What was sent is in the library, but is in no backup.";

/// Starts a creation, after a look whether it can start at all. The assets are put into the library first, by the job
/// itself: where none can start, nothing is changed.
async fn begin(app: &App, assets: Vec<Asset>) -> Result<(watch::Receiver<Job>, Fate), ApiError> {
    app.blocking(|engine| match engine.destination_state().error {
        Some(error) => Err(error),
        None => Ok(()),
    })
    .await?;
    let items = assets.iter().map(convert::item).collect();
    drop(assets);
    let (upload, fate) = Upload::new(items);
    let job = app.jobs().start(Request::Creation(upload))?;
    Ok((job, fate))
}

/// Starts a creation of what the library holds.
pub(crate) async fn start(app: &App) -> Result<(watch::Receiver<Job>, View), ApiError> {
    let (job, _) = begin(app, Vec::new()).await?;
    let device = app.engine().device_name().to_owned();
    let view: View = Box::new(move |job| BackupStreamedProgress {
        backup: coming(job, &device),
        ..convert::progress_words(job)
    });
    Ok((job, view))
}

/// The backup of a job, as far as the job alone tells.
pub(crate) fn coming(job: &Job, device: &str) -> Option<Backup> {
    let id = BackupId::parse(&job.backup)?;
    Some(convert::coming_backup(
        &id,
        job.progress.bytes_total,
        device,
    ))
}

/// A creation from its start to its end. The job that completed.
async fn create_whole(app: &App, assets: Vec<Asset>) -> Result<Job, ApiError> {
    let (job, fate) = begin(app, assets).await?;
    let job = ended(job).await;
    match (job.state, &job.problem) {
        (JobState::Completed, _) => Ok(job),
        (_, Some(problem)) if fate.in_library() => Err(streams::failed(&Problem {
            message: format!("{IN_NO_BACKUP} {}", problem.message),
            ..problem.clone()
        })),
        (_, Some(problem)) => Err(streams::failed(problem)),
        // A cancel takes back the backup, and not what was put into the library for it.
        _ if fate.in_library() => Err(canceled(&format!(
            "The backup was cancelled. {IN_NO_BACKUP}"
        ))),
        _ => Err(canceled(
            "The backup was cancelled. Everything is as it was.",
        )),
    }
}

pub(crate) fn canceled(message: &str) -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "canceled",
        message,
        "Start it again if that was not meant.",
    )
}

/// Puts assets into the library, if there are any in the body, and makes a backup that holds them.
#[utoipa::path(post, path = "/backup", tag = "backup", request_body(content = Option<Object>, description = "`Assets`"),
    responses((status = 204, description = "They are in a backup"), (status = 400, body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn back_up_assets(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let assets = answer::body::<Assets>(&app, body).await?;
    let assets = assets.map(|assets| assets.iterable).unwrap_or_default();
    create_whole(&app, assets)
        .await
        .map(|_| StatusCode::NO_CONTENT)
}

/// Puts one asset into the library, if there is one in the body, and makes a backup that holds it.
#[utoipa::path(post, path = "/backup/asset", tag = "backup", request_body(content = Option<Object>, description = "`Asset`"),
    responses((status = 204, description = "It is in a backup"), (status = 400, body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn back_up_asset(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let asset = answer::body::<Asset>(&app, body).await?;
    create_whole(&app, asset.into_iter().collect())
        .await
        .map(|_| StatusCode::NO_CONTENT)
}

/// Makes a backup and answers when it is done.
#[utoipa::path(post, path = "/backups/create", tag = "backups", request_body(content = Option<SeededBackup>),
    responses((status = 200, body = Backup), (status = 400, body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn create(State(app): State<App>, body: Body) -> Result<Json<Backup>, ApiError> {
    answer::body::<SeededBackup>(&app, body).await?;
    let job = create_whole(&app, Vec::new()).await?;
    // It was made, also where it cannot be looked up any more.
    let backup = match backups::read(&app, &job.backup).await {
        Ok(backup) => backup,
        Err(error) => coming(&job, app.engine().device_name()).ok_or(error)?,
    };
    Ok(Json(backup))
}

/// Makes a backup and streams its progress.
#[utoipa::path(post, path = "/backups/create/streamed", tag = "backups", request_body(content = Option<SeededBackup>),
    responses((status = 200, body = BackupStreamedProgress,
               description = "One a line (NDJSON), one an event (SSE), or one final object, as `Accept` says"),
              (status = 400, body = String), (status = 408, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String), (status = 505, body = String),
              (status = 511, body = String)))]
pub(crate) async fn create_streamed(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    answer::body::<SeededBackup>(&app, body).await?;
    let (job, view) = start(&app).await?;
    Ok(streams::answer(Framing::asked_for(&headers), job, view).await)
}

/// How a creation stands, or how it ended.
#[utoipa::path(get, path = "/backup/{backup}/creation/status", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = BackupStatus), (status = 404, body = String), (status = 500, body = String)))]
pub(crate) async fn status(
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<BackupStatus>, ApiError> {
    if let Some(job) = app.jobs().newest(JobKind::Creation, &id) {
        let backup =
            coming(&job, app.engine().device_name()).ok_or_else(ApiError::unknown_backup)?;
        return Ok(Json(convert::job_status(&job, backup)));
    }
    // Made before this service started: it is listed, so it was completed.
    let backup = backups::read(&app, &id).await.map_err(|error| {
        // These are the two that the contract has for a status.
        let status = if error.is_unknown() {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        };
        error.with_status(status)
    })?;
    Ok(Json(BackupStatus {
        schema: None,
        backup,
        value: Some(Status::Completed),
        percentage: Some(100.0),
    }))
}

/// Cancels a creation, and answers when it has ended and everything is as before.
#[utoipa::path(post, path = "/backup/{backup}/creation/cancel", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 204, description = "It has ended, and nothing of it is left"),
              (status = 500, description = "None is in progress, or it ended in another way", body = String)))]
pub(crate) async fn cancel(State(app): State<App>, Id(id): Id) -> Result<StatusCode, ApiError> {
    cancel_job(&app, JobKind::Creation, &id).await
}

pub(crate) async fn cancel_job(app: &App, kind: JobKind, id: &str) -> Result<StatusCode, ApiError> {
    let what = if kind == JobKind::Creation {
        "creation"
    } else {
        "restore"
    };
    let (message, code) = match app.jobs().cancel_on(kind, id).await.map(|job| job.state) {
        Some(JobState::Canceled) => return Ok(StatusCode::NO_CONTENT),
        Some(JobState::Completed) => (
            format!("The {what} was already completed."),
            "already-completed",
        ),
        Some(_) => (format!("The {what} had already failed."), "already-failed"),
        None => (
            format!("No {what} of this backup is in progress."),
            "nothing-to-cancel",
        ),
    };
    Err(ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        code,
        &message,
        "Ask for its status to see how it ended.",
    ))
}
