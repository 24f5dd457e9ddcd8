//! The calls under `/holdfast/`, which other services do not have: they answer 404. Those about jobs are in `jobs.rs`, those
//! about what is in a backup in `browse.rs`.

use backup_api::{
    BackupDetails, Capabilities, Imported, NewSource, Overview, Passphrase, Preview, Restore,
    Source, SourceChange, Sources, paths,
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

    /// `GET /holdfast/sources`.
    pub async fn sources(&self) -> Result<Sources, ClientError> {
        self.get(&[paths::SOURCES]).await
    }

    /// `POST /holdfast/sources`.
    pub async fn add_source(&self, new: &NewSource) -> Result<Source, ClientError> {
        let limit = self.timeouts.cancel;
        let request = self.request(Method::POST, &[paths::SOURCES])?;
        let response = self.send(request.timeout(limit).json(new)).await?;
        self.json(response, limit).await
    }

    /// `POST /holdfast/sources/{source}/change`.
    pub async fn change_source(
        &self,
        id: &str,
        change: &SourceChange,
    ) -> Result<Source, ClientError> {
        let limit = self.timeouts.cancel;
        let path = [paths::SOURCES, id, "change"];
        let request = self.request(Method::POST, &path)?;
        let response = self.send(request.timeout(limit).json(change)).await?;
        self.json(response, limit).await
    }

    /// `POST /holdfast/sources/{source}/remove`.
    pub async fn remove_source(&self, id: &str) -> Result<(), ClientError> {
        let path = [paths::SOURCES, id, "remove"];
        self.post(&path, self.timeouts.cancel).await
    }

    /// `POST /holdfast/backups/{backup}/preview`: what this restore would do. It looks at all that would be replaced, which
    /// may take long.
    pub async fn foresee(&self, id: &str, restore: &Restore) -> Result<Preview, ClientError> {
        let path = [paths::DETAILS, id, "preview"];
        let response = self.job(&path, Some(restore)).await?;
        self.json(response, self.timeouts.job).await
    }

    /// `GET /holdfast/backups/{backup}/preview`: what the restore of the Backup API would do.
    pub async fn preview(&self, id: &str) -> Result<Preview, ClientError> {
        self.get(&[paths::DETAILS, id, "preview"]).await
    }

    /// `POST /holdfast/backups/{backup}/undelete`.
    pub async fn undelete(&self, id: &str) -> Result<(), ClientError> {
        let path = [paths::DETAILS, id, "undelete"];
        self.post(&path, self.timeouts.cancel).await
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
