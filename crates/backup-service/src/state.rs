//! What every handler has at hand.

use std::sync::Arc;

use backup_engine::{Engine, Error};
use tokio::sync::Semaphore;

use crate::ServiceOptions;
use crate::error::ApiError;
use crate::jobs::Jobs;

/// Large bodies that are read at the same time.
const UPLOADS: usize = 2;

#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    jobs: Jobs,
    options: ServiceOptions,
    token: String,
    port: u16,
    uploads: Semaphore,
}

impl App {
    pub(crate) fn new(
        engine: Arc<Engine>,
        options: ServiceOptions,
        token: String,
        port: u16,
    ) -> Self {
        let jobs = Jobs::new(engine.clone());
        Self(Arc::new(Inner {
            engine,
            jobs,
            options,
            token,
            port,
            uploads: Semaphore::new(UPLOADS),
        }))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.0.jobs
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

    /// Runs work of the engine, which blocks, away from the threads that serve.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let engine = self.0.engine.clone();
        match tokio::task::spawn_blocking(move || work(&engine)).await {
            Ok(result) => result.map_err(ApiError::from),
            Err(broken) => Err(ApiError::broken(&broken)),
        }
    }
}
