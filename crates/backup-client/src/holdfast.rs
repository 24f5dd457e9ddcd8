//! The calls under `/holdfast/`, which other services do not have: they answer 404.

use backup_api::{
    BackupDetails, Capabilities, Imported, Job, Overview, Passphrase, Preview, paths,
};
use bytes::Bytes;
use reqwest::{Method, header};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// `GET /holdfast/capabilities`. `None`: a service without extensions.
    pub async fn capabilities(&self) -> Result<Option<Capabilities>, ClientError> {
        match self.get(&[paths::CAPABILITIES]).await {
            Ok(capabilities) => Ok(Some(capabilities)),
            Err(error) if matches!(error.status(), Some(404 | 405 | 501)) => Ok(None),
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
        let path = [paths::DETAILS, id, "undelete"];
        self.post(&path, self.timeouts.cancel).await
    }

    /// `GET /holdfast/jobs`, newest first.
    pub async fn jobs(&self) -> Result<Vec<Job>, ClientError> {
        self.get(&[paths::JOBS]).await
    }

    /// `GET /holdfast/jobs/{job}`.
    pub async fn job_by_id(&self, id: &str) -> Result<Job, ClientError> {
        self.get(&[paths::JOBS, id]).await
    }

    /// `POST /holdfast/undo`: returns when it is done.
    pub async fn undo(&self) -> Result<Job, ClientError> {
        let response = self.job(&[paths::UNDO], None::<&()>).await?;
        self.json(response, self.timeouts.job).await
    }

    /// `POST /holdfast/key/passphrase`: protects the key with it, or opens the key that it protects.
    pub async fn give_passphrase(&self, passphrase: String) -> Result<(), ClientError> {
        let request = self
            .request(Method::POST, &[paths::PASSPHRASE])?
            .timeout(self.timeouts.call)
            .json(&Passphrase { passphrase });
        self.send(request).await.map(drop)
    }

    /// `POST /holdfast/library/import`. `json` is an `Asset` or `Assets`, sent as it is.
    pub async fn import(&self, json: impl Into<Bytes>) -> Result<Imported, ClientError> {
        let request = self
            .request(Method::POST, &[paths::IMPORT])?
            .timeout(self.timeouts.job)
            .header(header::CONTENT_TYPE, "application/json")
            .body(json.into());
        let response = self.send(request).await?;
        self.json(response, self.timeouts.job).await
    }
}
