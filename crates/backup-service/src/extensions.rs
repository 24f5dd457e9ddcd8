//! The calls under `/holdfast/`, whose errors are JSON.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{
    Asset, Assets, BackupDetails, Capabilities, Imported, Job, JobState, Overview, Passphrase,
    Preview, Problem,
};
use backup_engine::{BackupId, Secret, VERSION};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{ApiError, JsonError};
use crate::id::Id;
use crate::jobs::{Request, ended, stopping};
use crate::state::App;
use crate::{answer, convert, creation, overview};

const FEATURES: [&str; 8] = [
    "overview",
    "jobs",
    "details",
    "preview",
    "undo",
    "undelete",
    "import",
    "passphrase",
];

/// What this service can do beyond the Backup API.
#[utoipa::path(get, path = "/holdfast/capabilities", tag = "holdfast", responses((status = 200, body = Capabilities)))]
pub(crate) async fn capabilities() -> Json<Capabilities> {
    let features = FEATURES.map(str::to_owned).to_vec();
    Json(Capabilities {
        service: "holdfast".into(),
        version: VERSION.into(),
        features,
    })
}

/// How things are.
#[utoipa::path(get, path = "/holdfast/overview", tag = "holdfast",
    responses((status = 200, body = Overview), (status = 500, body = Problem)))]
pub(crate) async fn show_overview(State(app): State<App>) -> Result<Json<Overview>, JsonError> {
    Ok(overview::read(&app).await.map(Json)?)
}

/// Every backup with what only Holdfast knows of it, newest first.
#[utoipa::path(get, path = "/holdfast/backups", tag = "holdfast",
    responses((status = 200, body = Vec<BackupDetails>), (status = 500, body = Problem), (status = 505, body = Problem),
              (status = 511, body = Problem)))]
pub(crate) async fn details(State(app): State<App>) -> Result<Json<Vec<BackupDetails>>, JsonError> {
    let records = app.blocking(|engine| engine.backups()).await?;
    Ok(Json(records.iter().map(convert::details).collect()))
}

/// What a restore of this backup would do now.
#[utoipa::path(get, path = "/holdfast/backups/{backup}/preview", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 200, body = Preview), (status = 404, body = Problem), (status = 500, body = Problem),
              (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn preview(
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<Preview>, JsonError> {
    let id = parse(&id)?;
    let preview = app.blocking(move |engine| engine.preview(&id)).await;
    Ok(Json(convert::preview(
        preview.map_err(creation::not_found_if_unknown)?,
    )))
}

/// Puts back a backup that was deleted since the service started.
#[utoipa::path(post, path = "/holdfast/backups/{backup}/undelete", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 204), (status = 404, body = Problem), (status = 500, body = Problem), (status = 505, body = Problem),
              (status = 511, body = Problem)))]
pub(crate) async fn undelete(State(app): State<App>, Id(id): Id) -> Result<StatusCode, JsonError> {
    let id = parse(&id)?;
    let undeleted = app.blocking(move |engine| engine.undelete(&id)).await;
    undeleted.map_err(creation::not_found_if_unknown)?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}

/// The jobs since the service started, newest first.
#[utoipa::path(get, path = "/holdfast/jobs", tag = "holdfast", responses((status = 200, body = Vec<Job>)))]
pub(crate) async fn jobs(State(app): State<App>) -> Json<Vec<Job>> {
    Json(app.jobs().all())
}

/// One job.
#[utoipa::path(get, path = "/holdfast/jobs/{job}", tag = "holdfast",
    params(("job" = String, Path, description = "id of the job")),
    responses((status = 200, body = Job), (status = 404, body = Problem)))]
pub(crate) async fn job(State(app): State<App>, Id(id): Id) -> Result<Json<Job>, JsonError> {
    let found = app.jobs().all().into_iter().find(|job| job.id == id);
    let unknown = || {
        let message = "There is no job with this id since the service started.";
        ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown-job",
            message,
            "Ask for the list of jobs.",
        )
        .into_json()
    };
    found.map(Json).ok_or_else(unknown)
}

/// Brings back what the last restore replaced, and answers when it is done.
#[utoipa::path(post, path = "/holdfast/undo", tag = "holdfast",
    responses((status = 200, body = Job), (status = 404, body = Problem), (status = 500, body = Problem)))]
