//! A manager over scripted services, and the ways to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use backup_api::*;
use backup_manager::{
    Answer, Connector, FoundService, Manager, Notice, Service, Target, Timings, View,
};
use tokio::sync::{mpsc, watch};

use super::samples::{self, problem};
use super::{Fake, Feed, PATIENCE, soon};

/// Leads to the services that a test puts at addresses. Where there is none, there is nothing to talk to.
#[derive(Default)]
pub struct Roads {
    services: Mutex<HashMap<String, Arc<Fake>>>,
    tries: watch::Sender<Vec<Instant>>,
    held: watch::Sender<bool>,
}

impl Roads {
    pub fn put(&self, at: &str, fake: &Arc<Fake>) {
        self.services
            .lock()
            .unwrap()
            .insert(at.into(), fake.clone());
    }

    pub fn take_away(&self, at: &str) {
        self.services.lock().unwrap().remove(at);
    }

    /// From now on nobody arrives, and nobody is sent back.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// Returns when it was tried so often; says when.
    pub async fn tried(&self, times: usize) -> Vec<Instant> {
        let mut tries = self.tries.subscribe();
        let tried = soon(tries.wait_for(|tries| tries.len() >= times)).await;
        tried.unwrap().clone()
    }
}

/// `bad` is no address of a service.
impl Connector for Roads {
    fn accepts(&self, target: &Target) -> Result<(), Problem> {
        match key(target) {
            "bad" => Err(problem("bad-address")),
            _ => Ok(()),
        }
    }

    fn open<'a>(&'a self, target: &'a Target) -> Answer<'a, Service> {
        self.tries.send_modify(|tries| tries.push(Instant::now()));
        let mut held = self.held.subscribe();
        Box::pin(async move {
            held.wait_for(|held| !held).await.unwrap();
            let address = key(target).to_owned();
            let found = self.services.lock().unwrap().get(&address).cloned();
            let api = found.ok_or_else(|| problem("unreachable"))?;
            let name = format!("The service at {address}");
            Ok(Service { api, name, address })
        })
    }

    fn find(&self) -> Answer<'_, Vec<FoundService>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn key(target: &Target) -> &str {
    match target {
        Target::Embedded => "embedded",
        Target::Address { address } => address,
    }
}

pub fn at(address: &str) -> Target {
    let address = address.to_owned();
    Target::Address { address }
}

/// A manager and all that comes out of it.
pub struct Desk {
    pub manager: Manager,
    pub notices: mpsc::UnboundedReceiver<Notice>,
    pub views: watch::Receiver<View>,
    pub roads: Arc<Roads>,
}

impl Desk {
    /// A manager that talks to this service first.
    pub fn over(fake: &Arc<Fake>, timings: Timings) -> Self {
        let roads = Arc::new(Roads::default());
        roads.put("embedded", fake);
        Self::on(roads, timings)
    }

    pub fn on(roads: Arc<Roads>, timings: Timings) -> Self {
        let (manager, notices) = Manager::start(roads.clone(), Target::Embedded, timings);
        let views = manager.view();
        Self {
            manager,
            notices,
            views,
            roads,
        }
    }

    /// The first view of which this is true.
    pub async fn shows(&mut self, wanted: impl FnMut(&View) -> bool) -> View {
        let shown = tokio::time::timeout(PATIENCE, self.views.wait_for(wanted)).await;
        match shown {
            Ok(view) => view.unwrap().clone(),
            Err(_) => panic!(
                "not shown; what is shown: {:#?}",
                self.manager.view().borrow()
            ),
        }
    }

    /// The job, as soon as it is in this state.
    pub async fn job(&mut self, state: JobState) -> Job {
        let is = |job: &Job| job.state == state;
        let view = self.shows(|view| view.job.as_ref().is_some_and(is)).await;
        view.job.unwrap()
    }

    pub async fn connected(&mut self) -> View {
        self.shows(View::is_connected).await
    }

    pub async fn notice(&mut self) -> Notice {
        soon(self.notices.recv()).await.unwrap()
    }
}

/// A manager that is connected to this service with the extensions, and the feed of its overviews.
pub async fn connected(fake: &Arc<Fake>, timings: Timings) -> (Desk, Feed<Overview>) {
    let mut desk = Desk::over(fake, timings);
    let overviews = fake.overviews.next().await;
    overviews.send(Ok(samples::overview(None))).unwrap();
    desk.connected().await;
    (desk, overviews)
}

/// The same for a service without the extensions, and the feed of what runs there.
pub async fn connected_plain(
    fake: &Arc<Fake>,
    timings: Timings,
) -> (Desk, Feed<BackupsStreamedProgress>) {
    let mut desk = Desk::over(fake, timings);
    let progress = fake.progress.next().await;
    desk.connected().await;
    (desk, progress)
}
