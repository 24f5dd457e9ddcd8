//! A real `holdfast serve` in a process of its own, used over HTTP as any client would.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::assets::Asset;
use crate::measure;

/// Of one import request.
const BATCH_BYTES: usize = 8_000_000;

pub struct Service {
    child: Child,
    address: String,
    destination: PathBuf,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Service {
    pub fn start(home: &Path) -> Self {
        std::fs::create_dir_all(home).unwrap();
        let mut child = Command::new(program())
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            child,
            address,
            destination: home.join("destination"),
            http: reqwest::Client::new(),
            runtime,
        }
    }

    pub fn import(&mut self, assets: &[Asset]) {
        let mut batch = String::new();
        for asset in assets {
            batch.push_str(if batch.is_empty() {
                "{\"iterable\":["
            } else {
                ","
            });
            batch.push_str(&asset.json);
            if batch.len() > BATCH_BYTES {
                self.send_batch(std::mem::take(&mut batch));
            }
        }
        if !batch.is_empty() {
            self.send_batch(batch);
        }
    }

    fn send_batch(&mut self, batch: String) {
        self.post("/holdfast/library/import", Some(batch + "]}"));
    }

    /// Returns the id of the new backup.
    pub fn back_up(&mut self) -> String {
        let backup: Value = serde_json::from_str(&self.post("/backups/create", None)).unwrap();
        backup["id"].as_str().unwrap().to_owned()
    }

    pub fn restore(&mut self, backup: &str) {
        self.post(&format!("/backup/{backup}/restore"), None);
    }

    pub fn undo(&mut self) {
        self.post("/holdfast/undo", None);
    }

    pub fn cancel_creation_at(&mut self, percentage: f64) -> Duration {
        self.cancel_at("/backups/create/streamed", "creation", percentage)
    }

    pub fn cancel_restoration_at(&mut self, backup: &str, percentage: f64) -> Duration {
        self.cancel_at(
            &format!("/backup/{backup}/restore/streamed"),
            "restoration",
            percentage,
        )
    }

    /// Follows a job to this percentage, asks to cancel it, and measures until its stream tells the terminal state.
    fn cancel_at(&mut self, start: &str, kind: &str, percentage: f64) -> Duration {
        let (http, address) = (self.http.clone(), self.address.clone());
        self.runtime.block_on(async move {
            let answer = http.post(format!("{address}{start}")).send().await.unwrap();
            assert!(
                answer.status().is_success(),
                "{}",
                answer.text().await.unwrap()
            );
            let (mut chunks, mut text, mut asked) = (answer.bytes_stream(), Vec::new(), None);
            while let Some(chunk) = chunks.next().await {
                text.extend_from_slice(&chunk.unwrap());
                while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = text.drain(..=end).collect();
                    let step: Value = serde_json::from_slice(&line).unwrap();
                    if asked.is_none() && step["percentage"].as_f64().unwrap_or(0.0) >= percentage {
                        let id = step["backup"]["id"].as_str().unwrap();
                        let request = http
                            .post(format!("{address}/backup/{id}/{kind}/cancel"))
                            .send();
                        asked = Some((Instant::now(), tokio::spawn(request)));
                    }
                    if step["status"] == "CANCELED" {
                        let (start, request) = asked.expect("it was cancelled without being asked");
                        let took = start.elapsed();
                        assert_eq!(request.await.unwrap().unwrap().status(), 204);
                        return took;
                    }
                }
            }
            panic!("the {kind} ended before it was cancelled");
        })
    }

    /// How many backups are listed.
    pub fn count(&mut self) -> usize {
        let request = self.http.get(format!("{}/backups", self.address));
        let text = self
            .runtime
            .block_on(async { request.send().await.unwrap().text().await.unwrap() });
        serde_json::from_str::<Value>(&text).unwrap()["iterable"]
            .as_array()
            .unwrap()
            .len()
    }

    /// Bytes in the destination.
    pub fn stored(&self) -> u64 {
        measure::folder_bytes(&self.destination)
    }

    pub fn memory(&self) -> u64 {
        measure::peak_memory(self.child.id()).unwrap_or(0)
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

    fn post(&mut self, path: &str, body: Option<String>) -> String {
        let mut request = self.http.post(format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{path}: {status} {text}");
            text
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