pub(crate) async fn undo(State(app): State<App>) -> Result<Json<Job>, JsonError> {
    let job = app
        .jobs()
        .start(Request::Undo)
        .map_err(creation::not_found_if_unknown)?;
    let job = ended(job).await;
    match (job.state, &job.problem) {
        (JobState::Completed, _) => Ok(Json(job)),
        (_, Some(problem)) => Err(crate::streams::failed(problem).into_json()),
        // There is no call that cancels it; the end of the service does.
        _ => Err(stopping().into_json()),
    }
}

/// Protects the key with a passphrase, or opens it with the one that protects it.
#[utoipa::path(post, path = "/holdfast/key/passphrase", tag = "holdfast", request_body = Passphrase,
    responses((status = 204), (status = 400, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem),
              (status = 415, body = String), (status = 500, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn give_passphrase(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, JsonError> {
    let given: Option<Passphrase> = answer::body(&app, body).await?;
    let given = given.ok_or_else(no_passphrase)?;
    let passphrase = Secret::new(given.passphrase);
    app.blocking(move |engine| engine.give_passphrase(passphrase))
        .await?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}

fn no_passphrase() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad-body",
        "There is no passphrase in this request. Nothing was changed.",
        "Send one.",
    )
}

/// Puts an `Asset` or `Assets` into the library, without making a backup.
#[utoipa::path(post, path = "/holdfast/library/import", tag = "holdfast",
    request_body(content = Object, description = "`Asset` or `Assets`"),
    responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 408, body = Problem),
              (status = 413, body = Problem), (status = 415, body = String), (status = 500, body = Problem)))]
pub(crate) async fn import(
    State(app): State<App>,
    body: Body,
) -> Result<Json<Imported>, JsonError> {
    let raw = answer::body::<Box<RawValue>>(&app, body).await?;
    let raw = raw.ok_or_else(|| bad_import("there is no body"))?;
    let assets = read_assets(&raw).map_err(|error| bad_import(&answer::briefly(&error)))?;
    drop(raw);
    Ok(Json(Imported {
        assets: put(&app, assets).await?,
    }))
}

/// Puts assets into the library. Returns how many.
async fn put(app: &App, assets: Vec<Asset>) -> Result<u64, ApiError> {
    let put = app.blocking(move |engine| {
        let items: Vec<_> = assets.iter().map(convert::item).collect();
        drop(assets);
        engine.library().put(&items)
    });
    let count = put.await?;
    app.jobs().changed();
    Ok(count)
}

/// Many where there is a list of them, else one.
fn read_assets(raw: &RawValue) -> Result<Vec<Asset>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(borrow)]
        iterable: Option<&'a RawValue>,
    }
    let shape: Shape = serde_json::from_str(raw.get())?;
    if shape.iterable.is_some() {
        return serde_json::from_str::<Assets>(raw.get()).map(|assets| assets.iterable);
    }
    serde_json::from_str::<Asset>(raw.get()).map(|asset| vec![asset])
}

fn bad_import(why: &str) -> ApiError {
    let message =
        format!("This is neither an asset nor a list of assets: {why}. Nothing was changed.");
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad-body",
        &message,
        "Correct it and send it again.",
    )
}

fn parse(id: &str) -> Result<BackupId, JsonError> {
    let unknown = || {
        ApiError::unknown_backup()
            .with_status(StatusCode::NOT_FOUND)
            .into_json()
    };
    BackupId::parse(id).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use backup_engine::{Outcome, Watch};

    #[tokio::test]
    async fn an_undo_that_the_end_of_the_service_stops_is_no_success() {
        let (_folder, app) = crate::trial::app();
        let (engine, quiet) = (app.engine(), Watch::unwatched());
        let id = engine.new_backup_id();
        let made = engine.back_up(&id, &quiet).unwrap();
        assert!(matches!(made, Outcome::Completed(_)));
        assert_eq!(engine.restore(&id, &quiet).unwrap(), Outcome::Completed(()));
        // One thread: the undo is begun, and cancelled before the engine hears of it.
        let (undone, ()) = tokio::join!(undo(State(app.clone())), app.jobs().close());
        let response = undone.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await;
        let problem: Problem = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(problem.code, "stopping");
        let says = problem.message.contains("Nothing was changed.");
        assert!(says, "{problem:?}");
        assert!(engine.undo_record().is_some(), "it was undone after all");
    }
}
