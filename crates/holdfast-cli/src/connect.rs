//! The service that a command talks to: another one by address, the one that runs, or one of its own for as long as the
//! command takes.

use std::path::PathBuf;

use backup_client::{Client, own_service};
use backup_service::ServiceOptions;
use directories::ProjectDirs;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::arguments::Common;
use crate::fail::{FAILED, Failure, USAGE};
use crate::found;
use crate::serve::open_engine;

/// A client, and the embedded service behind it where there is one.
pub struct Connection {
    pub client: Client,
    own: bool,
    /// The service of this command alone.
    embedded: Option<(
        CancellationToken,
        JoinHandle<Result<(), backup_service::ServeError>>,
    )>,
}

impl Connection {
    pub async fn open(common: &Common) -> Result<Self, Failure> {
        if let Some(address) = &common.address {
            return Ok(Self {
                client: Client::new(address.clone(), None)?,
                own: false,
                embedded: None,
            });
        }
        match own_service(&data_dir(common)?).await {
            Some(file) => {
                let client = client_of(&file)?;
                found::agree(common, &client).await?;
                Ok(Self {
                    client,
                    own: true,
                    embedded: None,
                })
            }
            None => Self::embed(common).await,
        }
    }

    async fn embed(common: &Common) -> Result<Self, Failure> {
        let engine = open_engine(common).await?;
        let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = backup_service::bind(Some(any_port))
            .await
            .map_err(|error| Failure::internal(&error))?;
        let options = ServiceOptions {
            allow_clients: false,
            unattended: false,
            data_dir: data_dir(common)?,
        };
        let (stop, (told, ready)) = (CancellationToken::new(), oneshot::channel());
        let on_ready = move |file| {
            // Nobody waits any more only when the command has ended.
            let _ = told.send(file);
        };
        let service = tokio::spawn(backup_service::serve(
            listeners,
            engine,
            options,
            stop.clone(),
            on_ready,
        ));
        let file = ready.await.map_err(|error| Failure::internal(&error))?;
        Ok(Self {
            client: client_of(&file)?,
            own: true,
            embedded: Some((stop, service)),
        })
    }

    /// Whether the service lets this program do everything: it is one of the same user, and not some other by its address.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Settles what runs in an embedded service, and ends it.
    pub async fn close(self) -> Result<(), Failure> {
        let Some((stop, service)) = self.embedded else {
            return Ok(());
        };
        stop.cancel();
        let ended = service.await.map_err(|error| Failure::internal(&error))?;
        ended.map_err(|error| Failure::internal(&error))
    }
}

fn client_of(file: &backup_api::ServiceFile) -> Result<Client, Failure> {
    let address = file.address.parse().map_err(|_| {
        Failure::new(
            FAILED,
            "bad-address",
            "The running service left an address that does not read.",
            "Start it again.",
        )
    })?;
    Ok(Client::new(address, Some(file.token.clone()))?)
}

pub fn data_dir(common: &Common) -> Result<PathBuf, Failure> {
    let default = || {
        ProjectDirs::from("app", "Holdfast", "Holdfast")
            .map(|dirs| dirs.data_local_dir().to_owned())
    };
    common.data_dir.clone().or_else(default).ok_or_else(|| {
        let message = "There is no home folder to keep the library in.";
        Failure::new(
            USAGE,
            "no-data-folder",
            message,
            "Name a folder with --data-dir.",
        )
    })
}

/// The name of this machine, as its backups show it.
pub fn device_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
