//! From listeners to answered requests, and an orderly end: jobs are settled before the service goes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use backup_api::ServiceFile;
use backup_engine::Engine;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ServiceOptions;
use crate::routes::router;
use crate::service_file::{Announcement, new_token};
use crate::state::App;
use crate::tasks::Tasks;
use crate::timed_stream::TimedStream;

/// Connections at a time; further ones wait.
const CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 64 * 1024;
/// How long open connections may take to end when the service stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long calls into the engine may take to end after that.
const LAST_WORK: Duration = Duration::from_secs(10);
/// How long a client may leave an answer unread. One that never reads would keep its place for ever.
const WRITE_TIME: Duration = Duration::from_secs(60);
/// How long who followed a job may take to ask how it ended, with another connection.
const QUESTIONS: Duration = Duration::from_millis(500);
/// After a connection could not be accepted (out of file handles, say).
const BREATH: Duration = Duration::from_millis(50);

/// Why a service could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("there is no address to listen on")]
    NoListener,
    #[error("the service's address could not be written down: {0}")]
    Announce(#[source] io::Error),
}

/// The two ways in which a service is told to end.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// At once: a job that runs is cancelled.
    pub now: CancellationToken,
    /// Once nothing runs any more. Whoever started a job in a service that another program brought is not to lose it
    /// with that program.
    pub when_idle: CancellationToken,
}

/// Runs until `shutdown` is cancelled; a job that runs is then cancelled and settled first.
///
/// `on_ready` is told address and token once requests are answered; they are in `service.json` as well, as long as the
/// service runs.
///
/// # Errors
/// There is no listener, or the file cannot be written.
pub async fn serve(
    listeners: Vec<TcpListener>,
    engine: Arc<Engine>,
    options: ServiceOptions,
    shutdown: CancellationToken,
    on_ready: impl FnOnce(ServiceFile) + Send,
) -> Result<(), ServeError> {
    let stop = Stop {
        now: shutdown,
        ..Stop::default()
    };
    serve_until(listeners, engine, options, stop, on_ready).await
}

/// The same, with two ways to end.
///
/// # Errors
/// As [`serve`].
pub async fn serve_until(
    listeners: Vec<TcpListener>,
    engine: Arc<Engine>,
    options: ServiceOptions,
    stop: Stop,
    on_ready: impl FnOnce(ServiceFile) + Send,
) -> Result<(), ServeError> {
    let address = listeners
        .first()
        .ok_or(ServeError::NoListener)?
        .local_addr()
        .map_err(ServeError::Announce)?;
    let file = ServiceFile {
        address: format!("http://{address}"),
        token: new_token(),
        pid: std::process::id(),
    };
    let data_dir = options.data_dir.clone();
    let app = App::new(engine, options, file.token.clone(), address.port());
    // Before anything is answered: where it cannot be written there is nothing to end.
    let announcement = Announcement::write(&data_dir, &file).map_err(ServeError::Announce)?;
    let mut announcement = Some(announcement);
    read_list(&app);
    let graceful = Arc::new(GracefulShutdown::new());
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let open = TaskTracker::new();
    let mut loops = JoinSet::new();
    for listener in listeners {
        let connections = Connections {
            router: router(app.clone()),
            tasks: app.tasks().clone(),
            permits: permits.clone(),
            open: open.clone(),
            write_time: WRITE_TIME,
        };
        let (graceful, stop) = (graceful.clone(), stop.now.clone());
        loops.spawn(async move {
            tokio::select! {
                () = connections.accept(listener, &graceful) => (),
                () = stop.cancelled() => (),
            }
        });
    }
    on_ready(file);
    let unused = async {
        stop.when_idle.cancelled().await;
        nobody_uses_it(&app, &open, &mut announcement).await;
    };
    tokio::select! {
        () = stop.now.cancelled() => (),
        () = unused => (),
    }
    loops.shutdown().await;
    let last_moment = async {
        // One that came as the last listener went is answered all the same, and its job goes on.
        left_alone(&open).await;
        app.jobs().close_when_idle().await;
    };
    tokio::select! {
        biased;
        () = stop.now.cancelled() => (),
        () = last_moment => (),
    }
    app.jobs().close().await;
    drop(announcement);
    say_goodbye(graceful, app.tasks()).await;
    Ok(())
}

