//! The calls of the Backup API, one method each. Ids are opaque: they are percent-encoded into a path, never parsed.

use std::time::Duration;

use backup_api::{Asset, Assets, Backup, BackupStatus, Backups, paths};
use reqwest::{Method, RequestBuilder, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{ClientError, refused};

/// What of an error's text is read.
const ERROR_LIMIT: usize = 64 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// For a call that does no long work.
    pub call: Duration,
    /// For a call that answers when a job is done: without any byte for this long, it is given up.
    pub job: Duration,
    /// Without a byte on a stream for this long, another means is tried.
    pub stall: Duration,
    /// Between two questions for a status.
    pub poll: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            call: Duration::from_secs(20),
            job: Duration::from_secs(24 * 3600),
            stall: Duration::from_secs(90),
            poll: Duration::from_secs(1),
        }
    }
}

/// A service at an address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    token: Option<String>,
    pub(crate) timeouts: Timeouts,
}

impl Client {
    /// `token` is the one of `service.json`; a service of others has none.
    pub fn new(address: Url, token: Option<String>) -> Result<Self, ClientError> {
        Self::with_timeouts(address, token, Timeouts::default())
    }

    pub fn with_timeouts(
        address: Url,
        token: Option<String>,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        if address.scheme() != "http" || address.host().is_none() {
            return Err(ClientError::BadAddress(address.to_string()));
        }
        let builder = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            // A proxy has no business between a program and its own machine, nor has a redirect elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let http = builder
            .build()
            .map_err(|error| ClientError::of(error, timeouts.connect))?;
        Ok(Self {
            http,
            address,
            token,
            timeouts,
        })
    }

    pub fn address(&self) -> &Url {
        &self.address
    }

    /// `GET /backups`.
    pub async fn backups(&self) -> Result<Backups, ClientError> {
        self.get(&[paths::BACKUPS]).await
    }

    /// `GET /backup/{backup}`.
    pub async fn backup(&self, id: &str) -> Result<Backup, ClientError> {
        self.get(&[paths::BACKUP, id]).await
    }

    /// `POST /backup`: with assets, they are in a backup when this returns; without, what is there is.
    pub async fn back_up_assets(&self, assets: Option<&Assets>) -> Result<(), ClientError> {
        self.job(&[paths::BACKUP], assets).await.map(drop)
    }

    /// `POST /backup/asset`.
    pub async fn back_up_asset(&self, asset: Option<&Asset>) -> Result<(), ClientError> {
        self.job(&[paths::BACKUP_ASSET], asset).await.map(drop)
    }

    /// `POST /backups/create`: returns when the backup is done.
    pub async fn create(&self) -> Result<Backup, ClientError> {
        self.json(self.job(&[paths::CREATE], None::<&()>).await?)
            .await
    }

    /// `POST /backup/{backup}/restore`: returns when the restore is done.
    pub async fn restore(&self, id: &str) -> Result<Backup, ClientError> {
        self.json(
            self.job(&[paths::BACKUP, id, "restore"], None::<&()>)
                .await?,
        )
        .await
    }

