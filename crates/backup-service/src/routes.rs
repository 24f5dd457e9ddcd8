//! Every route of the service, on one screen.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::error::ApiError;
use crate::state::App;
use crate::{access, assets, backups, creation, extensions, openapi, restoration, websocket};

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/.well-known/health", get(health))
        .route("/.well-known/version", get(version))
        .route("/openapi.json", get(openapi::show))
        .route("/backup", post(creation::back_up_assets))
        .route("/backup/asset", post(creation::back_up_asset))
        .route("/backup/{backup}", get(backups::show))
        .route("/backup/{backup}/restore", post(restoration::restore))
        .route(
            "/backup/{backup}/restore/streamed",
            post(restoration::restore_streamed),
        )
        .route(
            "/backup/{backup}/restore/streamed/websocket",
            get(websocket::restore),
        )
        .route("/backup/{backup}/creation/cancel", post(creation::cancel))
        .route("/backup/{backup}/creation/status", get(creation::status))
        .route(
            "/backup/{backup}/restoration/cancel",
            post(restoration::cancel),
        )
        .route(
            "/backup/{backup}/restoration/status",
            get(restoration::status),
        )
        .route("/backups", get(backups::list))
        .route("/backups/create", post(creation::create))
        .route("/backups/create/streamed", post(creation::create_streamed))
        .route("/backups/create/streamed/websocket", get(websocket::create))
        .route("/backups/streamed/progress", get(websocket::progress))
        .route("/backups/{backup}/delete", post(backups::delete))
        .route("/assets", get(assets::list))
        .route("/asset/{asset}", get(assets::show))
        .route("/assets/{asset}/delete", post(assets::delete))
        .merge(extended())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), access::check))
        .with_state(app)
}

/// What Holdfast adds.
fn extended() -> Router<App> {
    use extensions::{backups, browse, content, import, jobs, restore, sources, verify};
    Router::new()
        .route("/holdfast/capabilities", get(extensions::capabilities))
        .route("/holdfast/overview", get(extensions::show_overview))
        .route(
            "/holdfast/overview/websocket",
            get(websocket::overview_socket),
        )
        .route("/holdfast/sources", get(sources::list).post(sources::add))
        .route("/holdfast/sources/{source}/change", post(sources::change))
        .route("/holdfast/sources/{source}/remove", post(sources::remove))
        .route("/holdfast/backups", get(backups::details))
        .route(
            "/holdfast/backups/{backup}/preview",
            get(restore::preview_library).post(restore::preview),
        )
        .route("/holdfast/backups/{backup}/restore", post(restore::start))
        .route("/holdfast/backups/{backup}/entries", get(browse::entries))
        .route("/holdfast/backups/{backup}/content", get(content::content))
        .route(
            "/holdfast/backups/{backup}/undelete",
            post(backups::undelete),
        )
        .route("/holdfast/compare", get(browse::compare))
        .route("/holdfast/verify", post(verify::start))
        .route("/holdfast/jobs", get(jobs::list))
        .route("/holdfast/jobs/{job}", get(jobs::show))
        .route("/holdfast/jobs/{job}/cancel", post(jobs::cancel))
        .route("/holdfast/undo", post(jobs::undo))
        .route(
            "/holdfast/key/passphrase",
            post(extensions::give_passphrase),
        )
        .route("/holdfast/library/import", post(import::import))
}

/// How clients find a service.
#[utoipa::path(get, path = "/.well-known/health", tag = "service", responses((status = 200, body = String)))]
pub(crate) async fn health() -> &'static str {
    "ok"
}

/// The semantic version of this service.
#[utoipa::path(get, path = "/.well-known/version", tag = "service", responses((status = 200, body = String)))]
pub(crate) async fn version() -> &'static str {
    backup_engine::VERSION
}

async fn unknown() -> ApiError {
    let message = "This service has no such call.";
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown-call",
        message,
        "See /openapi.json for those it has.",
    )
}

async fn wrong_method() -> ApiError {
    let message = "This call is made with another method.";
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong-method",
        message,
        "See /openapi.json.",
    )
}
