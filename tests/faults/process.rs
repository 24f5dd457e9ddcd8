//! A `holdfast serve` that may be killed at any moment, and the little of HTTP that is needed to use it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub struct Service {
    child: Child,
    pub address: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Service {
    pub fn start(home: &Path) -> Self {
        Self::start_with(Command::new(program()), home)
    }

    /// `command` is the program itself, or one that runs it with the arguments that are added here.
    pub fn start_with(mut command: Command, home: &Path) -> Self {
        let mut child = command
            .args([
                "serve",
                "--no-keychain",
                "--listen",
                "127.0.0.1:0",
                "--allow-clients",
                "--unattended",
            ])
            .arg("--data-dir")
            .arg(home.join("data"))
            .arg("--destination")
            .arg(home.join("destination"))
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on ");
        let address = address
            .unwrap_or_else(|| panic!("the service did not start: {line:?}"))
            .to_owned();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self {
            child,
            address,
            http,
            runtime,
        }
    }

    /// Status and text of an answer; an error where the service is gone.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), reqwest::Error> {
        let mut request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        })
    }

    pub fn ok(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let (status, text) = self.call(method, path, body).unwrap();
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}"
        );
        text
    }

    pub fn import(&self, numbers: std::ops::Range<u64>, version: u64) {
        let assets: Vec<Value> = numbers.map(|number| asset(number, version)).collect();
        self.ok(
            "POST",
            "/holdfast/library/import",
            Some(&json!({"iterable": assets})),
        );
    }

    pub fn back_up(&self) -> String {
        let backup: Value =
            serde_json::from_str(&self.ok("POST", "/backups/create", None)).unwrap();
        backup["id"].as_str().unwrap().to_owned()
    }

    pub fn backups(&self) -> Vec<String> {
        let list: Value = serde_json::from_str(&self.ok("GET", "/backups", None)).unwrap();
        let ids = list["iterable"].as_array().unwrap().iter();
        ids.map(|backup| backup["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sends the request from a thread of its own; whoever kills the service does not wait for the answer.
    pub fn start_call(&self, path: &str) -> tokio::task::JoinHandle<Option<u16>> {
        let request = self.http.post(format!("{}{path}", self.address));
        self.runtime.spawn(async move {
            match request.send().await {
                Ok(answer) => Some(answer.status().as_u16()),
                Err(_) => None,
            }
        })
    }

    pub fn result_of(&self, call: tokio::task::JoinHandle<Option<u16>>) -> Option<u16> {
        self.runtime.block_on(call).unwrap()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have been killed on purpose before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn asset(number: u64, version: u64) -> Value {
    let time = json!({"value": "2026-01-02T03:04:05Z"});
    let mut state = (number * 7_919 + version).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < 4_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    json!({"id": format!("asset-{number:06}"), "name": format!("Snippet {number}"), "created": time, "updated": time,
        "creator": "test", "formats": {}, "mechanism": "MANUAL", "original": "o", "preview": {}, "text": text})
}

/// A hash of the library's rows in order, and SQLite's verdict on its file, read beside the service.
pub fn dump(home: &Path) -> String {
    let connection = Connection::open(home.join("data/library/library.db")).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut statement = connection
        .prepare("SELECT id, json FROM assets ORDER BY id")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut hash = Sha256::new();
    while let Some(row) = rows.next().unwrap() {
        hash.update(row.get::<_, String>(0).unwrap());
        hash.update(row.get::<_, String>(1).unwrap());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The `holdfast` of this build: beside the folder that this test runs from.
pub fn program() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().and_then(Path::parent).unwrap();
    let path = target.join(format!("holdfast{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is not built: cargo build -p holdfast-cli",
        path.display()
    );
    path
}
