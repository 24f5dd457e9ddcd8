//! What every handler has at hand.

use std::sync::Arc;

use backup_engine::{Engine, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ServiceOptions;
use crate::error::ApiError;
use crate::jobs::Jobs;
use crate::tasks::Tasks;

/// Large bodies that are read at the same time.
const UPLOADS: usize = 2;
/// WebSockets that are open at the same time. They outlive the connections they began as, so they are counted by themselves.
const SOCKETS: usize = 64;
/// Files of backups that are read at the same time. Each has a thread and what the engine needs to read.
const READS: usize = 8;

#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    jobs: Jobs,
    tasks: Tasks,
    options: ServiceOptions,
    token: String,
    port: u16,
    uploads: Semaphore,
    sockets: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(
        engine: Arc<Engine>,
        options: ServiceOptions,
        token: String,
        port: u16,
    ) -> Self {
        let tasks = Tasks::default();
        let jobs = Jobs::new(engine.clone(), tasks.clone());
        Self(Arc::new(Inner {
            engine,
            jobs,
            tasks,
            options,
            token,
            port,
            uploads: Semaphore::new(UPLOADS),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            reads: Arc::new(Semaphore::new(READS)),
        }))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(crate) fn options(&self) -> &ServiceOptions {
        &self.0.options
    }

    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    pub(crate) fn uploads(&self) -> &Semaphore {
        &self.0.uploads
    }

    /// A place for a WebSocket. `None`: all are taken.
    pub(crate) fn place_for_socket(&self) -> Option<OwnedSemaphorePermit> {
        self.0.sockets.clone().try_acquire_owned().ok()
    }

    /// A place for reading a file of a backup. `None`: all are taken.
    pub(crate) fn place_for_read(&self) -> Option<OwnedSemaphorePermit> {
        self.0.reads.clone().try_acquire_owned().ok()
    }

    /// Runs work of the engine, which blocks, away from the threads that serve.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = self.0.engine.clone();
        match self.0.tasks.spawn_blocking(move || work(&engine)).await {
            Ok(result) => result.map_err(ApiError::from),
            Err(broken) => Err(ApiError::broken(&broken)),
        }
    }
}
