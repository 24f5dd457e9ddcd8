//! Who may call: checked before routing, for every method and every path.
//!
//! A web page can send requests to a port of the user's machine, and a restore replaces the user's data. What a page can
//! not do is send the right `Host` after rebinding a name, leave out `Origin`, or send JSON without asking first.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backup_api::paths;
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::state::App;

pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let allowed = at_home(&app, request.uri(), request.headers())
        .and_then(|()| not_a_page(request.headers()))
        .and_then(|()| permitted(&app, &request))
        .and_then(|()| speaks_json(request.headers()));
    match allowed {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Exactly one `Host`, and exactly this service: ends DNS rebinding.
fn at_home(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let ours = |host: &str| {
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| host == format!("{name}:{}", app.port()))
    };
    let right = host.is_some_and(ours) && hosts.next().is_none();
    let right = right
        && uri
            .authority()
            .is_none_or(|authority| ours(authority.as_str()));
    right.then_some(()).ok_or_else(|| {
        let message = "This request is for another host.";
        refused(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-host",
            message,
            "Use localhost with the port of this service.",
        )
    })
}

/// A browser says so when a page asks. `Sec-Fetch-Mode` alone blocks nobody: Node's fetch sends it.
fn not_a_page(headers: &HeaderMap) -> Result<(), ApiError> {
    let asked_by_page =
        headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if asked_by_page {
        let message = "Web pages may not use this service.";
        return Err(refused(
            StatusCode::FORBIDDEN,
            "web-page",
            message,
            "Use a program on this machine.",
        ));
    }
    Ok(())
}

/// The token may do everything; without it, what the user has switched on, and never what reaches beyond the library or is
/// about the key.
fn permitted(app: &App, request: &Request) -> Result<(), ApiError> {
    let path = request.uri().path();
    if path == paths::HEALTH || path == paths::VERSION || has_token(app, request.headers()) {
        return Ok(());
    }
    if !app.options().allow_clients {
        let message = "Other programs may not use this service.";
        let fix = "Quit Holdfast, and start its service with holdfast serve --allow-clients.";
        return Err(refused(
            StatusCode::FORBIDDEN,
            "clients-not-allowed",
            message,
            fix,
        ));
    }
    if chooses_folders(request) {
        let message = "Other programs may not choose folders of this machine to back up or to restore into. Nothing was changed.";
        let fix = "Do it in Holdfast, or with a program of the same user.";
        return Err(refused(StatusCode::FORBIDDEN, "needs-token", message, fix));
    }
    if is_about_the_key(request) {
        let message = "Other programs may not change how the key of the backups is protected. Nothing was changed.";
        let fix = "Do it in Holdfast, or with a program of the same user.";
        return Err(refused(StatusCode::FORBIDDEN, "needs-token", message, fix));
    }
    if !app.options().unattended && is_grave(request) {
        let message = "Other programs may not restore, delete or upload without being watched. Nothing was changed.";
        let fix = "Do it in Holdfast, or start the service with --unattended.";
        return Err(refused(
            StatusCode::FORBIDDEN,
            "unattended-not-allowed",
            message,
            fix,
        ));
    }
    Ok(())
}

fn has_token(app: &App, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(app.token().as_bytes()).into())
}

/// Reaches beyond the library: what is named as a source can be read out of a backup, and a restore can be sent into any
/// folder. No switch lets programs without the token do that.
fn chooses_folders(request: &Request) -> bool {
    let path = request.uri().path();
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    let restores = path.starts_with("/holdfast/backups/")
        && (path.ends_with("/restore") || path.ends_with("/preview"));
    !reads && (path.starts_with(paths::SOURCES) || restores)
}

/// A passphrase that the user does not know shuts him out of his own backups. No switch lets programs without the token do
/// that.
fn is_about_the_key(request: &Request) -> bool {
    request.uri().path().starts_with("/holdfast/key")
}

/// Restores, deletes, undoes or uploads. Whatever is not known to be harmless counts as grave.
fn is_grave(request: &Request) -> bool {
    let path = request.uri().path();
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return path.starts_with("/backup/") && path.contains("/restore");
    }
    let creates =
        matches!(path, paths::BACKUP | paths::BACKUP_ASSET) && !has_body(request.headers());
    let creates = creates || matches!(path, paths::CREATE | paths::CREATE_STREAMED);
    !(creates || path.ends_with("/creation/cancel"))
}

/// A body must be JSON, which a page cannot send unasked.
fn speaks_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap_or_default());
    let essence = kind.map(|kind| {
        kind.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    if !has_body(headers) || essence.as_deref() == Some("application/json") {
        return Ok(());
    }
    let message = "A body must be of the type application/json.";
    Err(refused(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not-json",
        message,
        "Send it with that content type.",
    ))
}

pub(crate) fn has_body(headers: &HeaderMap) -> bool {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .map(|length| length.as_bytes() != b"0");
    length.unwrap_or(false) || headers.contains_key(header::TRANSFER_ENCODING)
}

fn refused(status: StatusCode, code: &str, message: &str, fix: &str) -> ApiError {
    ApiError::new(status, code, message, fix)
}
