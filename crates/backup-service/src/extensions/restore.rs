//! Restoring what is chosen of a backup, to its place or into a folder, and what that would do.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use backup_api::{Job, Preview, Problem, Restore};
use backup_engine::{Place, RestoreRequest, What};

use super::{backup_id, needed};
use crate::error::{ApiError, JsonError};
use crate::id::Id;
use crate::jobs::Request;
use crate::state::App;
use crate::{backups, bad_input, convert};

/// What a restore of this backup's library would do now: what the restores of the Backup API do.
#[utoipa::path(get, path = "/holdfast/backups/{backup}/preview", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Preview), (status = 404, body = Problem), (status = 500, body = Problem),
              (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn preview_library(
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<Preview>, JsonError> {
    let request = RestoreRequest {
        backup: backup_id(&id)?,
        what: What::Library,
        place: Place::InPlace,
    };
    foresee(&app, request).await
}

/// What a restore would do now.
#[utoipa::path(post, path = "/holdfast/backups/{backup}/preview", tag = "holdfast", request_body = Restore,
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Preview), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = String),
              (status = 500, body = Problem), (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn preview(
    State(app): State<App>,
    Id(id): Id,
    body: Body,
) -> Result<Json<Preview>, JsonError> {
    let request = read(&app, &id, body).await?;
    foresee(&app, request).await
}

/// Starts a restore, and answers with its job at once.
#[utoipa::path(post, path = "/holdfast/backups/{backup}/restore", tag = "holdfast", request_body = Restore,
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Job), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = String),
              (status = 500, body = Problem), (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn start(
    State(app): State<App>,
    Id(id): Id,
    body: Body,
) -> Result<Json<Job>, JsonError> {
    let request = read(&app, &id, body).await?;
    let job = app.jobs().start(Request::Restoration(request))?;
    let job = job.borrow().clone();
    Ok(Json(job))
}

async fn foresee(app: &App, request: RestoreRequest) -> Result<Json<Preview>, JsonError> {
    let preview = app
        .look(move |engine, watch| engine.preview(&request, watch))
        .await?;
    Ok(Json(convert::preview(preview)))
}

/// The backup first: of one that is not there, nothing can be asked.
async fn read(app: &App, id: &str, body: Body) -> Result<RestoreRequest, ApiError> {
    let (backup, _) = backups::find(app, id).await?;
    let asked: Restore = needed(app, body, "This does not say what to restore.").await?;
    let place = match asked.folder {
        None => Place::InPlace,
        Some(folder) => Place::Folder(bad_input::folder(&folder)?),
    };
    Ok(RestoreRequest {
        backup,
        what: chosen(asked.what)?,
        place,
    })
}

fn chosen(what: backup_api::What) -> Result<What, ApiError> {
    Ok(match what {
        backup_api::What::Everything => What::Everything,
        backup_api::What::Library => What::Library,
        backup_api::What::Source(id) => What::Source(bad_input::source(&id)?.as_str().to_owned()),
        backup_api::What::Paths(paths) => {
            if paths.is_empty() {
                return Err(bad_input::no_paths());
            }
            paths.iter().try_for_each(|path| bad_input::path(path))?;
            What::Paths(paths)
        }
    })
}
