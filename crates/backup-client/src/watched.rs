//! A job followed to its end by whatever means work: its own stream, then the observing WebSocket, then its status.
//!
//! A job is started once. After that nothing is sent that could start another; a broken stream only changes the way in
//! which the same job is watched.

use std::pin::Pin;

use backup_api::{BackupStatus, BackupStreamedProgress, BackupsStreamedProgress, Status, paths};
use futures::{Stream, StreamExt};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, Response};

use crate::client::Client;
use crate::decode::Decoder;
use crate::error::ClientError;

/// How many questions for a status may fail in a row before the job is given up as unknown.
const PATIENCE: u32 = 10;

type Steps = Pin<Box<dyn Stream<Item = Result<BackupStreamedProgress, ClientError>> + Send>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Creation,
    Restoration,
}

/// A job's progress. Ends after a terminal status, or after an error when it is not known how the job went on.
pub struct Watched {
    client: Client,
    kind: Kind,
    /// The backup's id, once it is known.
    id: Option<String>,
    means: Means,
    failures: u32,
}

enum Means {
    Stream(Steps),
    Socket(Steps),
    Status,
    /// It is not known how the job went on; the error says why, once.
    Lost(Option<ClientError>),
    Over,
}

impl Client {
    /// `POST /backups/create/streamed`, followed to its end.
    pub async fn create_watched(&self) -> Result<Watched, ClientError> {
        let response = self.start(&[paths::CREATE_STREAMED]).await?;
        Ok(Watched::new(self, Kind::Creation, None, response))
    }

    /// `POST /backup/{backup}/restore/streamed`, followed to its end.
    pub async fn restore_watched(&self, id: &str) -> Result<Watched, ClientError> {
        let response = self
            .start(&[paths::BACKUP, id, "restore", "streamed"])
            .await?;
        Ok(Watched::new(
            self,
            Kind::Restoration,
            Some(id.to_owned()),
            response,
        ))
    }

    async fn start(&self, path: &[&str]) -> Result<Response, ClientError> {
        // Instead of the usual kind, not beside it: a service that is offered both sends one object when all is over.
        let accept = HeaderValue::from_static("application/x-ndjson");
        let request = self
            .request(Method::POST, path)?
            .headers(HeaderMap::from_iter([(header::ACCEPT, accept)]));
        // The head of the answer comes when the job has begun; how long the body takes is watched piece by piece.
        let limit = self.timeouts.stall;
        tokio::time::timeout(limit, self.send(request))
            .await
            .map_err(|_| ClientError::TimedOut(limit))?
    }
}

impl Watched {
    fn new(client: &Client, kind: Kind, id: Option<String>, response: Response) -> Self {
        let means = Means::Stream(Box::pin(decoded(response)));
        Self {
            client: client.clone(),
            kind,
            id,
            means,
            failures: 0,
        }
    }

    /// The backup that is made or restored, once the service has named it.
    pub fn backup_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The next piece of progress. `None` after the last.
    pub async fn next(&mut self) -> Option<Result<BackupStreamedProgress, ClientError>> {
        loop {
            let stall = self.client.timeouts.stall;
            let step = match &mut self.means {
                Means::Over => return None,
                Means::Lost(error) => {
                    let error = error.take();
                    self.means = Means::Over;
                    return error.map(Err);
                }
                Means::Status => self.ask().await,
                Means::Stream(steps) | Means::Socket(steps) => {
                    let step = tokio::time::timeout(stall, steps.next()).await;
                    step.unwrap_or(Some(Err(ClientError::TimedOut(stall))))
                        .unwrap_or_else(|| {
                            Err(ClientError::Broken(
                                "the stream ended before the job did".into(),
                            ))
                        })
                }
            };
            match step {
                Ok(step) => return Some(Ok(self.take(step))),
                Err(error) => self.change_means(error).await,
            }
        }
    }

    fn take(&mut self, step: BackupStreamedProgress) -> BackupStreamedProgress {
        if let (None, Some(backup)) = (&self.id, &step.backup) {
            self.id = Some(backup.id.clone());
        }
        self.failures = 0;
        if step.status.is_some_and(Status::is_terminal) {
            self.means = Means::Over;
        }
        step
    }

