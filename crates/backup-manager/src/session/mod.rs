//! One service after another: connects, follows what the service says, and connects again after a while when it goes.

mod overview;
mod plain;

use std::sync::Arc;
use std::time::Duration;

use backup_api::Problem;
use tokio::sync::Notify;

use crate::api::{Api, Connector, Service};
use crate::desk::{Desk, OVERVIEW};

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
        let connected = tokio::select! {
            (problem, connected) = session(&desk, connector.as_ref()) => {
                tracing::info!(problem = %problem.message, "there is no connection to the service");
                desk.lose(problem);
                connected
            }
            () = again.0.notified() => {
                wait = desk.timings.first_retry;
                continue;
            }
        };
        if connected {
            wait = desk.timings.first_retry;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(desk.timings.longest_retry),
            () = again.0.notified() => wait = desk.timings.first_retry,
        }
    }
}

/// Ends with why it ended, and whether the service had been there.
async fn session(desk: &Desk, connector: &dyn Connector) -> (Problem, bool) {
    let target = desk.read(|state| state.target().clone());
    let opened = async {
        let service = connector.open(&target).await?;
        let capabilities = service.api.capabilities().await?;
        Ok((service, capabilities))
    };
    let (service, capabilities) = match opened.await {
        Ok(opened) => opened,
        Err(problem) => return (problem, false),
    };
    let Service { api, name, address } = service;
    desk.change(|state| state.found(name, address));
    desk.use_api(Some(api.clone()));
    let extended = capabilities
        .as_ref()
        .is_some_and(|it| it.features.iter().any(|feature| feature == OVERVIEW));
    let problem = if extended {
        overview::follow(desk, api.as_ref(), capabilities).await
    } else {
        plain::follow(desk, &api, capabilities).await
    };
    (problem, true)
}

/// Whether the service still answers. One miss is forgiven: it may be busy.
struct Pulse {
    missed: bool,
    limit: Duration,
}

impl Pulse {
    fn new(desk: &Desk) -> Self {
        let limit = desk.timings.tick * 2;
        Self {
            missed: false,
            limit,
        }
    }

    async fn check(&mut self, api: &dyn Api) -> Result<(), Problem> {
        let answer = tokio::time::timeout(self.limit, api.check()).await;
        let answer = answer.unwrap_or_else(|_| Err(crate::problem::silent(self.limit)));
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
