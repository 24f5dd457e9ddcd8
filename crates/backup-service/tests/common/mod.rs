//! A service on a port of its own, over a real engine in a temporary folder, and the ways to speak to it that the tests of
//! this crate share.
#![allow(dead_code)]

pub mod described;
pub mod namespace;
pub mod scene;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backup_api::{Backup, Job, ServiceFile};
use backup_engine::{Engine, EngineOptions, Item, Secret};
use backup_service::{ServeError, ServiceOptions, bind, serve};
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine; no test waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The folders of a service, which outlive it.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub fn destination(&self) -> PathBuf {
        self.0.path().join("destination")
    }

    pub fn engine(&self, passphrase: Option<&str>) -> Arc<Engine> {
        let options = EngineOptions {
            data_dir: self.data(),
            destination: self.destination(),
            passphrase: passphrase.map(|text| Secret::new(text.into())),
            use_keychain: false,
            device_name: "Test device".into(),
        };
        Arc::new(Engine::open(options).unwrap())
    }
}

/// What callers without the token may do.
#[derive(Clone, Copy, Default)]
pub struct Allowed {
    pub clients: bool,
    pub unattended: bool,
}

/// A running service; it ends when this is dropped.
pub struct Service {
    pub file: ServiceFile,
    pub engine: Arc<Engine>,
    pub http: reqwest::Client,
    pub home: Home,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The stable code of an error, from the header of a text or from a JSON body.
    pub fn code(&self) -> String {
        match self.header("x-holdfast-code") {
            "" => self.json::<Value>()["code"].as_str().unwrap().to_owned(),
            code => code.to_owned(),
        }
    }
}

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Service {
    pub async fn start() -> Self {
        let home = Home::new();
        let engine = home.engine(None);
        Self::over(home, engine, Allowed::default()).await
    }

    pub async fn allowing(allowed: Allowed) -> Self {
        let home = Home::new();
        let engine = home.engine(None);
        Self::over(home, engine, allowed).await
    }

    pub async fn over(home: Home, engine: Arc<Engine>, allowed: Allowed) -> Self {
        let listeners = bind(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let (stop, (ready, file)) = (
            CancellationToken::new(),
            tokio::sync::oneshot::channel::<ServiceFile>(),
        );
        let options = ServiceOptions {
            allow_clients: allowed.clients,
            unattended: allowed.unattended,
            data_dir: home.data(),
        };
        let told = move |file: ServiceFile| ready.send(file).unwrap();
        let service = serve(listeners, engine.clone(), options, stop.clone(), told);
        let task = tokio::spawn(service);
        Self {
            file: file.await.unwrap(),
            engine,
            http: reqwest::Client::new(),
            home,
            stop,
            task,
        }
    }

    /// Asks the service to end, waits until it has, and gives its folders back.
    pub async fn end(mut self) -> Home {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, &mut self.task).await;
        ended.expect("the service does not end").unwrap().unwrap();
        std::mem::replace(&mut self.home, Home::new())
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.file.address)
    }

    pub fn host(&self) -> &str {
        self.file.address.strip_prefix("http://").unwrap()
    }

    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.file.token)
    }

    /// A request of the app itself, with the token.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method.parse().unwrap(), self.url(path))
            .header("authorization", self.authorization())
            .timeout(PATIENCE)
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str) -> Answer {
        answer(self.request("POST", path)).await
    }

    pub async fn post_json(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request("POST", path).body(body);
        answer(request.header("content-type", "application/json")).await
    }

    /// Makes a backup of what the library holds.
    pub async fn back_up(&self) -> Backup {
        let made = self.post("/backups/create").await;
        assert_eq!(made.status, 200, "{made:?}");
        made.json()
    }

    pub async fn jobs(&self) -> Vec<Job> {
        self.get("/holdfast/jobs").await.json()
    }

    /// All that a call could have changed, to compare before and after.
    pub async fn everything(&self) -> String {
        let mut all = String::new();
        for path in ["/assets", "/backups", "/holdfast/jobs"] {
            all += &self.get(path).await.text;
        }
        all
    }

    /// Puts items into the library, past HTTP.
    pub fn fill(&self, count: u64, length: usize) {
        let items: Vec<Item> = (0..count).map(|number| item(number, length)).collect();
        self.engine.library().put(&items).unwrap();
    }

    pub async fn connect(&self, path: &str) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}{path}", self.host())
            .into_client_request()
            .unwrap();
        let token = self.authorization().parse().unwrap();
        request.headers_mut().insert("authorization", token);
        tokio_tungstenite::connect_async(request)
            .await
            .map(|(socket, _)| socket)
    }

    /// Sends these bytes and reads until the service closes. What no proper client sends is sent this way.
    pub async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.host()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let whole = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await;
        whole.expect("no end of the answer").unwrap();
        let text = String::from_utf8_lossy(&read).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {text}")), text)
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// The next message of a socket that is not yet closed. `None`: it was closed.
pub async fn next<T: DeserializeOwned>(socket: &mut Socket) -> Option<T> {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        match message.expect("a silent socket")?.unwrap() {
            Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

pub fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// An asset with fields that nobody here knows, and with spaces, numbers and escapes that a parser would lose.
pub fn asset(id: &str, name: &str) -> String {
    format!(
        r#"{{ "id":"{id}", "name":"{name}","created":{{"value":"2026-01-02T03:04:05Z"}},"updated":{{"value":"2026-01-02T03:04:06Z"}},
  "creator":"u","formats":{{"iterable":[ ]}},"mechanism":"MANUAL","original":"o","preview":{{}},
  "unknown" : {{"deep":[1.10, 1e2, "\u00e9\/"], "big":123456789012345678901234567890}}, "unknown2":null }}"#
    )
}

/// Text that does not repeat and that hardly compresses.
pub fn text(seed: u64, length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 10);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.extend((0..10).map(|at| LETTERS[(state >> (at * 6)) as usize & 63] as char));
    }
    text
}

fn item(number: u64, length: usize) -> Item {
    let (id, time) = (format!("asset-{number:06}"), "2026-01-02T03:04:05Z");
    Item {
        json: format!(
            "{{\"id\":\"{id}\",\"text\":\"{}\"}}",
            text(number + 1, length)
        ),
        id,
        name: Some(format!("Snippet {number}")),
        created: time.into(),
        updated: time.into(),
    }
}
