//! `holdfast serve`: the service as a program.

use std::io::Write;
use std::sync::Arc;

use backup_engine::{Engine, EngineOptions};
use backup_service::ServiceOptions;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Common, Serve};
use crate::connect::{data_dir, device_name};
use crate::fail::{FAILED, Failure};
use crate::interrupts::Interrupts;
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
    let mut interrupts = Interrupts::listen().map_err(|error| Failure::internal(&error))?;
    let stop = shutdown.clone();
    tokio::spawn(async move {
        interrupts.next().await;
        stop.cancel();
    });
    let ready = |file: backup_api::ServiceFile| {
        // Whoever reads it waits for this line.
        let mut out = std::io::stdout();
        let told = writeln!(out, "listening on {}", file.address).and_then(|()| out.flush());
        if let Err(error) = told {
            tracing::info!(%error, address = file.address, "nobody is told the address");
        }
    };
    let served = backup_service::serve(listeners, engine, options, shutdown, ready).await;
    served.map_err(|error| Failure::internal(&error))
}

/// The engine on the folders of the command line.
pub async fn open_engine(common: &Common) -> Result<Arc<Engine>, Failure> {
    let options = engine_options(common)?;
    let opened = tokio::task::spawn_blocking(move || Engine::open(options)).await;
    Ok(Arc::new(
        opened.map_err(|error| Failure::internal(&error))??,
    ))
}

pub fn engine_options(common: &Common) -> Result<EngineOptions, Failure> {
    let data_dir = data_dir(common)?;
    Ok(EngineOptions {
        destination: common
            .destination
            .clone()
            .unwrap_or_else(|| data_dir.join("backups")),
        data_dir,
        passphrase: passphrase::read(common.passphrase_file.as_deref())?,
        use_keychain: !common.no_keychain,
        device_name: device_name(),
    })
}
