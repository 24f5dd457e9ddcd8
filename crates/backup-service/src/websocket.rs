//! The WebSockets: two that start something and follow it, and two that only watch. A plain GET gets 426 and starts nothing.

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use backup_api::{BackupStreamedProgress, BackupsStreamedProgress, Job, JobKind};
use futures::StreamExt;
use serde::Serialize;
use tokio::sync::watch;

use crate::error::ApiError;
use crate::id::Id;
use crate::state::App;
use crate::streams::{View, steps};
use crate::{creation, overview, restoration};

/// What a client may send on a socket on which it has nothing to say.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// A real upgrade; everything else is answered with 426 before anything else happens.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl FromRequestParts<App> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match WebSocketUpgrade::from_request_parts(parts, app).await {
            Ok(upgrade) => Ok(Self(upgrade.max_message_size(MESSAGE_LIMIT))),
            Err(_) => {
                let message = "This is a WebSocket, and a plain request starts nothing.";
                let fix = "Connect to it with a WebSocket client.";
                let error = ApiError::new(
                    StatusCode::UPGRADE_REQUIRED,
                    "upgrade-required",
                    message,
                    fix,
                );
                Err(([(header::UPGRADE, "websocket")], error).into_response())
            }
        }
    }
}

/// Starts a creation and follows it.
#[utoipa::path(get, path = "/backups/create/streamed/websocket", tag = "backups",
    responses((status = 101, description = "A `BackupStreamedProgress` a message; closed after the terminal one"),
              (status = 426, description = "Not a WebSocket: nothing was started", body = String),
              (status = 500, body = String), (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn create(State(app): State<App>, upgrade: Upgrade) -> Result<Response, ApiError> {
    let (job, view) = creation::start(&app, Vec::new()).await?;
    Ok(upgrade.0.on_upgrade(|socket| follow(socket, job, view)))
}

/// Starts a restore and follows it.
#[utoipa::path(get, path = "/backup/{backup}/restore/streamed/websocket", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 101, description = "A `BackupStreamedProgress` a message; closed after the terminal one"),
              (status = 426, description = "Not a WebSocket: nothing was started", body = String),
              (status = 500, body = String), (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn restore(
    State(app): State<App>,
    Id(id): Id,
    upgrade: Upgrade,
) -> Result<Response, ApiError> {
    let (job, view) = restoration::start(&app, &id).await?;
    Ok(upgrade.0.on_upgrade(|socket| follow(socket, job, view)))
}

/// Every creation and restoration in progress, now and at each change.
#[utoipa::path(get, path = "/backups/streamed/progress", tag = "backups",
    responses((status = 101, description = "A `BackupsStreamedProgress` a message"),
              (status = 426, description = "Not a WebSocket", body = String)))]
pub(crate) async fn progress(State(app): State<App>, upgrade: Upgrade) -> Response {
    upgrade
        .0
        .on_upgrade(move |socket| watch_progress(socket, app))
}

/// The overview, now and whenever something in it changed.
#[utoipa::path(get, path = "/holdfast/overview/websocket", tag = "holdfast",
    responses((status = 101, description = "An `Overview` a message"),
              (status = 426, description = "Not a WebSocket", body = String)))]
pub(crate) async fn overview_socket(State(app): State<App>, upgrade: Upgrade) -> Response {
    upgrade
        .0
        .on_upgrade(move |socket| watch_overview(socket, app))
}

async fn follow(mut socket: WebSocket, job: watch::Receiver<Job>, view: View) {
    let mut steps = Box::pin(steps(job, view));
    while let Some(step) = steps.next().await {
        if send(&mut socket, &step).await.is_none() {
            return;
        }
    }
    close(socket).await;
}

async fn watch_progress(mut socket: WebSocket, app: App) {
    let mut changes = app.jobs().changes();
    loop {
        changes.mark_unchanged();
        if send(&mut socket, &in_progress(&app)).await.is_none() {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            gone = hung_up(&mut socket) => if gone { return },
        }
    }
    close(socket).await;
}

/// The job that runs; where none does, the last one with its terminal state, so that no watcher misses an end.
fn in_progress(app: &App) -> BackupsStreamedProgress {
    let (mut backups, mut restorations) = (Vec::new(), Vec::new());
    if let Some(job) = app.jobs().last() {
        let step: BackupStreamedProgress = overview::progress_of(app, &job);
        match job.kind {
            JobKind::Creation => backups.push(step),
            JobKind::Restoration => restorations.push(step),
            JobKind::Undo => {}
        }
    }
    BackupsStreamedProgress {
        schema: None,
        backups: Some(backups),
        restorations: Some(restorations),
    }
}

async fn watch_overview(mut socket: WebSocket, app: App) {
    let mut changes = app.jobs().changes();
    let mut looks = tokio::time::interval(overview::LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sent = None;
    loop {
        changes.mark_unchanged();
        let now = match overview::read(&app).await {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(?error, "the overview is not available");
                break;
            }
        };
        if sent.as_ref() != Some(&now) {
            if send(&mut socket, &now).await.is_none() {
                return;
            }
            sent = Some(now);
        }
        let pause = tokio::time::sleep(overview::AT_MOST_EVERY);
        tokio::select! {
            () = async { pause.await; tokio::select! { _ = changes.changed() => (), _ = looks.tick() => () } } => (),
            gone = hung_up(&mut socket) => if gone { return },
        }
    }
    close(socket).await;
}

/// True once the client is gone; false after a message that means nothing here.
async fn hung_up(socket: &mut WebSocket) -> bool {
    !matches!(socket.recv().await, Some(Ok(message)) if !matches!(message, Message::Close(_)))
}

async fn send(socket: &mut WebSocket, object: &impl Serialize) -> Option<()> {
    let text = serde_json::to_string(object).ok()?;
    socket.send(Message::Text(text.into())).await.ok()
}

async fn close(mut socket: WebSocket) {
    let frame = CloseFrame {
        code: close_code::NORMAL,
        reason: "".into(),
    };
    // A client that is gone already needs no farewell.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
