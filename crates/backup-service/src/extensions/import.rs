//! Putting assets into the library without making a backup.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{Asset, Assets, Imported, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{ApiError, JsonError};
use crate::state::App;
use crate::{answer, convert};

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
