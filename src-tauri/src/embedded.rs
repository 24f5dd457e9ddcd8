//! The service inside this program. It is started when it is needed; if another program has the data folder, the service
//! of that one is used instead, and when that has gone, this one starts after all.

use std::path::PathBuf;
use std::sync::Arc;

use backup_api::{Problem, ServiceFile};
use backup_engine::{Engine, EngineOptions};
use backup_manager::{Answer, OwnService};
use backup_service::{ServeError, ServiceOptions};
use futures::future::BoxFuture;
use tauri::async_runtime::{self, JoinHandle};
use tokio::sync::{Mutex, oneshot};
use tokio_util::sync::CancellationToken;

use crate::folders::{Folders, may_use_keychain};

pub struct Embedded(Arc<Inner>);

struct Inner {
    folders: Folders,
    stop: CancellationToken,
    running: Mutex<Option<Running>>,
}

struct Running {
    file: ServiceFile,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Embedded {
    pub fn new(folders: Folders) -> Self {
        Self(Arc::new(Inner {
            folders,
            stop: CancellationToken::new(),
            running: Mutex::default(),
        }))
    }

    /// Settles what runs and ends the service, for good.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        // A start that is under way holds this, so it is not missed.
        let Some(running) = self.0.running.lock().await.take() else {
            return;
        };
        match running.task.await {
            Ok(Ok(())) => tracing::info!("the service has ended"),
            Ok(Err(error)) => tracing::error!(%error, "the service ended with an error"),
            Err(error) => tracing::error!(%error, "the service ended abnormally"),
        }
    }
}

impl Inner {
    async fn reach(&self) -> Result<ServiceFile, Problem> {
        let mut running = self.running.lock().await;
        if let Some(running) = running.as_ref().filter(|it| !it.task.inner().is_finished()) {
            return Ok(running.file.clone());
        }
        if self.stop.is_cancelled() {
            return Err(stopping());
        }
        match self.open().await {
            Ok(engine) => {
                let started = self.serve(engine).await?;
                let file = started.file.clone();
                *running = Some(started);
                Ok(file)
            }
            Err(problem) => {
                let other = backup_client::own_service(&self.folders.data).await;
                other.ok_or(problem)
            }
        }
    }

    async fn open(&self) -> Result<Arc<Engine>, Problem> {
        let options = EngineOptions {
            data_dir: self.folders.data.clone(),
            destination: self.folders.destination.clone(),
            passphrase: None,
            use_keychain: may_use_keychain(),
            device_name: gethostname::gethostname().to_string_lossy().into_owned(),
        };
        let opened = async_runtime::spawn_blocking(move || Engine::open(options)).await;
        let opened = opened.map_err(|error| internal("the library could not be opened", &error))?;
        opened.map(Arc::new).map_err(|error| {
            tracing::warn!(%error, "the library could not be opened");
            Problem {
                code: error.code().to_owned(),
                message: error.message(),
                fix: error.fix(),
            }
        })
    }

    async fn serve(&self, engine: Arc<Engine>) -> Result<Running, Problem> {
        let listeners = backup_service::bind(None)
            .await
            .map_err(|error| internal("no port could be listened on", &error))?;
        let options = ServiceOptions {
            allow_clients: false,
            unattended: false,
            data_dir: PathBuf::from(&self.folders.data),
        };
        let (told, ready) = oneshot::channel();
        let on_ready = |file| {
            if told.send(file).is_err() {
                tracing::debug!("nobody waits for the service any more");
            }
        };
        let serving =
            backup_service::serve(listeners, engine, options, self.stop.clone(), on_ready);
        let task = async_runtime::spawn(serving);
        match ready.await {
            Ok(file) => {
                tracing::info!(address = file.address, "the service has started");
                Ok(Running { file, task })
            }
            // It ended before it was ready; its result says why.
            Err(_) => match task.await {
                Ok(Err(error)) => Err(internal("the service could not start", &error)),
                Ok(Ok(())) => Err(stopping()),
                Err(error) => Err(internal("the service could not start", &error)),
            },
        }
    }
}

impl OwnService for Embedded {
    fn address(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async {
            let running = self.0.running.lock().await;
            running.as_ref().map(|running| running.file.address.clone())
        })
    }

    fn reach(&self) -> Answer<'_, ServiceFile> {
        let inner = self.0.clone();
        // A task of its own: who does not wait for it any more must not leave a half-started service behind.
        let started = async_runtime::spawn(async move { inner.reach().await });
        Box::pin(async {
            match started.await {
                Ok(reached) => reached,
                Err(error) => Err(internal("the start of the service broke off", &error)),
            }
        })
    }
}

/// The details go to the log: they may hold a path or an address.
fn internal(what: &str, error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "{what}");
    Problem {
        code: "service-not-started".to_owned(),
        message: "Holdfast's own service could not start. Nothing was changed.".to_owned(),
        fix: "Look into the log of the app; it is tried again by itself.".to_owned(),
    }
}

fn stopping() -> Problem {
    Problem {
        code: "stopping".to_owned(),
        message: "Holdfast is being quit.".to_owned(),
        fix: "Start it again.".to_owned(),
    }
}
