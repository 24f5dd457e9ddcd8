//! Waiting until no program has open what is to be replaced.

use std::thread;
use std::time::{Duration, Instant};

use super::Restore;
use super::request::Goals;
use crate::Error;
use crate::watch::Phase;

/// How often it is looked whether the program has quit.
const POLL: Duration = Duration::from_millis(500);
/// How often meanwhile whether the job was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

impl Restore<'_> {
    /// Returns whether there was anything to wait for. A cancel ends it as well.
    pub(super) fn wait(&self, goals: &Goals) -> Result<bool, Error> {
        let mut waited = false;
        while !self.watch.is_canceled()
            && let Some(program) = self.in_use_by(goals)?
        {
            if !waited {
                tracing::info!(program, "waiting for a program to quit");
                self.watch.enter(Phase::Waiting);
            }
            waited = true;
            let until = Instant::now() + POLL;
            while Instant::now() < until && !self.watch.is_canceled() {
                thread::sleep(GLANCE);
            }
        }
        Ok(waited)
    }

    pub(super) fn in_use_by(&self, goals: &Goals) -> Result<Option<String>, Error> {
        for target in &goals.targets {
            let user = (self.in_use)(&target.base.join(&target.top))?;
            if user.is_some() {
                return Ok(user);
            }
        }
        Ok(None)
    }
}
