//! The real service behind [`Api`], through backup-client, and the ways to find one.

mod extensions;

use std::sync::Arc;

use backup_api::{
    Backup, BackupDetails, BackupStatus, BackupStreamedProgress, BackupsStreamedProgress,
    Capabilities, Job, JobKind, Overview, Preview, Problem, ServiceFile,
};
use backup_client::{Client, ClientError, Kind, Url, find_services};
use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt};

use crate::api::{Answer, Api, Connector, Service, Updates};
use crate::{FoundService, ServiceKind, Target, problem};

/// Where PiecesOS looks for a port of its own.
const PORTS_OF_PIECES: std::ops::RangeInclusive<u16> = 39300..=39333;

/// The service that belongs to this program. It is asked for before each try to connect, so that it can be started, or
/// found elsewhere, at that moment.
pub trait OwnService: Send + Sync {
    fn reach(&self) -> Answer<'_, ServiceFile>;
    /// Its address, if it runs. Starts nothing.
    fn address(&self) -> BoxFuture<'_, Option<String>>;
}

/// Connects over HTTP.
pub struct HttpConnector {
    own: Arc<dyn OwnService>,
}

impl HttpConnector {
    pub fn new(own: Arc<dyn OwnService>) -> Self {
        Self { own }
    }

    async fn open(&self, target: &Target) -> Result<Service, Problem> {
        match target {
            Target::Embedded => {
                let file = self.own.reach().await?;
                let client = client(&file.address, Some(file.token))?;
                Ok(service(client, "Holdfast".to_owned(), file.address))
            }
            Target::Address { address } => {
                let client = client(address, None)?;
                let name = name_of(&client).await?;
                let address = client.address().to_string();
                Ok(service(
                    client,
                    name,
                    address.trim_end_matches('/').to_owned(),
                ))
            }
        }
    }
}

impl Connector for HttpConnector {
    fn accepts(&self, target: &Target) -> Result<(), Problem> {
        match target {
            Target::Embedded => Ok(()),
            Target::Address { address } => client(address, None).map(drop),
        }
    }

    fn open<'a>(&'a self, target: &'a Target) -> Answer<'a, Service> {
        Box::pin(self.open(target))
    }

    fn find(&self) -> Answer<'_, Vec<FoundService>> {
        Box::pin(async {
            let found = find_services().await.into_iter().map(describe);
            // It is offered as the own one already.
            let own = self.own.address().await;
            Ok(found
                .filter(|service| Some(&service.address) != own.as_ref())
                .collect())
        })
    }
}

fn client(address: &str, token: Option<String>) -> Result<Client, Problem> {
    let address: Url = address
        .trim()
        .parse()
        .map_err(|_| explain(ClientError::BadAddress(String::new())))?;
    Client::new(address, token).map_err(explain)
}

fn service(client: Client, name: String, address: String) -> Service {
    Service {
        api: Arc::new(Http(client)),
        name,
        address,
    }
}

async fn name_of(client: &Client) -> Result<String, Problem> {
    let version = client.version().await.map_err(explain)?;
    let capabilities = client.capabilities().await.ok().flatten();
    let port = client.address().port_or_known_default();
    let kind = match capabilities {
        Some(capabilities) if capabilities.service == "holdfast" => ServiceKind::Holdfast,
        _ if port.is_some_and(|port| PORTS_OF_PIECES.contains(&port)) => ServiceKind::Pieces,
        _ => ServiceKind::Other,
    };
    // Shown to a person; whatever listens there may answer anything.
    let version = Some(version.trim()).filter(|version| {
        let short = !version.is_empty() && version.len() < 40;
        short && version.chars().all(|c| c.is_ascii_graphic())
    });
    Ok(name(kind, version))
}

fn name(kind: ServiceKind, version: Option<&str>) -> String {
    let name = match kind {
        ServiceKind::Holdfast => "Holdfast",
        ServiceKind::Pieces => "PiecesOS",
        ServiceKind::Other => "Backup service",
    };
    match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}

fn describe(found: backup_client::Found) -> FoundService {
    let kind = match found.kind {
        Kind::Holdfast => ServiceKind::Holdfast,
        Kind::Pieces => ServiceKind::Pieces,
        Kind::Other => ServiceKind::Other,
    };
    FoundService {
        name: name(kind, found.version.as_deref()),
        address: found.address.as_str().trim_end_matches('/').to_owned(),
        version: found.version,
        kind,
    }
}

