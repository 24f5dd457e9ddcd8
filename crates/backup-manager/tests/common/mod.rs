//! A service that a test scripts: its streams are channels of the test, its other answers are set beforehand, and any
//! call can be held until the test lets it go. A manager over such services is in `desk.rs`.
#![allow(dead_code, unused_imports)]

mod desk;
mod extensions;
pub mod samples;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backup_api::*;
use backup_manager::{Answer, Api, Timings, Updates};
use futures::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;

pub use desk::*;
use samples::problem;

/// Long enough for a busy machine; no test waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// So long that no test lives to see it.
pub const NEVER: Duration = Duration::from_secs(3600);

/// Quick, and nothing happens by itself but ticks.
pub fn timings() -> Timings {
    Timings {
        publish: Duration::from_millis(1),
        tick: Duration::from_millis(20),
        relist: NEVER,
        first_retry: Duration::from_millis(5),
        longest_retry: Duration::from_millis(20),
        stall: NEVER,
        start: PATIENCE,
    }
}

/// What comes, before patience ends.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, what).await;
    came.expect("what a test waits for does not come")
}

/// The test's end of a stream that the manager has opened. Dropping it ends the stream.
pub type Feed<T> = mpsc::UnboundedSender<Result<T, Problem>>;

/// The streams of one kind, in the order in which the manager opens them.
pub struct Feeds<T> {
    opened: mpsc::UnboundedSender<Feed<T>>,
    ready: tokio::sync::Mutex<mpsc::UnboundedReceiver<Feed<T>>>,
}

impl<T: Send + 'static> Feeds<T> {
    fn new() -> Self {
        let (opened, ready) = mpsc::unbounded_channel();
        let ready = tokio::sync::Mutex::new(ready);
        Self { opened, ready }
    }

    fn open(&self) -> Updates<T> {
        let (feed, values) = mpsc::unbounded_channel();
        self.opened.send(feed).unwrap();
        UnboundedReceiverStream::new(values).boxed()
    }

    /// The next one that is opened.
    pub async fn next(&self) -> Feed<T> {
        soon(async { self.ready.lock().await.recv().await.unwrap() }).await
    }
}

/// What the scripted service answers.
pub struct Answers {
    pub check: Result<(), Problem>,
    pub capabilities: Result<Option<Capabilities>, Problem>,
    pub backups: Result<Vec<Backup>, Problem>,
    pub details: Result<Vec<BackupDetails>, Problem>,
    pub preview: Result<Preview, Problem>,
    pub status: Result<Option<(Status, f64)>, Problem>,
    pub cancel: Result<(), Problem>,
    pub undo: Result<Job, Problem>,
}

pub struct Fake {
    pub answers: Mutex<Answers>,
    pub overviews: Feeds<Overview>,
    pub progress: Feeds<BackupsStreamedProgress>,
    pub creations: Feeds<BackupStreamedProgress>,
    pub restorations: Feeds<BackupStreamedProgress>,
    calls: watch::Sender<Vec<&'static str>>,
    held: watch::Sender<HashSet<&'static str>>,
}

