//! What the tests of the client speak to: a real service over a real engine, and one that follows a script.
#![allow(dead_code)]

pub mod followed;
pub mod scripted;
pub mod ways;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backup_api::{Asset, Assets, Backup, BackupStreamedProgress, Job, ServiceFile, Status};
use backup_client::{Client, ClientError, Watched};
use backup_engine::{Engine, EngineOptions, Item};
use backup_service::{ServiceOptions, bind, serve};
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine; no test waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Fails instead of hanging.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("no end after {PATIENCE:?}"))
}

/// A running service in a temporary folder; it ends when this is dropped.
pub struct Service {
    pub file: ServiceFile,
    pub engine: Arc<Engine>,
    folder: tempfile::TempDir,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Service {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let options = EngineOptions {
            data_dir: data_dir.clone(),
            destination: folder.path().join("destination"),
            passphrase: None,
            use_keychain: false,
            device_name: "Test device".into(),
        };
        let engine = Arc::new(Engine::open(options).unwrap());
        let listeners = bind(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let (ready, file) = tokio::sync::oneshot::channel();
        let options = ServiceOptions {
            allow_clients: false,
            unattended: false,
            data_dir,
        };
        let stop = CancellationToken::new();
        let told = move |file: ServiceFile| ready.send(file).unwrap();
        let service = serve(listeners, engine.clone(), options, stop.clone(), told);
        let task = tokio::spawn(async { service.await.unwrap() });
        Self {
            file: file.await.unwrap(),
            engine,
            folder,
            stop,
            task,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks the service to end, and waits until it has. Its folders stay.
    pub async fn end(mut self) -> Self {
        self.stop.cancel();
        in_time(&mut self.task).await.unwrap();
        self
    }

    pub fn client(&self) -> Client {
        self.client_with(Some(&self.file.token))
    }

    pub fn client_with(&self, token: Option<&str>) -> Client {
        let address = self.file.address.parse().unwrap();
        Client::new(address, token.map(str::to_owned)).unwrap()
    }

    /// Puts items into the library, past HTTP.
    pub fn fill(&self, count: u64, length: usize) {
        let items: Vec<Item> = (0..count).map(|number| item(number, length)).collect();
        self.engine.library().put(&items).unwrap();
    }
}

/// Every step of a job, which must end well.
pub async fn followed(job: &mut Watched) -> Vec<BackupStreamedProgress> {
    let mut steps = Vec::new();
    while let Some(step) = in_time(job.next()).await {
        steps.push(step.unwrap());
    }
    steps
}

/// What holds for every job that goes well: the first step names the backup, progress never goes back, and only the last
/// is an end. Returns the backup as the last step describes it.
pub fn assert_sound(steps: &[BackupStreamedProgress]) -> Backup {
    let named = steps[0].backup.clone().expect("no name in the first step");
    let mut percentage = 0.0;
    for (at, step) in steps.iter().enumerate() {
        assert_eq!(step.backup.as_ref().unwrap().id, named.id);
        let now = step.percentage.unwrap();
        assert!(now >= percentage, "back from {percentage} to {now}");
        percentage = now;
        let is_last = at + 1 == steps.len();
        assert_eq!(step.status.unwrap().is_terminal(), is_last, "{step:?}");
    }
    let last = steps.last().unwrap();
    assert_eq!(
        (last.status, last.percentage),
        (Some(Status::Completed), Some(100.0))
    );
    last.backup.clone().unwrap()
}

/// Waits until the newest job of the service is one for which this holds.
pub async fn until_job(client: &Client, holds: impl Fn(&Job) -> bool) -> Job {
    in_time(async {
        loop {
            let newest = client.jobs().await.unwrap().into_iter().next();
            if let Some(job) = newest.filter(&holds) {
                return job;
            }
        }
    })
    .await
}

/// The status and the stable code of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> (u16, String) {
    let error = answer.expect_err("it was not refused");
    let status = error.status();
    let status = status.unwrap_or_else(|| panic!("no refusal: {error:?}"));
    assert!(!error.message().is_empty() && !error.never_arrived());
    (status, error.code().to_owned())
}

/// An asset with fields that nobody here knows.
pub fn asset(id: &str, name: &str) -> Asset {
    let text = format!(
        r#"{{ "id":"{id}", "name":"{name}","created":{{"value":"2026-01-02T03:04:05Z"}},"updated":{{"value":"2026-01-02T03:04:06Z"}},
  "creator":"u","formats":{{"iterable":[ ]}},"mechanism":"MANUAL","original":"o","preview":{{}},
  "unknown" : {{"deep":[1.10, 1e2, "\u00e9\/ä€😀"], "big":123456789012345678901234567890}} }}"#
    );
    Asset::from_json(text).unwrap()
}

pub fn assets(all: &[&Asset]) -> Assets {
    Assets {
        iterable: all.iter().map(|asset| (*asset).clone()).collect(),
        ..Assets::default()
    }
}

fn item(number: u64, length: usize) -> Item {
    let id = format!("asset-{number:06}");
    let asset = asset(&id, &text(number + 1, length));
    Item {
        json: asset.json().to_owned(),
        id,
        name: Some(format!("Snippet {number}")),
        created: asset.created().to_owned(),
        updated: asset.updated().to_owned(),
    }
}

/// Text that does not repeat and that hardly compresses.
fn text(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text += &format!("{state:016x}");
    }
    text
}
