//! The calls of the Backup API and its companions, one method each. Ids are opaque: they are percent-encoded into a path,
//! never parsed. The streams are in `stream.rs`, the WebSockets in `socket.rs`.

use backup_api::{Asset, Assets, Backup, BackupStatus, Backups, JobKind, paths};
use reqwest::Method;

use crate::client::{Client, decoded, read};
use crate::error::ClientError;

/// The largest library that is taken whole.
const LIBRARY_LIMIT: usize = 1024 * 1024 * 1024;

impl Client {
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
        let response = self.job(&[paths::CREATE], None::<&()>).await?;
        self.json(response, self.timeouts.job).await
    }

    /// `POST /backup/{backup}/restore`: returns when the restore is done.
    pub async fn restore(&self, id: &str) -> Result<Backup, ClientError> {
        let path = [paths::BACKUP, id, "restore"];
        let response = self.job(&path, None::<&()>).await?;
        self.json(response, self.timeouts.job).await
    }

    /// `POST /backups/{backup}/delete`.
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        let path = [paths::BACKUPS, id, "delete"];
        self.post(&path, self.timeouts.cancel).await
    }

    /// `GET /backup/{backup}/creation/status`.
    pub async fn creation_status(&self, id: &str) -> Result<BackupStatus, ClientError> {
        self.status(JobKind::Creation, id).await
    }

    /// `GET /backup/{backup}/restoration/status`.
    pub async fn restoration_status(&self, id: &str) -> Result<BackupStatus, ClientError> {
        self.status(JobKind::Restoration, id).await
    }

    /// The status call of this kind of job; an undo is a restoration to the API.
    pub(crate) async fn status(
        &self,
        kind: JobKind,
        id: &str,
    ) -> Result<BackupStatus, ClientError> {
        self.get(&[paths::BACKUP, id, job_path(kind), "status"])
            .await
    }

    /// `POST /backup/{backup}/creation/cancel`: returns when it has ended and everything is as before. A 500 can mean
    /// that it had just ended: [`Client::cancel`] finds out.
    pub async fn cancel_creation(&self, id: &str) -> Result<(), ClientError> {
        self.ask_to_cancel(JobKind::Creation, id).await
    }

    /// `POST /backup/{backup}/restoration/cancel`: returns when it has ended and the library is as before. A 500 can
    /// mean that it had just ended: [`Client::cancel`] finds out.
    pub async fn cancel_restoration(&self, id: &str) -> Result<(), ClientError> {
        self.ask_to_cancel(JobKind::Restoration, id).await
    }

    pub(crate) async fn ask_to_cancel(&self, kind: JobKind, id: &str) -> Result<(), ClientError> {
        let path = [paths::BACKUP, id, job_path(kind), "cancel"];
        self.post(&path, self.timeouts.cancel).await
    }

    /// `GET /assets`, decoded whole: for libraries that fit into memory.
    pub async fn assets(&self) -> Result<Assets, ClientError> {
        let limit = self.timeouts.job;
        let request = self.request(Method::GET, &[paths::ASSETS])?.timeout(limit);
        decoded(&read(self.send(request).await?, LIBRARY_LIMIT, limit).await?)
    }

    /// `GET /asset/{asset}`.
    pub async fn asset(&self, id: &str) -> Result<Asset, ClientError> {
        self.get(&["/asset", id]).await
    }

    /// `POST /assets/{asset}/delete`.
    pub async fn delete_asset(&self, id: &str) -> Result<(), ClientError> {
        let path = [paths::ASSETS, id, "delete"];
        self.post(&path, self.timeouts.call).await
    }

    /// `GET /.well-known/health`: whether there is a service.
    pub async fn is_healthy(&self) -> Result<bool, ClientError> {
        let text = self.text(&[paths::HEALTH]).await?;
        Ok(text.trim_start().starts_with("ok"))
    }

    /// `HEAD /.well-known/health`: the cheapest question whether something like a service is there.
    pub async fn answers_head(&self) -> Result<(), ClientError> {
        let request = self.request(Method::HEAD, &[paths::HEALTH])?;
        let request = request.timeout(self.timeouts.call);
        self.send(request).await.map(drop)
    }

    /// `GET /.well-known/version`.
    pub async fn version(&self) -> Result<String, ClientError> {
        self.text(&[paths::VERSION]).await
    }

    /// `GET /openapi.json`.
    pub async fn openapi(&self) -> Result<serde_json::Value, ClientError> {
        self.get(&[paths::OPENAPI]).await
    }
}

fn job_path(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Creation => "creation",
        JobKind::Restoration | JobKind::Undo => "restoration",
        // There is no such call in the API, so it is answered with 404; [`Client::cancel_job`] is the one for this kind.
        JobKind::Verification => "verification",
    }
}
