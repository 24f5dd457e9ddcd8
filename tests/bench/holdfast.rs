//! What is asked of a `holdfast serve`, over HTTP as any client would. Everything that the bench knows of its interface is
//! here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::assets::Asset;
use crate::service::Service;

/// Of one import request.
const BATCH_BYTES: usize = 8_000_000;

/// Between two looks at a job: the figures are that exact.
const LOOK: Duration = Duration::from_millis(2);

pub struct Holdfast {
    service: Service,
    destination: PathBuf,
}

/// A job as it was at one moment.
pub struct Job {
    pub phase: String,
    pub state: String,
}

impl Job {
    pub fn is_over(&self) -> bool {
        ["completed", "failed", "canceled"].contains(&self.state.as_str())
    }
}

/// What to restore.
#[derive(Clone)]
pub enum What {
    Library,
    Source(String),
}

impl Holdfast {
    pub fn start(home: &Path) -> Self {
        Self::start_with(home, &home.join("destination"))
    }

    pub fn start_with(home: &Path, destination: &Path) -> Self {
        Self {
            service: Service::start(home, destination),
            destination: destination.to_owned(),
        }
    }

    pub fn import(&self, assets: &[Asset]) {
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

    fn send_batch(&self, batch: String) {
        self.service
            .ok("POST", "/holdfast/library/import", Some(batch + "]}"));
    }

    /// Adds a folder to what is backed up. Returns its id; `None` where this version has no sources.
    pub fn add_source(&self, folder: &Path) -> Option<String> {
        let body = json!({"path": folder, "kind": "folder", "excludes": []}).to_string();
        let (status, text) = self.service.call("POST", "/holdfast/sources", Some(body));
        if status == 404 {
            return None;
        }
        assert!((200..300).contains(&status), "{status} {text}");
        let source: Value = serde_json::from_str(&text).unwrap();
        Some(source["id"].as_str().unwrap().to_owned())
    }

    /// Returns the id of the new backup.
    pub fn back_up(&self) -> String {
        let backup: Value =
            serde_json::from_str(&self.service.ok("POST", "/backups/create", None)).unwrap();
        backup["id"].as_str().unwrap().to_owned()
    }

    /// Starts a restore, in place or into a folder. Returns the id of its job; `None` where this version cannot do that.
    pub fn start_restore(
        &self,
        backup: &str,
        what: &What,
        folder: Option<&Path>,
    ) -> Option<String> {
        let what = match what {
            What::Library => json!("library"),
            What::Source(id) => json!({ "source": id }),
        };
        let body = json!({"what": what, "folder": folder}).to_string();
        let path = format!("/holdfast/backups/{backup}/restore");
        let (status, text) = self.service.call("POST", &path, Some(body));
        if status == 404 && text.contains("no such call") {
            return None;
        }
        assert!((200..300).contains(&status), "{path}: {status} {text}");
        Some(id_in(&text))
    }

    pub fn restore(&self, backup: &str, what: &What, folder: Option<&Path>) -> Option<()> {
        match self.start_restore(backup, what, folder) {
            Some(job) => self.completed(&job),
            // The call of the Backup API, which older versions have alone, answers at the end.
            None if folder.is_none() => {
                self.service
                    .ok("POST", &format!("/backup/{backup}/restore"), None);
            }
            None => return None,
        }
        Some(())
    }

    pub fn rehearse(&self, backup: &str) {
        let body = json!({"backup": backup, "depth": "rehearsal"}).to_string();
        let job = self.service.ok("POST", "/holdfast/verify", Some(body));
        self.completed(&id_in(&job));
    }

    pub fn undo(&self) {
        let job = self.service.ok("POST", "/holdfast/undo", None);
        self.completed(&id_in(&job));
    }

    /// Waits for the end of a job, which must be a good one.
    fn completed(&self, job: &str) {
        let end = self.watch(job, |_| {});
        assert_eq!(end.state, "completed", "{}", self.job_text(job));
    }

    /// Starts a backup, and returns the id of its job.
    pub fn start_backup(&self) -> String {
        // The answer goes on for as long as the job does; the jobs tell more.
        self.service.begin("/backups/create/streamed");
        self.newest_job()
    }

    /// Starts the restore of the library in place, which any version can.
    pub fn start_library_restore(&self, backup: &str) -> String {
        self.start_restore(backup, &What::Library, None)
            .unwrap_or_else(|| {
                self.service
                    .begin(&format!("/backup/{backup}/restore/streamed"));
                self.newest_job()
            })
    }

    fn newest_job(&self) -> String {
        let jobs: Value =
            serde_json::from_str(&self.service.ok("GET", "/holdfast/jobs", None)).unwrap();
        jobs[0]["id"].as_str().unwrap().to_owned()
    }

    /// Looks at a job every now and then until it is over, and shows each look to `seen`.
    pub fn watch(&self, id: &str, mut seen: impl FnMut(&Job)) -> Job {
        self.watch_until(id, |job| {
            seen(job);
            false
        })
    }

    /// Looks at a job every now and then, until it is as wanted or over.
    pub fn watch_until(&self, id: &str, mut wanted: impl FnMut(&Job) -> bool) -> Job {
        loop {
            let job = self.job(id);
            if wanted(&job) || job.is_over() {
                return job;
            }
            std::thread::sleep(LOOK);
        }
    }

    pub fn job(&self, id: &str) -> Job {
        let job: Value = serde_json::from_str(&self.job_text(id)).unwrap();
        let word = |key: &str| job[key].as_str().unwrap().to_owned();
        Job {
            phase: word("phase"),
            state: word("state"),
        }
    }

    fn job_text(&self, id: &str) -> String {
        self.service
            .ok("GET", &format!("/holdfast/jobs/{id}"), None)
    }

    /// Asks to cancel a job. One that has ended refuses; what came of it is seen from its end.
    pub fn cancel(&self, id: &str) {
        let job: Value = serde_json::from_str(&self.job_text(id)).unwrap();
        let (backup, kind) = (
            job["backup"].as_str().unwrap(),
            job["kind"].as_str().unwrap(),
        );
        self.service
            .call("POST", &format!("/backup/{backup}/{kind}/cancel"), None);
    }

    /// Status and size of the answer to `GET /backups`, and how many backups are in it.
    pub fn list(&self) -> (u16, usize, usize) {
        let (status, text) = self.service.call("GET", "/backups", None);
        let list: Value = serde_json::from_str(&text).unwrap_or_default();
        let count = list["iterable"].as_array().map_or(0, Vec::len);
        (status, text.len(), count)
    }

    pub fn destination(&self) -> PathBuf {
        self.destination.clone()
    }

    /// Runs one step, and returns the most memory that the service had during it.
    pub fn peak_memory<T>(&self, step: impl FnOnce() -> T) -> (u64, T) {
        self.service.peak_memory(step)
    }

    /// Ends the service as a user would, so that the library rests in one file.
    pub fn stop(self) {
        self.service.stop();
    }
}

fn id_in(job: &str) -> String {
    let job: Value = serde_json::from_str(job).unwrap();
    job["id"].as_str().unwrap().to_owned()
}
