//! Making backups: `/backup`, `/backup/asset`, `/backups/create…` and the status and cancelling of a creation.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backup_api::{
    Asset, Assets, Backup, BackupStatus, BackupStreamedProgress, Job, JobKind, JobState,
    SeededBackup, Status,
};
use backup_engine::BackupId;
use tokio::sync::watch;

use crate::error::ApiError;
use crate::jobs::{Request, ended};
use crate::state::App;
use crate::streams::{self, Framing, View};
use crate::{answer, backups, convert};

/// Starts a creation, after a look whether it can start at all.
pub(crate) async fn start(app: &App) -> Result<(watch::Receiver<Job>, View), ApiError> {
    app.blocking(|engine| match engine.destination_state().error {
        Some(error) => Err(error),
        None => Ok(()),
    })
    .await?;
    let job = app.jobs().start(Request::Creation)?;
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

/// A creation from its start to its end.
async fn create_whole(app: &App) -> Result<Backup, ApiError> {
    let (job, _) = start(app).await?;
    let job = ended(job).await;
    match (job.state, &job.problem) {
        (JobState::Completed, _) => backups::read(app, &job.backup).await,
        (_, Some(problem)) => Err(streams::failed(problem)),
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
    responses((status = 204, description = "They are in a backup"), (status = 400, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn back_up_assets(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let assets = answer::body::<Assets>(&app, body).await?;
    put(
        &app,
        assets.map(|assets| assets.iterable).unwrap_or_default(),
    )
    .await?;
    create_whole(&app).await.map(|_| StatusCode::NO_CONTENT)
}

/// Puts one asset into the library, if there is one in the body, and makes a backup that holds it.
#[utoipa::path(post, path = "/backup/asset", tag = "backup", request_body(content = Option<Object>, description = "`Asset`"),
    responses((status = 204, description = "It is in a backup"), (status = 400, body = String),
              (status = 413, body = String), (status = 415, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn back_up_asset(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let asset = answer::body::<Asset>(&app, body).await?;
    put(&app, asset.into_iter().collect()).await?;
    create_whole(&app).await.map(|_| StatusCode::NO_CONTENT)
}

/// Puts assets into the library. Returns how many.
pub(crate) async fn put(app: &App, assets: Vec<Asset>) -> Result<u64, ApiError> {
    if assets.is_empty() {
        return Ok(0);
    }
    let put = app.blocking(move |engine| {
        let items: Vec<_> = assets.iter().map(convert::item).collect();
        drop(assets);
        engine.library().put(&items)
    });
    let count = put.await?;
    app.jobs().changed();
    Ok(count)
}

/// Makes a backup and answers when it is done.
#[utoipa::path(post, path = "/backups/create", tag = "backups", request_body(content = Option<SeededBackup>),
    responses((status = 200, body = Backup), (status = 400, body = String), (status = 500, body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn create(State(app): State<App>, body: Body) -> Result<Json<Backup>, ApiError> {
    answer::body::<SeededBackup>(&app, body).await?;
    create_whole(&app).await.map(Json)
}

/// Makes a backup and streams its progress.
#[utoipa::path(post, path = "/backups/create/streamed", tag = "backups", request_body(content = Option<SeededBackup>),
    responses((status = 200, body = BackupStreamedProgress,
               description = "One a line (NDJSON), one an event (SSE), or one final object, as `Accept` says"),
              (status = 400, body = String), (status = 500, body = String), (status = 505, body = String),
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
    Path(id): Path<String>,
) -> Result<Json<BackupStatus>, ApiError> {
    if let Some(job) = app.jobs().newest(JobKind::Creation, &id) {
        let backup =
            coming(&job, app.engine().device_name()).ok_or_else(ApiError::unknown_backup)?;
        return Ok(Json(convert::job_status(&job, backup)));
    }
    // Made before this service started: it is listed, so it was completed.
    let backup = backups::read(&app, &id)
        .await
        .map_err(not_found_if_unknown)?;
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
pub(crate) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    cancel_job(&app, JobKind::Creation, &id).await
}

pub(crate) async fn cancel_job(app: &App, kind: JobKind, id: &str) -> Result<StatusCode, ApiError> {
    let what = if kind == JobKind::Creation {
        "creation"
    } else {
        "restore"
    };
    let (message, code) = match app.jobs().cancel(kind, id).await.map(|job| job.state) {
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

/// The status calls have a word for what is not there; most others of the contract do not.
pub(crate) fn not_found_if_unknown(error: ApiError) -> ApiError {
    if error.is_unknown() {
        error.with_status(StatusCode::NOT_FOUND)
    } else {
        error
    }
}
