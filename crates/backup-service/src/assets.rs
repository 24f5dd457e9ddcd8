//! What the library holds now: all of it as a stream, one item, and removing one.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, TryStreamExt};

use crate::error::ApiError;
use crate::id::Id;
use crate::state::App;

/// Items that are in memory at a time.
const PAGE: usize = 200;

/// Every item of the library, in the order of their ids. Breaks off where a restore replaces the library meanwhile.
#[utoipa::path(get, path = "/assets", tag = "library",
    responses((status = 200, description = "`Assets`", body = Object), (status = 500, body = String)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    // Read before the status is sent, so that a library that cannot be read is an error and not half a list.
    let generation = app.blocking(|engine| {
        let generation = engine.library().generation();
        engine.library().facts().map(|_| generation)
    });
    let generation = generation.await?;
    let body = Body::from_stream(
        pages(app, generation).map_err(|error| std::io::Error::other(error.problem().message)),
    );
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

enum Next {
    Start,
    After(String),
    End,
}

/// The list in pieces. Half of one library and half of another would be no library at all, so it ends with an error where the
/// library is not the one it began with.
fn pages(app: App, generation: u64) -> impl Stream<Item = Result<Bytes, ApiError>> {
    futures::stream::try_unfold((app, Next::Start), move |(app, next)| async move {
        let after = match next {
            Next::End => return Ok(None),
            Next::Start => None,
            Next::After(id) => Some(id),
        };
        let mut text = String::from(if after.is_none() {
            "{\"iterable\":["
        } else {
            ""
        });
        let mut first = after.is_none();
        let page = app
            .blocking(move |engine| {
                let page = engine.library().page(after.as_deref(), PAGE)?;
                // After the page: it is of the library that was there before this look.
                Ok((engine.library().generation() == generation).then_some(page))
            })
            .await?
            .ok_or_else(replaced)?;
        for (_, json) in &page {
            text.push_str(if first { "" } else { "," });
            text.push_str(json);
            first = false;
        }
        let next = match page.into_iter().next_back() {
            Some((id, _)) => Next::After(id),
            None => {
                text.push_str("]}");
                Next::End
            }
        };
        Ok(Some((Bytes::from(text), (app, next))))
    })
}

/// One item.
#[utoipa::path(get, path = "/asset/{asset}", tag = "library",
    params(("asset" = String, Path, description = "id of the asset")),
    responses((status = 200, description = "`Asset`", body = Object), (status = 404, body = String),
              (status = 500, body = String)))]
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Result<Response, ApiError> {
    let json = app
        .blocking(move |engine| engine.library().get(&id))
        .await?
        .ok_or_else(unknown)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Removes one item from the library.
#[utoipa::path(post, path = "/assets/{asset}/delete", tag = "library",
    params(("asset" = String, Path, description = "id of the asset")),
    responses((status = 200, description = "Its id", body = String), (status = 404, body = String),
              (status = 500, body = String)))]
pub(crate) async fn delete(State(app): State<App>, Id(id): Id) -> Result<String, ApiError> {
    let asked = id.clone();
    let was_there = app
        .blocking(move |engine| engine.library().delete(&asked))
        .await?;
    app.jobs().changed();
    if was_there { Ok(id) } else { Err(unknown()) }
}

fn replaced() -> ApiError {
    let message = "The library was replaced while it was listed.";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ApiError::new(
        status,
        "library-replaced",
        message,
        "Ask for the list again.",
    )
}

fn unknown() -> ApiError {
    let message = "The library holds no item with this id.";
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown-asset",
        message,
        "Ask for the list of items and use an id from it.",
    )
}
