//! What the manager's tasks share: the state, and every way in which a change of it leaves the crate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backup_api::{BackupStreamedProgress, Job, JobKind, Overview, Problem};
use chrono::Utc;
use tokio::sync::{Notify, mpsc, watch};

use crate::api::Api;
use crate::notices::Notices;
use crate::state::State;
use crate::{Notice, Target, View, plain};

/// The extension without which a service is followed through the plain API alone.
pub(crate) const OVERVIEW: &str = "overview";

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
    pub(crate) timings: Timings,
}

struct Inner {
    state: State,
    notices: Notices,
    api: Option<Arc<dyn Api>>,
    /// Another number for every target, so that late news of one is not taken for news of the next.
    epoch: u64,
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

    /// The same for what is seen of jobs: it can be worth a notice.
    fn observe(&self, change: impl FnOnce(&mut State)) {
        let mut inner = self.lock();
        let Inner { state, notices, .. } = &mut *inner;
        change(state);
        let watched = self.watched.load(Ordering::Relaxed);
        let notice = notices.observe(state.moment(watched));
        self.publish(&inner);
        drop(inner);
        if let Some(notice) = notice {
            self.notify(notice);
        }
    }

    /// Time has gone by, which a summary may tell.
    pub(crate) fn tick(&self) {
        self.publish(&self.lock());
    }

    pub(crate) fn overview(&self, overview: Overview) {
        self.observe(|state| state.overview(overview, Instant::now()));
    }

    /// Nothing runs and nothing has run, as far as this service of the plain API tells.
    pub(crate) fn acquaint(&self) {
        self.observe(|_| ());
    }

    /// What a service of the plain API says of a job. Says whether it was news.
    pub(crate) fn report(&self, kind: JobKind, report: &BackupStreamedProgress) -> bool {
        let mut news = false;
        self.observe(|state| {
            let job = plain::reported(state.job.as_ref(), kind, report, Utc::now());
            if let Some(job) = job {
                news = true;
                state.set_job(Some(job), Instant::now());
            }
        });
        news
    }

    pub(crate) fn set_job(&self, job: Job) {
        self.observe(|state| state.set_job(Some(job), Instant::now()));
    }

    pub(crate) fn choose(&self, target: Target) {
        let mut inner = self.lock();
        inner.api = None;
        inner.epoch += 1;
        inner.notices.forget();
        inner.state.change_target(target);
        self.publish(&inner);
    }

    pub(crate) fn use_api(&self, api: Option<Arc<dyn Api>>) {
        self.lock().api = api;
    }

    pub(crate) fn api(&self) -> Option<Arc<dyn Api>> {
        self.lock().api.clone()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Whether jobs have to be made up from what the plain API says.
    pub(crate) fn is_plain(&self) -> bool {
        self.read(|state| !state.offers(OVERVIEW))
    }

    pub(crate) fn running_job(&self) -> Option<Job> {
        let job = self.read(|state| state.job.clone());
        job.filter(|job| !job.state.is_terminal())
    }

    pub(crate) fn lose(&self, problem: Problem) {
        self.use_api(None);
        self.change(|state| state.lost(problem));
    }

    fn publish(&self, inner: &Inner) {
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
