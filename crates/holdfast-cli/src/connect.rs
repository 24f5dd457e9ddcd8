//! The service that a command talks to: another one by address, the one that runs, or one of its own for as long as the
//! command takes.

use std::path::PathBuf;
use std::time::Duration;

use backup_client::{Client, own_service};
use backup_service::{ServiceOptions, Stop};
use directories::ProjectDirs;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::arguments::Common;
use crate::fail::{FAILED, Failure, USAGE};
use crate::found;
use crate::interrupts::Interrupts;
use crate::serve::open_engine;

/// How long the service of another command may take to begin, or to end: until it has, there is none to be found and the
/// folder is in use.
const IN_BETWEEN: Duration = Duration::from_secs(10);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(50);
/// A service that has not ended by then is used by somebody else, which is worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(5);

/// A client, and the embedded service behind it where there is one.
pub struct Connection {
    pub client: Client,
    own: bool,
    /// Keeps the service of another command from ending between two calls, each of which has a connection of its own.
    _held: Option<TcpStream>,
    /// The service of this command alone.
    embedded: Option<(Stop, Service)>,
}

type Service = JoinHandle<Result<(), backup_service::ServeError>>;

impl Connection {
    pub async fn open(common: &Common) -> Result<Self, Failure> {
        if let Some(address) = &common.address {
            return Ok(Self {
                client: Client::new(address.clone(), None)?,
                own: false,
                _held: None,
                embedded: None,
            });
        }
        let deadline = Instant::now() + IN_BETWEEN;
        loop {
            if let Some((client, held)) = running(common).await? {
                found::agree(common, &client).await?;
                return Ok(Self {
                    client,
                    own: true,
                    _held: Some(held),
                    embedded: None,
                });
            }
            match Self::embed(common).await {
                Err(failure) if failure.is_in_use() && Instant::now() < deadline => {
                    tokio::time::sleep(LOOK).await;
                }
                opened => return opened,
            }
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
        let (stop, (told, ready)) = (Stop::default(), oneshot::channel());
        let on_ready = move |file| {
            // Nobody waits any more only when the command has ended.
            let _ = told.send(file);
        };
        let service = tokio::spawn(backup_service::serve_until(
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
            _held: None,
            embedded: Some((stop, service)),
        })
    }

    /// Whether the service lets this program do everything: it is one of the same user, and not some other by its address.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Ends an embedded service, once what other programs do in it has ended.
    pub async fn close(self) -> Result<(), Failure> {
        let Some((stop, service)) = self.embedded else {
            return Ok(());
        };
        // The service waits for those who are connected.
        drop(self.client);
        stop.when_idle.cancel();
        let ended = last_of(stop, service).await?;
        ended
            .map_err(|error| Failure::internal(&error))?
            .map_err(|error| Failure::internal(&error))
    }
}

/// Waits for the end of the service, and says so where that takes long. Whoever does not want to wait interrupts twice, and
/// cancels with that what another program does.
async fn last_of(
    stop: Stop,
    mut service: Service,
) -> Result<Result<Result<(), backup_service::ServeError>, tokio::task::JoinError>, Failure> {
    let mut interrupts = Interrupts::listen().map_err(|error| Failure::internal(&error))?;
    let mut told = false;
    loop {
        tokio::select! {
            ended = &mut service => return Ok(ended),
            () = tokio::time::sleep(WORTH_A_WORD), if !told => (),
            () = interrupts.next() => {
                if told {
                    stop.now.cancel();
                }
            }
        }
        if !told {
            eprintln!(
                "Another program does something in the service of this command, which ends with it. Ctrl-C cancels it."
            );
            told = true;
        }
    }
}

/// The service that runs for this data folder. Its connection is open from here on, so that it does not end under the
/// command if it is that of another one.
async fn running(common: &Common) -> Result<Option<(Client, TcpStream)>, Failure> {
    let Some(file) = own_service(&data_dir(common)?).await else {
        return Ok(None);
    };
    let client = client_of(&file)?;
    let place = file.address.trim_start_matches("http://");
    let Ok(held) = TcpStream::connect(place).await else {
        return Ok(None);
    };
    match client.capabilities().await {
        Ok(_) => Ok(Some((client, held))),
        Err(error) => {
            tracing::info!(%error, "the service has just ended");
            Ok(None)
        }
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