/// Returns once nothing runs and nobody is connected. From the moment on at which nothing runs the service cannot be found
/// any more.
async fn nobody_uses_it(app: &App, open: &TaskTracker, announcement: &mut Option<Announcement>) {
    let had_run = app.jobs().idle().await;
    drop(announcement.take());
    if had_run {
        tokio::time::sleep(QUESTIONS).await;
    }
    left_alone(open).await;
    // One that had found it before may have begun something.
    app.jobs().idle().await;
}

/// Returns once nobody is connected, or has been for the time of a farewell.
async fn left_alone(open: &TaskTracker) {
    open.close();
    if tokio::time::timeout(FAREWELL, open.wait()).await.is_err() {
        tracing::debug!("the service ends although somebody is connected");
    }
}

/// Opening the destination and reading its records takes a second where there are a thousand; who asks first should not
/// wait for it.
fn read_list(app: &App) {
    let reader = app.clone();
    app.tasks().spawn(async move {
        if let Err(error) = reader.blocking(|engine| engine.backups()).await {
            tracing::info!(?error, "the list of backups cannot be read at the start");
        }
    });
}

/// Returns when nothing of the service holds the engine any more, so that its folder can be opened again.
async fn say_goodbye(graceful: Arc<GracefulShutdown>, tasks: &Tasks) {
    let connections = async {
        // The loops are over, so this is the last handle.
        if let Some(graceful) = Arc::into_inner(graceful) {
            graceful.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = tasks.close(FAREWELL) => ended,
        () = connections => false,
    };
    if ended {
        return;
    }
    tracing::info!("clients that were still connected are cut off");
    if !tasks.cut_off(LAST_WORK).await {
        tracing::warn!("the service ends while a call still holds the data folder");
    }
}

struct Connections {
    router: Router,
    tasks: Tasks,
    permits: Arc<Semaphore>,
    /// Those that are open.
    open: TaskTracker,
    write_time: Duration,
}

impl Connections {
    async fn accept(&self, listener: TcpListener, graceful: &GracefulShutdown) {
        while let Ok(permit) = self.permits.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => self.answer(stream, permit, graceful),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    fn answer(&self, stream: TcpStream, permit: OwnedSemaphorePermit, graceful: &GracefulShutdown) {
        // Small answers go out at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers may wait for each other");
        }
        let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_BYTES);
        let service = TowerToHyperService::new(self.router.clone());
        let stream = TokioIo::new(TimedStream::new(stream, HEAD_TIME, self.write_time));
        let connection = http
            .serve_connection_with_upgrades(stream, service)
            .into_owned();
        let connection = graceful.watch(connection);
        let counted = self.open.token();
        self.tasks.spawn(async move {
            let _counted = counted;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// An answer without an end.
    async fn endless() -> Body {
        let piece = || Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 64 * 1024]));
        Body::from_stream(futures::stream::repeat_with(piece))
    }

    async fn ask(address: std::net::SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_client_that_stops_reading_gives_its_place_to_the_next() {
        let connections = Connections {
            router: Router::new()
                .route("/endless", get(endless))
                .route("/short", get(|| async { "short" })),
            tasks: Tasks::default(),
            permits: Arc::new(Semaphore::new(1)),
            open: TaskTracker::new(),
            write_time: Duration::from_millis(300),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let graceful = GracefulShutdown::new();
            connections.accept(listener, &graceful).await;
        });
        let mut stalled = ask(address, "/endless").await;
        let mut begun = [0; 1024];
        stalled.read_exact(&mut begun).await.unwrap();
        let mut next = ask(address, "/short").await;
        let mut text = String::new();
        let answered =
            tokio::time::timeout(Duration::from_secs(20), next.read_to_string(&mut text)).await;
        answered.expect("its place is never given back").unwrap();
        assert!(text.ends_with("short"), "{text}");
    }
}
