//! A `holdfast serve` in a process of its own, and the little of HTTP that is needed to use it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::runtime::Runtime;

use crate::child;

pub struct Service {
    child: Child,
    address: String,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Service {
    pub fn start(home: &Path, destination: &Path) -> Self {
        std::fs::create_dir_all(home).unwrap();
        let mut child = Command::new(program())
            .args(["serve", "--no-keychain", "--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(home.join("data"))
            .arg("--destination")
            .arg(destination)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the service did not start")
            .to_owned();
        // A worker of its own, which notices between two calls that the service closed an idle connection.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            child,
            address,
            http: client(home),
            runtime,
        }
    }

    /// A call whose answer is a stream of which only the beginning matters.
    pub fn begin(&self, path: &str) {
        let url = format!("{}{path}", self.address);
        let answer = self
            .runtime
            .block_on(async { self.http.post(url).send().await.unwrap() });
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// Runs one step, and returns the most memory that the service had during it.
    pub fn peak_memory<T>(&self, step: impl FnOnce() -> T) -> (u64, T) {
        child::forget_peak_memory(self.child.id());
        let result = step();
        (child::peak_memory(self.child.id()).unwrap(), result)
    }

    /// Ends the service as a user would, so that the library rests in one file.
    pub fn stop(mut self) {
        let kill = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(kill.success() && self.child.wait().unwrap().success());
    }

    pub fn ok(&self, method: &str, path: &str, body: Option<String>) -> String {
        let (status, text) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {text}");
        text
    }

    /// Status and text of an answer.
    pub fn call(&self, method: &str, path: &str, body: Option<String>) -> (u16, String) {
        let url = format!("{}{path}", self.address);
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already ended where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with the token of this start, as the programs of the same user have it.
fn client(home: &Path) -> reqwest::Client {
    let text = std::fs::read(home.join("data/service.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let token = format!("Bearer {}", file["token"].as_str().unwrap());
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(reqwest::header::AUTHORIZATION, token.parse().unwrap());
    let client = reqwest::Client::builder().default_headers(headers);
    client.build().unwrap()
}

/// The program beside this one in the target folder.
fn program() -> PathBuf {
    let path = std::env::current_exe()
        .unwrap()
        .with_file_name(format!("holdfast{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is not built: use cargo xtask bench",
        path.display()
    );
    path
}
