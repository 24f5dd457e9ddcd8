//! What the manager's tasks share: the state, and every way in which a change of it leaves the crate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::line::Line;
use crate::notices::Notices;
use crate::state::State;
use crate::{Notice, Target, View};

/// How long things may take, and how often they are done.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Between two views.
    pub publish: Duration,
    /// How often the service and a job that is silent are looked after.
    pub tick: Duration,
    /// How often the list of a service without the extensions is read without being told of a change.
    pub relist: Duration,
    /// The first wait before connecting again; it doubles.
    pub first_retry: Duration,
    pub longest_retry: Duration,
    /// A job that has not got on for so long is worth a word.
    pub stall: Duration,
    /// How long a start may take to be heard of.
    pub start: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            publish: Duration::from_millis(100),
            tick: Duration::from_secs(5),
            relist: Duration::from_secs(60),
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            start: Duration::from_secs(30),
        }
    }
}

pub(crate) struct Desk {
    inner: Mutex<Inner>,
    views: watch::Sender<View>,
    out: mpsc::UnboundedSender<Notice>,
    watched: AtomicBool,
    /// Raised when the list of backups may have changed and only asking tells.
    pub(crate) relist: Notify,
    /// Cancelled when the manager has gone.
    pub(crate) gone: CancellationToken,
    pub(crate) timings: Timings,
}

pub(crate) struct Inner {
    pub(crate) state: State,
    notices: Notices,
    pub(crate) api: Option<Arc<dyn Api>>,
    /// Another number for every target, so that late news of one is not taken for news of the next.
    pub(crate) epoch: u64,
}

impl Desk {
    pub(crate) fn new(
        target: Target,
        timings: Timings,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Notice>) {
        let mut state = State::new(target.clone(), "");
        state.change_target(target);
        let view = state.view((Utc::now(), Instant::now()), timings.stall);
        let (out, notices) = mpsc::unbounded_channel();
        let inner = Inner {
            state,
            notices: Notices::default(),
            api: None,
            epoch: 0,
        };
        let desk = Self {
            inner: Mutex::new(inner),
            views: watch::Sender::new(view),
            out,
            watched: AtomicBool::new(false),
            relist: Notify::new(),
            gone: CancellationToken::new(),
            timings,
        };
        (Arc::new(desk), notices)
    }

    pub(crate) fn views(&self) -> watch::Receiver<View> {
        self.views.subscribe()
    }

    /// Whether somebody looks at the window.
    pub(crate) fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    pub(crate) fn notify(&self, notice: Notice) {
        if self.out.send(notice).is_err() {
            tracing::debug!("nobody listens to notices any more");
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock().state)
    }

    /// Changes the state and tells everybody what follows from it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut inner = self.lock();
        change(&mut inner.state);
        self.publish(&inner);
    }

    /// What was seen of jobs can be worth a notice.
    pub(crate) fn seen(&self, inner: &mut Inner) {
        let Inner { state, notices, .. } = inner;
        let watched = self.watched.load(Ordering::Relaxed);
        if let Some(notice) = notices.observe(state.moment(watched)) {
            self.notify(notice);
        }
    }

    /// Time has gone by, which a summary may tell.
    pub(crate) fn tick(&self) {
        self.publish(&self.lock());
    }

    pub(crate) fn choose(&self, target: Target) {
        let mut inner = self.lock();
        inner.api = None;
        inner.epoch += 1;
        inner.notices.forget();
        inner.state.change_target(target);
        self.publish(&inner);
    }

    /// The target, and the way in which the service there is heard.
    pub(crate) fn target(self: &Arc<Self>) -> (Target, Line) {
        let inner = self.lock();
        let line = Line::new(self.clone(), inner.epoch);
        (inner.state.target().clone(), line)
    }

    /// The service that is talked to, if there is a connection.
    pub(crate) fn service(self: &Arc<Self>) -> Option<(Arc<dyn Api>, Line)> {
        let inner = self.lock();
        let api = inner.api.clone()?;
        Some((api, Line::new(self.clone(), inner.epoch)))
    }

    pub(crate) fn publish(&self, inner: &Inner) {
        let now = (Utc::now(), Instant::now());
        let view = inner.state.view(now, self.timings.stall);
        self.views.send_if_modified(|shown| {
            let changed = *shown != view;
            if changed {
                *shown = view;
            }
            changed
        });
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
