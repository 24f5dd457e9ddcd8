//! The desk as one service reaches it. What it says after another one was chosen is dropped, which is looked up under
//! the same lock as what it would change.

use std::sync::Arc;

use backup_api::{Job, Problem, Status};
use chrono::Utc;

use crate::Notice;
use crate::api::Api;
use crate::desk::{Desk, Inner};
use crate::state::State;

#[derive(Clone)]
pub(crate) struct Line {
    desk: Arc<Desk>,
    epoch: u64,
}

impl Line {
    pub(crate) fn new(desk: Arc<Desk>, epoch: u64) -> Self {
        Self { desk, epoch }
    }

    /// For what belongs to no service.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        let mut inner = self.desk.lock();
        (inner.epoch == self.epoch).then(|| act(&mut inner))
    }

    /// `None`: another service was chosen.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Option<T> {
        self.with(|inner| look(&inner.state))
    }

    /// Changes the state and tells everybody what follows from it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        self.with(|inner| {
            change(&mut inner.state);
            self.desk.publish(inner);
        });
    }

    /// The same for what is seen of jobs, which can be worth a notice, if it says that it was news. Says so, too.
    pub(crate) fn observe(&self, change: impl FnOnce(&mut State) -> bool) -> bool {
        let news = self.with(|inner| {
            let news = change(&mut inner.state);
            if news {
                self.desk.seen(inner);
                self.desk.publish(inner);
            }
            news
        });
        news.unwrap_or(false)
    }

    /// The service is there and can be asked for something.
    pub(crate) fn found(
        &self,
        api: Arc<dyn Api>,
        (name, address): (String, String),
        features: Vec<String>,
    ) {
        self.with(|inner| {
            inner.api = Some(api);
            inner.state.found(name, address, features);
            self.desk.publish(inner);
        });
    }

    pub(crate) fn lose(&self, problem: Problem) {
        self.with(|inner| {
            inner.api = None;
            inner.state.lost(problem);
            self.desk.publish(inner);
        });
    }

    pub(crate) fn notify(&self, notice: Notice) {
        self.with(|_| self.desk.notify(notice));
    }

    pub(crate) fn running_job(&self) -> Option<Job> {
        self.read(|state| state.running_job().cloned()).flatten()
    }

    /// Ends this job of a service of the plain API, unless it has ended. Says whether that was news.
    pub(crate) fn end_job(&self, id: &str, status: Status, reason: Option<Problem>) -> bool {
        self.observe(|state| state.end_job(id, status, reason, Utc::now()))
    }
}
