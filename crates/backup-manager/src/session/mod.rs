//! One service after another: connects, follows what the service says, and connects again after a while when it goes.

mod overview;
mod plain;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backup_api::Problem;
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior};

use crate::api::{Api, Connector, Service};
use crate::desk::Desk;
use crate::line::Line;
use crate::{Target, problem};

/// Asks the session to begin anew: another target was chosen, or somebody does not want to wait.
#[derive(Default)]
pub(crate) struct Again(Notify);

impl Again {
    pub(crate) fn ask(&self) {
        self.0.notify_one();
    }
}

/// Runs for ever.
pub(crate) async fn run(desk: Arc<Desk>, connector: Arc<dyn Connector>, again: Arc<Again>) {
    let mut wait = desk.timings.first_retry;
    loop {
        let lasted = tokio::select! {
            lasted = session(&desk, connector.as_ref()) => lasted,
            () = again.0.notified() => {
                wait = desk.timings.first_retry;
                continue;
            }
        };
        if lasted {
            wait = desk.timings.first_retry;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(desk.timings.longest_retry),
            () = again.0.notified() => wait = desk.timings.first_retry,
        }
    }
}

/// Ends when there is no connection. Says whether there had been one for a while: a service that always goes at once is
/// no better than one that is not there.
async fn session(desk: &Arc<Desk>, connector: &dyn Connector) -> bool {
    let start = Instant::now();
    let (target, line) = desk.target();
    let problem = connect_and_follow(&target, &line, connector).await;
    tracing::info!(problem = %problem.message, "there is no connection to the service");
    let connected = line.read(|state| state.is_connected()).unwrap_or(false);
    line.lose(problem);
    connected && start.elapsed() >= desk.timings.tick
}

/// Ends with why there is no connection.
async fn connect_and_follow(target: &Target, line: &Line, connector: &dyn Connector) -> Problem {
    let opened = async {
        let service = connector.open(target).await?;
        let capabilities = service.api.capabilities().await?;
        Ok((service, capabilities))
    };
    let (service, capabilities) = match opened.await {
        Ok(opened) => opened,
        Err(problem) => return problem,
    };
    let Service { api, name, address } = service;
    let features = capabilities.map(|it| it.features).unwrap_or_default();
    line.found(api.clone(), (name, address), features);
    match line.read(|state| state.is_plain()) {
        Some(false) => overview::follow(line, api.as_ref()).await,
        Some(true) => plain::follow(line, &api).await,
        // Another target was chosen, which ends this at once.
        None => problem::closed(),
    }
}

/// At most so often, also after something took long.
fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Whether the service still answers. One miss is forgiven: it may be busy.
struct Pulse {
    heard: bool,
    missed: bool,
    limit: Duration,
}

impl Pulse {
    fn new(desk: &Desk) -> Self {
        Self {
            heard: false,
            missed: false,
            limit: desk.timings.tick * 2,
        }
    }

    /// It spoke, so it need not be asked for a while whether it is there.
    fn heard(&mut self) {
        self.heard = true;
        self.missed = false;
    }

    async fn check(&mut self, api: &dyn Api) -> Result<(), Problem> {
        if std::mem::take(&mut self.heard) {
            return Ok(());
        }
        let answer = tokio::time::timeout(self.limit, api.check()).await;
        let answer = answer.unwrap_or_else(|_| Err(problem::silent(self.limit)));
        match answer {
            Ok(()) => self.missed = false,
            Err(problem) if self.missed => return Err(problem),
            Err(problem) => {
                tracing::debug!(problem = %problem.message, "the service missed a beat");
                self.missed = true;
            }
        }
        Ok(())
    }
}
