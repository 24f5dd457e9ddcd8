//! The calls under `/holdfast/`, whose errors are JSON: here what the service is and the key, in the files beside it
//! everything else.

pub(crate) mod backups;
pub(crate) mod browse;
pub(crate) mod content;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod restore;
pub(crate) mod sources;
pub(crate) mod verify;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{Capabilities, Overview, Passphrase, Problem};
use backup_engine::{BackupId, Secret, VERSION};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, JsonError};
use crate::state::App;
use crate::{answer, overview};

const FEATURES: [&str; 13] = [
    "overview",
    "jobs",
    "details",
    "preview",
    "undo",
    "undelete",
    "import",
    "passphrase",
    "sources",
    "browse",
    "compare",
    "verify",
    "restore-parts",
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

/// Protects the key with a passphrase, or opens it with the one that protects it.
#[utoipa::path(post, path = "/holdfast/key/passphrase", tag = "holdfast", request_body = Passphrase,
    responses((status = 204), (status = 400, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem),
              (status = 415, body = String), (status = 500, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn give_passphrase(
    State(app): State<App>,
    body: Body,
) -> Result<StatusCode, JsonError> {
    let given: Passphrase = needed(&app, body, "There is no passphrase in this request.").await?;
    let passphrase = Secret::new(given.passphrase);
    app.blocking(move |engine| engine.give_passphrase(passphrase))
        .await?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}

/// The body of a call that cannot do without.
async fn needed<T: DeserializeOwned>(app: &App, body: Body, without: &str) -> Result<T, ApiError> {
    let given = answer::body(app, body).await?;
    given.ok_or_else(|| {
        let message = format!("{without} Nothing was changed.");
        ApiError::new(StatusCode::BAD_REQUEST, "bad-body", &message, "Send one.")
    })
}

/// The id of a backup in a path. What is none of ours is answered like one that is unknown, and goes no further.
fn backup_id(id: &str) -> Result<BackupId, JsonError> {
    BackupId::parse(id).ok_or_else(|| ApiError::unknown_backup().into_json())
}
