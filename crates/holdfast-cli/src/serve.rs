//! `holdfast serve`: the service as a program.

use std::io::Write;
use std::sync::Arc;

use backup_engine::{Engine, EngineOptions};
use backup_service::ServiceOptions;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Common, Serve};
use crate::connect::{data_dir, device_name};
use crate::fail::{FAILED, Failure};
use crate::passphrase;

pub async fn run(common: &Common, serve: Serve) -> Result<(), Failure> {
    let engine = open_engine(common).await?;
    let listeners = backup_service::bind(serve.listen).await.map_err(|error| {
        let fix = "Choose another with --listen 127.0.0.1:0.";
        Failure::new(
            FAILED,
            "cannot-listen",
            &format!("The address cannot be listened on: {error}."),
            fix,
        )
    })?;
    let options = ServiceOptions {
        allow_clients: serve.allow_clients,
        unattended: serve.unattended,
        data_dir: data_dir(common)?,
    };
    let shutdown = CancellationToken::new();
    tokio::spawn(stop_when_told(shutdown.clone()));
    let ready = |file: backup_api::ServiceFile| {
        println!("listening on {}", file.address);
        // Whoever reads it waits for this line.
        let _ = std::io::stdout().flush();
    };
    let served = backup_service::serve(listeners, engine, options, shutdown, ready).await;
    served.map_err(|error| Failure::internal(&error))
}

/// The engine on the folders of the command line.
pub async fn open_engine(common: &Common) -> Result<Arc<Engine>, Failure> {
    let data_dir = data_dir(common)?;
    let options = EngineOptions {
        destination: common
            .destination
            .clone()
            .unwrap_or_else(|| data_dir.join("backups")),
        data_dir,
        passphrase: passphrase::read(common.passphrase_file.as_deref())?,
        use_keychain: !common.no_keychain,
        device_name: device_name(),
    };
    let opened = tokio::task::spawn_blocking(move || Engine::open(options)).await;
    Ok(Arc::new(
        opened.map_err(|error| Failure::internal(&error))??,
    ))
}

async fn stop_when_told(shutdown: CancellationToken) {
    told_to_stop().await;
    shutdown.cancel();
}

/// Returns at Ctrl-C, or at SIGTERM where there is one.
pub async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C is not noticed");
        std::future::pending::<()>().await;
    }
}
