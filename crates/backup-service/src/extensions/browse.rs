//! Looking into backups and comparing versions, page by page.

use axum::Json;
use axum::extract::State;
use backup_api::{Differences, Entries, Problem};
use backup_engine::Version;
use serde::Deserialize;

use super::backup_id;
use crate::error::JsonError;
use crate::id::Id;
use crate::query::Query;
use crate::state::App;
use crate::{bad_input, convert};

/// Items of a page where the caller does not say.
const USUAL: usize = 200;
/// The most that are given at a time, whatever the caller says.
const MOST: usize = 1000;

/// What part of a folder is asked for.
#[derive(Deserialize)]
pub(crate) struct Folder {
    #[serde(default)]
    path: String,
    after: Option<String>,
    limit: Option<usize>,
}

/// What is in a folder of a backup, in a fixed order. Without a path: the sources and the library.
#[utoipa::path(get, path = "/holdfast/backups/{backup}/entries", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup"),
           ("path" = Option<String>, Query, description = "`/`-separated; starts with the id of a source or is `library`"),
           ("after" = Option<String>, Query, description = "`next` of the page before"),
           ("limit" = Option<usize>, Query, description = "200 unless told, at most 1000")),
    responses((status = 200, body = Entries), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 500, body = Problem), (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn entries(
    State(app): State<App>,
    Id(id): Id,
    Query(asked): Query<Folder>,
) -> Result<Json<Entries>, JsonError> {
    let id = backup_id(&id)?;
    let Folder { path, after, limit } = asked?;
    bad_input::path_or_root(&path)?;
    let page = app
        .look(move |engine, watch| engine.list(&id, &path, after.as_deref(), bounded(limit), watch))
        .await?;
    Ok(Json(convert::entries(page)))
}

/// Which versions are compared, and what part of them.
#[derive(Deserialize)]
pub(crate) struct Sides {
    older: String,
    newer: String,
    #[serde(default)]
    scope: String,
    after: Option<String>,
    limit: Option<usize>,
}

/// What differs between two backups, or between a backup and what is there now.
#[utoipa::path(get, path = "/holdfast/compare", tag = "holdfast",
    params(("older" = String, Query, description = "id of a backup"),
           ("newer" = String, Query, description = "id of a backup, or `now`"),
           ("scope" = Option<String>, Query, description = "a path: only it and what is under it"),
           ("after" = Option<String>, Query, description = "`next` of the page before"),
           ("limit" = Option<usize>, Query, description = "200 unless told, at most 1000")),
    responses((status = 200, body = Differences), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 500, body = Problem), (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn compare(
    State(app): State<App>,
    Query(asked): Query<Sides>,
) -> Result<Json<Differences>, JsonError> {
    let asked = asked?;
    let older = Version::Backup(backup_id(&asked.older)?);
    let newer = match asked.newer.as_str() {
        "now" => Version::Now,
        id => Version::Backup(backup_id(id)?),
    };
    bad_input::path_or_root(&asked.scope)?;
    let Sides {
        scope,
        after,
        limit,
        ..
    } = asked;
    let page = app
        .look(move |engine, watch| {
            let after = after.as_deref();
            engine.compare(&older, &newer, &scope, after, bounded(limit), watch)
        })
        .await?;
    Ok(Json(convert::differences(page)))
}

fn bounded(limit: Option<usize>) -> usize {
    limit.unwrap_or(USUAL).clamp(1, MOST)
}
