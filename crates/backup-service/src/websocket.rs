//! The WebSockets: two that start something and follow it, and two that only watch. A plain GET gets 426 and starts nothing.

use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use backup_api::{BackupsStreamedProgress, Job, JobKind};
use futures::StreamExt;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::error::ApiError;
use crate::id::Id;
use crate::state::App;
use crate::streams::{View, steps};
use crate::tasks::{Counted, Tasks};
use crate::{creation, overview, restoration};

/// What a client may send on a socket on which it has nothing to say.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// A real upgrade for which there is a place; everything else is refused before anything else happens.
pub(crate) struct Upgrade {
    upgrade: WebSocketUpgrade,
    place: OwnedSemaphorePermit,
    tasks: Tasks,
}

impl Upgrade {
    fn run<F: Future<Output = ()> + Send + 'static>(
        self,
        work: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response {
        let call = Call {
            work,
            _place: self.place,
            _counted: self.tasks.count(),
            tasks: self.tasks,
        };
        self.upgrade.on_upgrade(move |socket| call.run(socket))
    }
}

/// The work on a socket, with what it holds up to its end. The work is the first to be dropped.
struct Call<W> {
    work: W,
    tasks: Tasks,
    _place: OwnedSemaphorePermit,
    _counted: Counted,
}

impl<W> Call<W> {
    async fn run<F: Future<Output = ()>>(self, socket: WebSocket)
    where
        W: FnOnce(WebSocket) -> F,
    {
        self.tasks.unless_cut((self.work)(socket)).await;
    }
}

impl FromRequestParts<App> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Ok(upgrade) = WebSocketUpgrade::from_request_parts(parts, app).await else {
            return Err(([(header::UPGRADE, "websocket")], plain()).into_response());
        };
        let Some(place) = app.place_for_socket() else {
            return Err(too_many().into_response());
        };
        Ok(Self {
            upgrade: upgrade.max_message_size(MESSAGE_LIMIT),
            place,
            tasks: app.tasks().clone(),
        })
    }
}

fn plain() -> ApiError {
    ApiError::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade-required",
        "This is a WebSocket, and a plain request starts nothing.",
        "Connect to it with a WebSocket client.",
    )
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too-many-sockets",
        "Too many WebSockets are open. Nothing was changed.",
        "Close some, then try again.",
    )
}

/// Starts a creation and follows it.
#[utoipa::path(get, path = "/backups/create/streamed/websocket", tag = "backups",
    responses((status = 101, description = "A `BackupStreamedProgress` a message; closed after the terminal one"),
              (status = 426, description = "Not a WebSocket: nothing was started", body = String),
              (status = 500, body = String),
              (status = 503, description = "Too many are open: nothing was started", body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn create(State(app): State<App>, upgrade: Upgrade) -> Result<Response, ApiError> {
    let (job, view) = creation::start(&app).await?;
    Ok(upgrade.run(|socket| follow(socket, job, view)))
}

/// Starts a restore and follows it.
#[utoipa::path(get, path = "/backup/{backup}/restore/streamed/websocket", tag = "backup",
    params(("backup" = String, Path, description = "id of the backup")),
    responses((status = 101, description = "A `BackupStreamedProgress` a message; closed after the terminal one"),
              (status = 426, description = "Not a WebSocket: nothing was started", body = String),
              (status = 500, body = String),
              (status = 503, description = "Too many are open: nothing was started", body = String),
              (status = 505, body = String), (status = 511, body = String)))]
pub(crate) async fn restore(
    State(app): State<App>,
    Id(id): Id,
    upgrade: Upgrade,
) -> Result<Response, ApiError> {
    let (job, view) = restoration::start(&app, &id).await?;
    Ok(upgrade.run(|socket| follow(socket, job, view)))
}

/// Every creation and restoration in progress, now and at each change, and each that ended since the last message.
#[utoipa::path(get, path = "/backups/streamed/progress", tag = "backups",
    responses((status = 101, description = "A `BackupsStreamedProgress` a message"),
              (status = 426, description = "Not a WebSocket", body = String),
              (status = 503, description = "Too many are open", body = String)))]
