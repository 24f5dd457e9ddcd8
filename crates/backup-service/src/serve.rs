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

use crate::ServiceOptions;
use crate::routes::router;
use crate::service_file::{Announcement, new_token};
use crate::state::App;

/// Connections at a time; further ones wait.
const CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 64 * 1024;
/// How long open connections may take to end when the service stops.
const FAREWELL: Duration = Duration::from_secs(3);
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

/// Runs until `shutdown` is cancelled; a job that runs is then cancelled and settled first.
///
/// `on_ready` is told address and token once requests are answered; they are in `service.json` as well, as long as the
/// service runs.
pub async fn serve(
    listeners: Vec<TcpListener>,
    engine: Arc<Engine>,
    options: ServiceOptions,
    shutdown: CancellationToken,
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
    let graceful = Arc::new(GracefulShutdown::new());
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut loops = JoinSet::new();
    for listener in listeners {
        let connections = Connections {
            router: router(app.clone()),
            permits: permits.clone(),
        };
        let (graceful, stop) = (graceful.clone(), shutdown.clone());
        loops.spawn(async move {
            tokio::select! {
                () = connections.accept(listener, &graceful) => (),
                () = stop.cancelled() => (),
            }
        });
    }
    let announcement = Announcement::write(&data_dir, &file).map_err(ServeError::Announce)?;
    on_ready(file);
    shutdown.cancelled().await;
    loops.shutdown().await;
    app.jobs().close().await;
    drop(announcement);
    // The loops are over, so this is the last handle.
    if let Some(graceful) = Arc::into_inner(graceful)
        && tokio::time::timeout(FAREWELL, graceful.shutdown())
            .await
            .is_err()
    {
        tracing::info!("clients that were still connected are cut off");
    }
    Ok(())
}

struct Connections {
    router: Router,
    permits: Arc<Semaphore>,
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
        let connection = http
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
}
