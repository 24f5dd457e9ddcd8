//! The calls under `/holdfast/`, which other services do not have: they answer 404.

use backup_api::{BackupDetails, Capabilities, Imported, Job, Overview, Preview, paths};
use bytes::Bytes;
use reqwest::{Method, header};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// `GET /holdfast/capabilities`. `None`: a service without extensions.
    pub async fn capabilities(&self) -> Result<Option<Capabilities>, ClientError> {
        match self.get(&[paths::CAPABILITIES]).await {
            Ok(capabilities) => Ok(Some(capabilities)),
            Err(ClientError::Refused {
                status: 404 | 405 | 501,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET /holdfast/overview`.
    pub async fn overview(&self) -> Result<Overview, ClientError> {
        self.get(&[paths::OVERVIEW]).await
    }

    /// `GET /holdfast/backups`, newest first.
    pub async fn details(&self) -> Result<Vec<BackupDetails>, ClientError> {
        self.get(&[paths::DETAILS]).await
    }

    /// `GET /holdfast/backups/{backup}/preview`.
    pub async fn preview(&self, id: &str) -> Result<Preview, ClientError> {
        self.get(&[paths::DETAILS, id, "preview"]).await
    }

    /// `POST /holdfast/backups/{backup}/undelete`.
    pub async fn undelete(&self, id: &str) -> Result<(), ClientError> {
        self.post(&[paths::DETAILS, id, "undelete"]).await.map(drop)
    }

    /// `GET /holdfast/jobs`, newest first.
    pub async fn jobs(&self) -> Result<Vec<Job>, ClientError> {
        self.get(&[paths::JOBS]).await
    }

    /// `POST /holdfast/undo`: returns when it is done.
    pub async fn undo(&self) -> Result<Job, ClientError> {
        self.json(self.job(&[paths::UNDO], None::<&()>).await?)
            .await
    }

    /// `POST /holdfast/library/import`. `json` is an `Asset` or `Assets`, sent as it is.
    pub async fn import(&self, json: impl Into<Bytes>) -> Result<Imported, ClientError> {
        let request = self
            .request(Method::POST, &[paths::IMPORT])?
            .timeout(self.timeouts.job);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(json.into());
        self.json(self.send(request).await?).await
    }
}