impl Fake {
    fn new(features: Option<&[&str]>) -> Arc<Self> {
        let capabilities = features.map(|features| Capabilities {
            service: "holdfast".into(),
            version: "0.1.0".into(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
        });
        let answers = Answers {
            check: Ok(()),
            capabilities: Ok(capabilities),
            backups: Ok(Vec::new()),
            details: Ok(Vec::new()),
            preview: Ok(samples::preview("b1")),
            // Until a test says how a job stands, that cannot be asked.
            status: Err(problem("refused")),
            cancel: Ok(()),
            undo: Ok(samples::job("u", JobKind::Undo, JobState::Completed)),
        };
        Arc::new(Self {
            answers: Mutex::new(answers),
            overviews: Feeds::new(),
            progress: Feeds::new(),
            creations: Feeds::new(),
            restorations: Feeds::new(),
            calls: watch::Sender::default(),
            held: watch::Sender::default(),
        })
    }

    /// A service with all extensions.
    pub fn extended() -> Arc<Self> {
        Self::new(Some(&[
            "overview",
            "details",
            "preview",
            "undo",
            "undelete",
            "sources",
            "browse",
            "compare",
            "verify",
            "restore-parts",
        ]))
    }

    /// A service with none of them.
    pub fn plain() -> Arc<Self> {
        Self::new(None)
    }

    pub fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// How often this call was made.
    pub fn count(&self, call: &str) -> usize {
        self.calls
            .borrow()
            .iter()
            .filter(|&&made| made == call)
            .count()
    }

    /// Returns when this call was made so often.
    pub async fn called(&self, call: &str, times: usize) {
        let mut calls = self.calls.subscribe();
        let enough = |made: &Vec<&str>| made.iter().filter(|&&it| it == call).count() >= times;
        soon(calls.wait_for(|made| enough(made))).await.unwrap();
    }

    /// From now on this call gets no answer.
    pub fn hold(&self, call: &'static str) {
        self.held.send_modify(|held| _ = held.insert(call));
    }

    pub fn let_go(&self, call: &'static str) {
        self.held.send_modify(|held| _ = held.remove(call));
    }

    fn note(&self, call: &'static str) {
        self.calls.send_modify(|calls| calls.push(call));
    }

    fn answer<T: Send + 'static>(
        &self,
        call: &'static str,
        pick: impl FnOnce(&Answers) -> Result<T, Problem> + Send + 'static,
    ) -> Answer<'_, T> {
        self.note(call);
        let mut held = self.held.subscribe();
        Box::pin(async move {
            held.wait_for(|held| !held.contains(call)).await.unwrap();
            pick(&self.answers.lock().unwrap())
        })
    }
}

impl Api for Fake {
    fn check(&self) -> Answer<'_, ()> {
        self.answer("check", |it| it.check.clone())
    }

    fn version(&self) -> Answer<'_, String> {
        self.answer("version", |_| Ok("0.1.0".into()))
    }

    fn capabilities(&self) -> Answer<'_, Option<Capabilities>> {
        self.answer("capabilities", |it| it.capabilities.clone())
    }

    fn watch_overview(&self) -> Updates<Overview> {
        self.note("watch_overview");
        self.overviews.open()
    }

    fn backups(&self) -> Answer<'_, Vec<Backup>> {
        self.answer("backups", |it| it.backups.clone())
    }

    fn details(&self) -> Answer<'_, Vec<BackupDetails>> {
        self.answer("details", |it| it.details.clone())
    }

    fn preview<'a>(&'a self, _: &'a str) -> Answer<'a, Preview> {
        self.answer("preview", |it| it.preview.clone())
    }

    fn create(&self) -> Updates<BackupStreamedProgress> {
        self.note("create");
        self.creations.open()
    }

    fn restore(&self, _: &str) -> Updates<BackupStreamedProgress> {
        self.note("restore");
        self.restorations.open()
    }

    fn watch_progress(&self) -> Updates<BackupsStreamedProgress> {
        self.note("watch_progress");
        self.progress.open()
    }

    fn status<'a>(&'a self, _: JobKind, backup: &'a str) -> Answer<'a, Option<BackupStatus>> {
        let id = backup.to_owned();
        self.answer("status", move |it| {
            let status = it.status.clone()?;
            Ok(status.map(|(value, percentage)| BackupStatus {
                schema: None,
                backup: samples::backup(&id),
                value: Some(value),
                percentage: Some(percentage),
            }))
        })
    }

    fn cancel<'a>(&'a self, _: JobKind, _: &'a str) -> Answer<'a, ()> {
        self.answer("cancel", |it| it.cancel.clone())
    }

    fn delete<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        self.answer("delete", |_| Ok(()))
    }

    fn undelete<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        self.answer("undelete", |_| Ok(()))
    }

    fn give_passphrase(&self, passphrase: String) -> Answer<'_, ()> {
        self.answer("give_passphrase", move |_| match passphrase.as_str() {
            "right" => Ok(()),
            _ => Err(problem("wrong-passphrase")),
        })
    }

    fn undo(&self) -> Answer<'_, Job> {
        self.answer("undo", |it| it.undo.clone())
    }
}
