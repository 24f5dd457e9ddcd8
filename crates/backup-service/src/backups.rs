//! Listing, describing and deleting backups.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{Backup, Backups};
use backup_engine::{BackupId, BackupRecord};

use crate::convert;
use crate::error::ApiError;
use crate::id::Id;
use crate::state::App;

/// What is not an id of ours is answered like one that is unknown, and goes no further than this.
fn parse(id: &str) -> Result<BackupId, ApiError> {
    BackupId::parse(id).ok_or_else(ApiError::unknown_backup)
}

/// A backup by the id that a client gave, to do something with it: the destination must be there.
pub(crate) async fn find(app: &App, id: &str) -> Result<(BackupId, BackupRecord), ApiError> {
    let id = parse(id)?;
    let asked = id.clone();
    let present = app.blocking(move |engine| engine.present_backup(&asked));
    Ok((id, present.await?))
}

/// A backup by the id that a client gave, to show it: also while the destination is away.
pub(crate) async fn read(app: &App, id: &str) -> Result<Backup, ApiError> {
    let id = parse(id)?;
    let record = app.blocking(move |engine| engine.backup(&id)).await?;
    Ok(convert::backup(&record))
}

/// Every complete backup, newest first. While the destination is away, those that it held at the last look.
#[utoipa::path(get, path = "/backups", tag = "backups",
    responses((status = 200, body = Backups), (status = 500, body = String), (status = 505, body = String),
              (status = 511, body = String)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Backups>, ApiError> {
    let records = app.blocking(|engine| engine.backups()).await?;
    let backups: Vec<Backup> = records.iter().map(convert::backup).collect();
    Ok(Json(Backups::from(backups)))
}

/// One backup, also while the destination is away.
#[utoipa::path(get, path = "/backup/{backup}", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Backup), (status = 500, body = String), (status = 505, body = String),
              (status = 511, body = String)))]
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Result<Json<Backup>, ApiError> {
    read(&app, &id).await.map(Json)
}

/// Deletes a backup. Until the service stops it can be put back, under `/holdfast/backups/{backup}/undelete`.
#[utoipa::path(post, path = "/backups/{backup}/delete", tag = "backups",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 204), (status = 500, body = String), (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn delete(State(app): State<App>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let (id, _) = find(&app, &id).await?;
    app.blocking(move |engine| engine.delete(&id)).await?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}
