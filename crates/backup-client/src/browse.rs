//! Looking into backups: folders and differences page by page, and files as streams.

use backup_api::{Differences, Entries, paths};
use bytes::Bytes;
use futures::{Stream, StreamExt};

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// `GET /holdfast/backups/{backup}/entries`. The root is the empty path; `after` is `next` of the page before.
    pub async fn entries(
        &self,
        id: &str,
        path: &str,
        after: Option<&str>,
    ) -> Result<Entries, ClientError> {
        let details = [("path", Some(path)), ("after", after)];
        let request = self.query(&[paths::DETAILS, id, "entries"], &details)?;
        self.page(request).await
    }

    /// `GET /holdfast/compare`. `newer` is the id of a backup, or `now`; the empty `scope` is everything.
    pub async fn compare(
        &self,
        older: &str,
        newer: &str,
        scope: &str,
        after: Option<&str>,
    ) -> Result<Differences, ClientError> {
        let details = [
            ("older", Some(older)),
            ("newer", Some(newer)),
            ("scope", Some(scope)),
            ("after", after),
        ];
        self.page(self.query(&[paths::COMPARE], &details)?).await
    }

    /// `GET /holdfast/backups/{backup}/content`. What arrives before an error is not the whole file.
    pub async fn content(
        &self,
        id: &str,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + Send + use<>, ClientError> {
        let request = self.query(&[paths::DETAILS, id, "content"], &[("path", Some(path))])?;
        let limit = self.timeouts.stall;
        let response = tokio::time::timeout(limit, self.send(request))
            .await
            .map_err(|_| ClientError::TimedOut(limit))??;
        let chunks = response.bytes_stream().boxed();
        Ok(futures::stream::try_unfold(
            chunks,
            move |mut chunks| async move {
                let chunk = tokio::time::timeout(limit, chunks.next()).await;
                let chunk = chunk.map_err(|_| ClientError::TimedOut(limit))?;
                let chunk = chunk.transpose();
                let chunk = chunk.map_err(|error| ClientError::of(error, limit))?;
                Ok(chunk.map(|chunk| (chunk, chunks)))
            },
        ))
    }

    /// Comparing with what is there now, and opening a large backup, may take a while.
    async fn page<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ClientError> {
        let limit = self.timeouts.job;
        self.json(self.send(request.timeout(limit)).await?, limit)
            .await
    }
}