    /// Stream → WebSocket → status, which is asked again some times before the job is given up. A caller may look away
    /// while it waits here, so nothing is given up before there is something else.
    async fn change_means(&mut self, error: ClientError) {
        tracing::info!(%error, "the job is watched by other means");
        let socket = match self.means {
            Means::Stream(_) => self.client.watch_progress().await.ok(),
            _ => None,
        };
        self.means = match socket {
            Some(socket) => Means::Socket(self.only_this_job(socket)),
            None if self.id.is_some()
                && error.status() != Some(404)
                && self.failures < PATIENCE =>
            {
                Means::Status
            }
            // Nobody can be asked about a job whose name never arrived, or that the service does not know.
            None => Means::Lost(Some(of_a_begun_job(error))),
        };
    }

    fn only_this_job(
        &self,
        socket: impl Stream<Item = Result<BackupsStreamedProgress, ClientError>> + Send + 'static,
    ) -> Steps {
        let (kind, mut id) = (self.kind, self.id.clone());
        Box::pin(socket.filter_map(move |message| {
            std::future::ready(match message {
                Ok(all) => find(all, kind, &mut id),
                Err(error) => Some(Err(error)),
            })
        }))
    }

    /// One question for the status, after a pause.
    async fn ask(&mut self) -> Result<BackupStreamedProgress, ClientError> {
        let id = self.id.clone().unwrap_or_default();
        tokio::time::sleep(self.client.timeouts.poll).await;
        let status = match self.kind {
            Kind::Creation => self.client.creation_status(&id).await,
            Kind::Restoration => self.client.restoration_status(&id).await,
        };
        self.failures += u32::from(status.is_err());
        status.map(as_step)
    }
}

/// What a message about all jobs says of this one. `None`: nothing, because its list is left out, or because nobody
/// knows which one it is.
fn find(
    all: BackupsStreamedProgress,
    kind: Kind,
    id: &mut Option<String>,
) -> Option<Result<BackupStreamedProgress, ClientError>> {
    let mut jobs = match kind {
        Kind::Creation => all.backups?,
        Kind::Restoration => all.restorations?,
    }
    .into_iter();
    if let Some(id) = id {
        let is_it = |step: &BackupStreamedProgress| {
            let backup = step.backup.as_ref();
            backup.is_some_and(|backup| backup.id == *id)
        };
        // It has ended, and its status says how.
        let gone = || ClientError::Broken("the job is no longer among those in progress".into());
        return Some(jobs.find(is_it).ok_or_else(gone));
    }
    // Its name never arrived. The one that runs is it; one that has ended may be an older one.
    let step = jobs.find(|step| !step.status.is_some_and(Status::is_terminal))?;
    *id = Some(step.backup.as_ref()?.id.clone());
    Some(Ok(step))
}

/// The job was started, so it is never certain that nothing arrived.
fn of_a_begun_job(error: ClientError) -> ClientError {
    match error {
        ClientError::Unreachable(why) => ClientError::Broken(why),
        other => other,
    }
}

fn as_step(status: BackupStatus) -> BackupStreamedProgress {
    let (backup, percentage) = (Some(status.backup), status.percentage);
    BackupStreamedProgress {
        schema: status.schema,
        backup,
        status: status.value,
        percentage,
    }
}

fn decoded(
    response: Response,
) -> impl Stream<Item = Result<BackupStreamedProgress, ClientError>> + Send {
    let state = (
        response.bytes_stream().boxed(),
        Decoder::default(),
        std::collections::VecDeque::new(),
    );
    futures::stream::try_unfold(state, |(mut chunks, mut decoder, mut ready)| async move {
        loop {
            if let Some(step) = ready.pop_front() {
                return Ok(Some((step, (chunks, decoder, ready))));
            }
            match chunks.next().await {
                Some(Ok(chunk)) => ready.extend(decoder.take::<BackupStreamedProgress>(&chunk)?),
                Some(Err(error)) => {
                    return Err(ClientError::Broken(error.without_url().to_string()));
                }
                None => return Ok(None),
            }
        }
    })
}
