//! What only Holdfast knows of backups, and putting a deleted one back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{BackupDetails, Problem};

use super::backup_id;
use crate::convert;
use crate::error::JsonError;
use crate::id::Id;
use crate::state::App;

/// Every backup with what only Holdfast knows of it, newest first.
#[utoipa::path(get, path = "/holdfast/backups", tag = "holdfast",
    responses((status = 200, body = Vec<BackupDetails>), (status = 500, body = Problem), (status = 505, body = Problem),
              (status = 511, body = Problem)))]
pub(crate) async fn details(State(app): State<App>) -> Result<Json<Vec<BackupDetails>>, JsonError> {
    let records = app.blocking(|engine| engine.backups()).await?;
    Ok(Json(records.iter().map(convert::details).collect()))
}

/// Puts back a backup that was deleted since the service started.
#[utoipa::path(post, path = "/holdfast/backups/{backup}/undelete", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 204), (status = 404, body = Problem), (status = 500, body = Problem), (status = 505, body = Problem),
              (status = 511, body = Problem)))]
pub(crate) async fn undelete(State(app): State<App>, Id(id): Id) -> Result<StatusCode, JsonError> {
    let id = backup_id(&id)?;
    app.blocking(move |engine| engine.undelete(&id)).await?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}
