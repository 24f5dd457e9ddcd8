//! The folders that are in every backup.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{NewSource, Problem, Source, SourceChange, Sources};

use super::needed;
use crate::error::JsonError;
use crate::id::Id;
use crate::state::App;
use crate::{bad_input, convert};

/// The sources, and a folder that could be one.
#[utoipa::path(get, path = "/holdfast/sources", tag = "holdfast",
    responses((status = 200, body = Sources), (status = 500, body = Problem)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Sources>, JsonError> {
    let (sources, suggested) = app
        .blocking(|engine| Ok((engine.sources()?, engine.suggested_source()?)))
        .await?;
    Ok(Json(Sources {
        items: sources.iter().map(convert::source).collect(),
        suggested: suggested.as_ref().map(convert::new_source),
    }))
}

/// Adds a folder: it is in every backup from the next one on.
#[utoipa::path(post, path = "/holdfast/sources", tag = "holdfast", request_body = NewSource,
    responses((status = 200, body = Source), (status = 400, body = Problem), (status = 408, body = Problem),
              (status = 413, body = Problem), (status = 415, body = String), (status = 500, body = Problem)))]
pub(crate) async fn add(State(app): State<App>, body: Body) -> Result<Json<Source>, JsonError> {
    let asked: NewSource = needed(&app, body, "There is no folder in this request.").await?;
    let new = backup_engine::NewSource {
        kind: convert::source_kind(asked.kind),
        path: bad_input::folder(&asked.path)?,
        excludes: asked.excludes,
    };
    let source = app.blocking(move |engine| engine.add_source(new)).await?;
    app.jobs().changed();
    Ok(Json(convert::source(&source)))
}

/// Changes what is left out of a source, from the next backup on.
#[utoipa::path(post, path = "/holdfast/sources/{source}/change", tag = "holdfast", request_body = SourceChange,
    params(("source" = String, Path, description = "id of the source")),
    responses((status = 200, body = Source), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = String),
              (status = 500, body = Problem)))]
pub(crate) async fn change(
    State(app): State<App>,
    Id(id): Id,
    body: Body,
) -> Result<Json<Source>, JsonError> {
    let id = bad_input::source(&id)?;
    let asked_for = id.clone();
    // Before the body: whoever names none that there is learns that, whatever he sends.
    app.blocking(move |engine| engine.source(&asked_for).map(drop))
        .await?;
    let asked: SourceChange = needed(
        &app,
        body,
        "There is no change of a folder in this request.",
    )
    .await?;
    let source = app
        .blocking(move |engine| engine.change_source(&id, asked.excludes))
        .await?;
    app.jobs().changed();
    Ok(Json(convert::source(&source)))
}

/// Takes a folder off the list. The folder and its backups stay as they are.
#[utoipa::path(post, path = "/holdfast/sources/{source}/remove", tag = "holdfast",
    params(("source" = String, Path, description = "id of the source")),
    responses((status = 204), (status = 404, body = Problem), (status = 500, body = Problem)))]
pub(crate) async fn remove(State(app): State<App>, Id(id): Id) -> Result<StatusCode, JsonError> {
    let id = bad_input::source(&id)?;
    app.blocking(move |engine| engine.remove_source(&id))
        .await?;
    app.jobs().changed();
    Ok(StatusCode::NO_CONTENT)
}
