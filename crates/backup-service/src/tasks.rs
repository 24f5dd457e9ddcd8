//! What the service has under way, counted: a stop returns only when all of it is over, because all of it holds the engine,
//! and with it the lock of the data folder.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// What a task holds as long as it may hold the engine.
pub(crate) type Counted = TaskTrackerToken;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    running: TaskTracker,
    /// Whoever only watches says goodbye.
    closing: CancellationToken,
    /// What has not ended by itself is dropped.
    cut: CancellationToken,
}

impl Tasks {
    /// Work that is dropped where the service does not wait for it any longer.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.running.spawn(async move {
            cut.run_until_cancelled(work).await;
        });
    }

    /// Work that is never dropped halfway.
    pub(crate) fn spawn_whole(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(work);
    }

    /// Work that blocks.
    pub(crate) fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.running.spawn_blocking(work)
    }

    /// For work that somebody else spawns, and that is to be wrapped in [`Tasks::unless_cut`].
    pub(crate) fn count(&self) -> Counted {
        self.running.token()
    }

    pub(crate) async fn unless_cut(&self, work: impl Future<Output = ()>) {
        self.cut.run_until_cancelled(work).await;
    }

    /// Returns once the service closes.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Lets everything end by itself, for so long. False: something has not.
    pub(crate) async fn close(&self, time: Duration) -> bool {
        self.closing.cancel();
        self.over_within(time).await
    }

    /// Drops what can be dropped, and waits so long for what cannot: calls into the engine. False: something goes on.
    pub(crate) async fn cut_off(&self, time: Duration) -> bool {
        self.cut.cancel();
        self.over_within(time).await
    }

    async fn over_within(&self, time: Duration) -> bool {
        self.running.close();
        tokio::time::timeout(time, self.running.wait())
            .await
            .is_ok()
    }
}
