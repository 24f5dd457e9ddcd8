//! The description of every route, served at `/openapi.json`.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use crate::{assets, backups, creation, extensions, restoration, routes, websocket};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Holdfast",
        description = "The Backup API, and what Holdfast adds to it under /holdfast/."
    ),
    paths(
        routes::health,
        routes::version,
        creation::back_up_assets,
        creation::back_up_asset,
        creation::create,
        creation::create_streamed,
        creation::status,
        creation::cancel,
        restoration::restore,
        restoration::restore_streamed,
        restoration::status,
        restoration::cancel,
        backups::list,
        backups::show,
        backups::delete,
        assets::list,
        assets::show,
        assets::delete,
        websocket::create,
        websocket::restore,
        websocket::progress,
        websocket::overview_socket,
        extensions::capabilities,
        extensions::show_overview,
        extensions::sources::list,
        extensions::sources::add,
        extensions::sources::change,
        extensions::sources::remove,
        extensions::backups::details,
        extensions::backups::undelete,
        extensions::restore::preview_library,
        extensions::restore::preview,
        extensions::restore::start,
        extensions::browse::entries,
        extensions::browse::compare,
        extensions::content::content,
        extensions::verify::start,
        extensions::jobs::list,
        extensions::jobs::show,
        extensions::jobs::cancel,
        extensions::jobs::undo,
        extensions::give_passphrase,
        extensions::import::import,
    )
)]
struct Description;

/// The OpenAPI description, as JSON.
pub fn openapi() -> String {
    // Made of what the compiler has seen; it holds nothing that JSON cannot.
    Description::openapi().to_json().unwrap_or_default()
}

pub(crate) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_route_is_described() {
        let description: serde_json::Value = serde_json::from_str(&super::openapi()).unwrap();
        let calls = include_str!("routes.rs").split(".route(").skip(1);
        let paths: Vec<&str> = calls.filter_map(|call| call.split('"').nth(1)).collect();
        assert!(paths.len() > 25);
        for path in paths.into_iter().filter(|path| *path != "/openapi.json") {
            assert!(
                !description["paths"][path].is_null(),
                "{path} is not described"
            );
        }
    }
}
