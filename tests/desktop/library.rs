//! The library through the service's API, as another program of the same user would use it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use backup_api::{
    Assets, BackupDetails, BackupStatus, Imported, Job, JobKind, JobState, Overview, ServiceFile,
    Status, paths,
};
use futures::StreamExt;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PATIENCE: Duration = Duration::from_secs(60);

/// Text of one generated asset, in bytes.
const ASSET_BYTES: usize = 64 * 1024;
const ASSETS_IN_A_BATCH: usize = 256;

pub struct Library {
    service: ServiceFile,
    http: Client,
    /// The jobs whose end has been waited for.
    ended: Mutex<HashSet<String>>,
}

impl Library {
    /// Reaches the service whose `service.json` is in `data`.
    pub fn in_folder(data: &Path) -> Self {
        let file = fs::read(data.join("service.json")).unwrap();
        Self {
            service: serde_json::from_slice(&file).unwrap(),
            http: Client::new(),
            ended: Mutex::default(),
        }
    }

    pub fn address(&self) -> &str {
        &self.service.address
    }

    /// The process that runs the service.
    pub fn process(&self) -> u32 {
        self.service.pid
    }

    /// Adds so many megabytes of text that compresses little, so that a job on them takes some seconds.
    pub async fn fill(&self, megabytes: usize) {
        let mut source = Letters(0x9E37_79B9_7F4A_7C15);
        let all: Vec<usize> = (0..megabytes * 1_000_000 / ASSET_BYTES).collect();
        for batch in all.chunks(ASSETS_IN_A_BATCH) {
            let assets: Vec<_> = batch
                .iter()
                .map(|number| asset(&format!("filler-{number:05}"), &source.text(ASSET_BYTES)))
                .collect();
            self.import(&assets).await;
        }
    }

    /// Adds or replaces one asset.
    pub async fn put(&self, id: &str, text: &str) {
        self.import(&[asset(id, text)]).await;
    }

    pub async fn delete(&self, id: &str) {
        let path = format!("{}/{id}/delete", paths::ASSETS);
        let response = self.request(self.http.post(self.url(&path))).send().await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }

    /// The same for the same content: a hash of all assets in the order of their ids.
    pub async fn digest(&self) -> String {
        let mut assets = self.get::<Assets>(paths::ASSETS).await.iterable;
        assets.sort_by(|one, other| one.id().cmp(other.id()));
        let mut hash = Sha256::new();
        for asset in &assets {
            hash.update(asset.json());
            hash.update("\n");
        }
        let bytes = hash.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Newest first.
    pub async fn backups(&self) -> Vec<BackupDetails> {
        self.get(paths::DETAILS).await
    }

    /// Newest first.
    pub async fn jobs(&self) -> Vec<Job> {
        self.get(paths::JOBS).await
    }

    /// Waits for the end of a job that was not waited for before, and expects it to be of this kind and to end so.
    pub async fn job_ends(&self, kind: JobKind, state: JobState) -> Job {
        let Ok(job) = tokio::time::timeout(PATIENCE, self.next_end()).await else {
            panic!("no job has ended; there are {:#?}", self.jobs().await);
        };
        assert_eq!((job.kind, job.state), (kind, state), "{job:#?}");
        job
    }

    async fn next_end(&self) -> Job {
        let mut request = self
            .url(paths::OVERVIEW_WEBSOCKET)
            .into_client_request()
            .unwrap();
        let scheme = request.uri().to_string().replacen("http", "ws", 1);
        *request.uri_mut() = scheme.parse().unwrap();
        let token = format!("Bearer {}", self.service.token).parse().unwrap();
        request.headers_mut().insert("authorization", token);
        let (mut overviews, _) = connect_async(request).await.unwrap();
        loop {
            let message = overviews.next().await.unwrap().unwrap();
            let Ok(text) = message.to_text() else {
                continue;
            };
            let Ok(overview) = serde_json::from_str::<Overview>(text) else {
                continue;
            };
            let Some(job) = overview.job else { continue };
            if job.state.is_terminal() && self.ended.lock().unwrap().insert(job.id.clone()) {
                return job;
            }
        }
    }

    pub async fn creation_status(&self, backup: &str) -> Option<Status> {
        let path = format!("{}/{backup}/creation/status", paths::BACKUP);
        self.get::<BackupStatus>(&path).await.value
    }

    pub async fn restoration_status(&self, backup: &str) -> Option<Status> {
        let path = format!("{}/{backup}/restoration/status", paths::BACKUP);
        self.get::<BackupStatus>(&path).await.value
    }

    async fn import(&self, assets: &[String]) {
        let body = format!(r#"{{"iterable":[{}]}}"#, assets.join(","));
        let request = self
            .request(self.http.post(self.url(paths::IMPORT)))
            .header("content-type", "application/json")
            .body(body);
        let imported: Imported = answer(request).await;
        assert_eq!(imported.assets, assets.len() as u64);
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        answer(self.request(self.http.get(self.url(path)))).await
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.service.token)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.address)
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let response = request.send().await.unwrap();
    let (status, url) = (response.status(), response.url().clone());
    let body = response.bytes().await.unwrap();
    match serde_json::from_slice(&body) {
        Ok(answer) if status == StatusCode::OK => answer,
        _ => panic!("{url}: {status}: {}", String::from_utf8_lossy(&body)),
    }
}

fn asset(id: &str, text: &str) -> String {
    let moment = r#"{"value":"2026-01-02T03:04:05Z"}"#;
    format!(
        r#"{{"id":"{id}","name":"{id}","created":{moment},"updated":{moment},"creator":"someone","formats":{{"iterable":[]}},"mechanism":"MANUAL","original":{{"id":"o"}},"preview":{{"base":{{"id":"p"}}}},"text":"{text}"}}"#
    )
}

/// A source of letters that look random and are the same each time.
struct Letters(u64);

impl Letters {
    fn text(&mut self, bytes: usize) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::with_capacity(bytes);
        while text.len() < bytes {
            // xorshift64
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let letters = (0..10).map(|at| ALPHABET[(self.0 >> (6 * at)) as usize % 64]);
            text.extend(letters.map(char::from));
        }
        text
    }
}
