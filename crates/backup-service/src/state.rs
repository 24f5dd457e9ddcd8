//! What every handler has at hand.

use std::pin::pin;
use std::sync::Arc;

use backup_engine::{Engine, Error, Watch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ServiceOptions;
use crate::error::ApiError;
use crate::jobs::Jobs;
use crate::look::Waiting;
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

    /// The same for a look that may take long: it ends early where nobody waits for its answer any more, or the service
    /// closes.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine, &Watch) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (waiting, watch) = Waiting::new();
        let mut answer = pin!(self.blocking(move |engine| work(engine, &watch)));
        tokio::select! {
            answer = &mut answer => answer,
            () = self.0.tasks.closing() => {
                waiting.give_up();
                answer.await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::trial::app;

    /// No test waits for it when all is well.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A look that goes on until it is cancelled. It says when it has begun, and that it was.
    fn endless(
        app: &App,
    ) -> (
        impl Future<Output = Result<(), ApiError>>,
        mpsc::Receiver<()>,
    ) {
        let (sender, said) = mpsc::channel();
        let look = app.look(move |_, watch| {
            let began = Instant::now();
            let _ = sender.send(());
            while !watch.is_canceled() {
                if began.elapsed() > PATIENCE {
                    return Ok(());
                }
                std::thread::yield_now();
            }
            let _ = sender.send(());
            Err(Error::Canceled)
        });
        (look, said)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_ends_where_nobody_waits_for_it_any_more() {
        let (_folder, app) = app();
        let (look, said) = endless(&app);
        let waiting = async { said.recv_timeout(PATIENCE) };
        tokio::select! {
            biased;
            _ = look => panic!("it ended by itself"),
            began = waiting => began.unwrap(),
        }
        said.recv_timeout(PATIENCE).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_ends_where_the_service_closes_and_says_why() {
        let (_folder, app) = app();
        let (look, said) = endless(&app);
        let closing = async {
            said.recv_timeout(PATIENCE).unwrap();
            app.tasks().close(PATIENCE).await
        };
        let (answer, closed) = tokio::join!(look, closing);
        assert_eq!(answer.unwrap_err().problem().code, "canceled");
        assert!(closed);
    }
}