/// The error for a person; what is behind it goes to the log.
fn explain(error: ClientError) -> Problem {
    tracing::debug!(%error, "a call failed");
    Problem {
        code: error.code().to_owned(),
        message: error.message(),
        fix: error.fix(),
    }
}

struct Http(Client);

fn answer<'a, T>(
    call: impl Future<Output = Result<T, ClientError>> + Send + 'a,
) -> BoxFuture<'a, Result<T, Problem>> {
    Box::pin(async { call.await.map_err(explain) })
}

/// A stream that has to be opened first.
fn opened<T, S>(open: impl Future<Output = Result<S, ClientError>> + Send + 'static) -> Updates<T>
where
    T: Send + 'static,
    S: Stream<Item = Result<T, ClientError>> + Send + 'static,
{
    let values = stream::once(open).flat_map(|opened| match opened {
        Ok(values) => values.left_stream(),
        Err(error) => stream::once(async { Err(error) }).right_stream(),
    });
    Box::pin(values.map(|value| value.map_err(explain)))
}

fn watched(
    watched: backup_client::Watched,
) -> impl Stream<Item = Result<BackupStreamedProgress, ClientError>> {
    stream::unfold(watched, |mut watched| async {
        let step = watched.next().await?;
        Some((step, watched))
    })
}

impl Api for Http {
    fn check(&self) -> Answer<'_, ()> {
        answer(async {
            match self.0.is_healthy().await? {
                true => Ok(()),
                false => Err(ClientError::Garbled(
                    "it does not say that it is well".into(),
                )),
            }
        })
    }

    fn version(&self) -> Answer<'_, String> {
        answer(self.0.version())
    }

    fn capabilities(&self) -> Answer<'_, Option<Capabilities>> {
        answer(self.0.capabilities())
    }

    fn watch_overview(&self) -> Updates<Overview> {
        let client = self.0.clone();
        opened(async move { client.watch_overview().await })
    }

    fn backups(&self) -> Answer<'_, Vec<Backup>> {
        answer(async { Ok(self.0.backups().await?.iterable) })
    }

    fn details(&self) -> Answer<'_, Vec<BackupDetails>> {
        answer(self.0.details())
    }

    fn preview<'a>(&'a self, backup: &'a str) -> Answer<'a, Preview> {
        answer(self.0.preview(backup))
    }

    fn create(&self) -> Updates<BackupStreamedProgress> {
        let client = self.0.clone();
        opened(async move { client.create_watched().await.map(watched) })
    }

    fn restore(&self, backup: &str) -> Updates<BackupStreamedProgress> {
        let (client, backup) = (self.0.clone(), backup.to_owned());
        opened(async move { client.restore_watched(&backup).await.map(watched) })
    }

    fn watch_progress(&self) -> Updates<BackupsStreamedProgress> {
        let client = self.0.clone();
        opened(async move { client.watch_progress().await })
    }

    fn status<'a>(&'a self, kind: JobKind, backup: &'a str) -> Answer<'a, Option<BackupStatus>> {
        answer(async move {
            let status = match kind {
                JobKind::Creation => self.0.creation_status(backup).await,
                JobKind::Restoration => self.0.restoration_status(backup).await,
                JobKind::Undo | JobKind::Verification => return Ok(None),
            };
            match status {
                Ok(status) => Ok(Some(status)),
                Err(error) if error.status() == Some(404) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn cancel<'a>(&'a self, kind: JobKind, backup: &'a str) -> Answer<'a, ()> {
        match kind {
            JobKind::Creation => answer(self.0.cancel_creation(backup)),
            JobKind::Restoration => answer(self.0.cancel_restoration(backup)),
            JobKind::Undo | JobKind::Verification => {
                Box::pin(async { Err(problem::not_cancelable()) })
            }
        }
    }

    fn delete<'a>(&'a self, backup: &'a str) -> Answer<'a, ()> {
        answer(self.0.delete(backup))
    }

    fn undelete<'a>(&'a self, backup: &'a str) -> Answer<'a, ()> {
        answer(self.0.undelete(backup))
    }

    fn give_passphrase(&self, passphrase: String) -> Answer<'_, ()> {
        answer(self.0.give_passphrase(passphrase))
    }

    fn undo(&self) -> Answer<'_, Job> {
        answer(self.0.undo())
    }
}