    /// `POST /backups/{backup}/delete`.
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        self.post(&[paths::BACKUPS, id, "delete"]).await.map(drop)
    }

    /// `GET /backup/{backup}/creation/status`.
    pub async fn creation_status(&self, id: &str) -> Result<BackupStatus, ClientError> {
        self.get(&[paths::BACKUP, id, "creation", "status"]).await
    }

    /// `GET /backup/{backup}/restoration/status`.
    pub async fn restoration_status(&self, id: &str) -> Result<BackupStatus, ClientError> {
        self.get(&[paths::BACKUP, id, "restoration", "status"])
            .await
    }

    /// `POST /backup/{backup}/creation/cancel`: returns when it has ended and everything is as before.
    pub async fn cancel_creation(&self, id: &str) -> Result<(), ClientError> {
        self.post(&[paths::BACKUP, id, "creation", "cancel"])
            .await
            .map(drop)
    }

    /// `POST /backup/{backup}/restoration/cancel`: returns when it has ended and the library is as before.
    pub async fn cancel_restoration(&self, id: &str) -> Result<(), ClientError> {
        self.post(&[paths::BACKUP, id, "restoration", "cancel"])
            .await
            .map(drop)
    }

    /// `GET /assets`, decoded whole: for libraries that fit into memory.
    pub async fn assets(&self) -> Result<Assets, ClientError> {
        self.get(&[paths::ASSETS]).await
    }

    /// `GET /asset/{asset}`.
    pub async fn asset(&self, id: &str) -> Result<Asset, ClientError> {
        self.get(&["/asset", id]).await
    }

    /// `POST /assets/{asset}/delete`.
    pub async fn delete_asset(&self, id: &str) -> Result<(), ClientError> {
        self.post(&[paths::ASSETS, id, "delete"]).await.map(drop)
    }

    /// `GET /.well-known/health`: whether there is a service.
    pub async fn is_healthy(&self) -> Result<bool, ClientError> {
        Ok(self
            .text(&[paths::HEALTH])
            .await?
            .trim_start()
            .starts_with("ok"))
    }

    /// `GET /.well-known/version`.
    pub async fn version(&self) -> Result<String, ClientError> {
        self.text(&[paths::VERSION]).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ClientError> {
        let response = self
            .send(self.request(Method::GET, path)?.timeout(self.timeouts.call))
            .await?;
        self.json(response).await
    }

    pub(crate) async fn post(&self, path: &[&str]) -> Result<Response, ClientError> {
        self.send(
            self.request(Method::POST, path)?
                .timeout(self.timeouts.call),
        )
        .await
    }

    /// A call that answers when a job is done, which may take long.
    pub(crate) async fn job(
        &self,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<Response, ClientError> {
        let request = self.request(Method::POST, path)?.timeout(self.timeouts.job);
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    async fn text(&self, path: &[&str]) -> Result<String, ClientError> {
        let response = self
            .send(self.request(Method::GET, path)?.timeout(self.timeouts.call))
            .await?;
        read_some(response).await
    }

    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<T, ClientError> {
        let bytes = response
            .bytes()
            .await
            .map_err(|error| ClientError::of(error, self.timeouts.call))?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Garbled(error.to_string()))
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &[&str],
    ) -> Result<RequestBuilder, ClientError> {
        let request = self
            .http
            .request(method, self.url(path)?)
            .header(header::ACCEPT, "application/json");
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// The first part is a path; all others are single segments, encoded.
    pub(crate) fn url(&self, path: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.address.clone();
        let bad = || ClientError::BadAddress(self.address.to_string());
        let mut segments = url.path_segments_mut().map_err(|()| bad())?;
        segments.pop_if_empty();
        for (at, part) in path.iter().enumerate() {
            if at == 0 {
                segments.extend(part.split('/').filter(|segment| !segment.is_empty()));
            } else if matches!(*part, "." | "..") {
                // A URL would take these for steps, encoded or not.
                return Err(ClientError::Refused {
                    status: 404,
                    code: Some("unknown-backup".into()),
                    message: "There is no backup with this id.".into(),
                    fix: Some("Use an id from the list.".into()),
                });
            } else {
                segments.push(part);
            }
        }
        drop(segments);
        Ok(url)
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends, and turns an answer that is no success into an error with the service's words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request
            .send()
            .await
            .map_err(|error| ClientError::of(error, self.timeouts.call))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let code = response
            .headers()
            .get("x-holdfast-code")
            .and_then(|code| code.to_str().ok())
            .map(str::to_owned);
        let text = read_some(response).await.unwrap_or_default();
        Err(refused(status, code, &text))
    }
}

/// The beginning of a text, which a service that errs may send without end.
async fn read_some(mut response: Response) -> Result<String, ClientError> {
    let mut bytes = Vec::new();
    while bytes.len() < ERROR_LIMIT {
        let chunk = response
            .chunk()
            .await
            .map_err(|error| ClientError::of(error, Duration::from_secs(20)))?;
        let Some(chunk) = chunk else { break };
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ERROR_LIMIT);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leaves_its_place_in_a_path() {
        let client = Client::new("http://127.0.0.1:1000".parse().unwrap(), None).unwrap();
        let url = client
            .url(&[paths::BACKUP, "../../x?y#z%00/ä", "restore"])
            .unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1000/backup/..%2F..%2Fx%3Fy%23z%2500%2F%C3%A4/restore"
        );
        assert!(client.url(&[paths::BACKUP, ".."]).is_err());
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        for address in [
            "ftp://127.0.0.1",
            "data:text/plain,x",
            "https://localhost:1000",
        ] {
            assert!(
                Client::new(address.parse().unwrap(), None).is_err(),
                "{address}"
            );
        }
    }
}