pub(crate) async fn progress(State(app): State<App>, upgrade: Upgrade) -> Response {
    upgrade.run(move |socket| watch_progress(socket, app))
}

/// The overview, now and whenever something in it changed.
#[utoipa::path(get, path = "/holdfast/overview/websocket", tag = "holdfast",
    responses((status = 101, description = "An `Overview` a message"),
              (status = 426, description = "Not a WebSocket", body = String),
              (status = 503, description = "Too many are open", body = String)))]
pub(crate) async fn overview_socket(State(app): State<App>, upgrade: Upgrade) -> Response {
    upgrade.run(move |socket| watch_overview(socket, app))
}

async fn follow(mut socket: WebSocket, job: watch::Receiver<Job>, view: View) {
    let mut steps = Box::pin(steps(job, view));
    loop {
        let step = tokio::select! {
            step = steps.next() => step,
            () = hung_up(&mut socket) => return,
        };
        let Some(step) = step else { break };
        if send(&mut socket, &step).await.is_none() {
            return;
        }
    }
    close(socket, close_code::NORMAL).await;
}

async fn watch_progress(mut socket: WebSocket, app: App) {
    let mut changes = app.jobs().changes();
    let mut seen = None;
    loop {
        changes.mark_unchanged();
        // Before the look, so that the end of a job that the service ends is still told.
        let last = app.tasks().is_closing();
        let (jobs, ends) = app.jobs().since(seen);
        if send(&mut socket, &in_progress(&app, &jobs)).await.is_none() {
            return;
        }
        seen = Some(ends);
        if last {
            break;
        }
        tokio::select! {
            _ = changes.changed() => (),
            () = app.tasks().closing() => (),
            () = hung_up(&mut socket) => return,
        }
    }
    close(socket, close_code::AWAY).await;
}

fn in_progress(app: &App, jobs: &[Job]) -> BackupsStreamedProgress {
    let of = |kind: JobKind| {
        let jobs = jobs.iter().filter(|job| job.kind == kind);
        Some(jobs.map(|job| overview::progress_of(app, job)).collect())
    };
    BackupsStreamedProgress {
        schema: None,
        backups: of(JobKind::Creation),
        restorations: of(JobKind::Restoration),
    }
}

async fn watch_overview(mut socket: WebSocket, app: App) {
    let mut changes = app.jobs().changes();
    let mut looks = tokio::time::interval(overview::LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sent = None;
    loop {
        changes.mark_unchanged();
        let last = app.tasks().is_closing();
        let now = match overview::read(&app).await {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(?error, "the overview is not available");
                return close(socket, close_code::ERROR).await;
            }
        };
        if sent.as_ref() != Some(&now) {
            if send(&mut socket, &now).await.is_none() {
                return;
            }
            sent = Some(now);
        }
        if last {
            break;
        }
        let due = async {
            tokio::time::sleep(overview::AT_MOST_EVERY).await;
            tokio::select! { _ = changes.changed() => (), _ = looks.tick() => () }
        };
        tokio::select! {
            () = due => (),
            () = app.tasks().closing() => (),
            () = hung_up(&mut socket) => return,
        }
    }
    close(socket, close_code::AWAY).await;
}

/// Returns once the client is gone. What it says until then means nothing here.
async fn hung_up(socket: &mut WebSocket) {
    // To the end, also past a close frame: its answer goes out with the next look.
    while let Some(Ok(_)) = socket.recv().await {}
}

async fn send(socket: &mut WebSocket, object: &impl Serialize) -> Option<()> {
    let text = serde_json::to_string(object).ok()?;
    socket.send(Message::Text(text.into())).await.ok()
}

async fn close(mut socket: WebSocket, code: CloseCode) {
    let frame = CloseFrame {
        code,
        reason: "".into(),
    };
    // A client that is gone already needs no farewell.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
