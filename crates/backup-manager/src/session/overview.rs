//! Follows a service with the extensions: it says by itself whatever changes.

use std::time::Instant;

use backup_api::{Overview, Problem};
use chrono::Utc;
use futures::StreamExt;

use super::{Pulse, ticks};
use crate::api::Api;
use crate::line::Line;
use crate::problem;

/// Ends with why there is no connection any more.
pub(super) async fn follow(line: &Line, api: &dyn Api) -> Problem {
    let mut overviews = api.watch_overview();
    let mut ticks = ticks(line.desk().timings.tick);
    let mut pulse = Pulse::new(line.desk());
    let mut first = true;
    loop {
        tokio::select! {
            next = overviews.next() => match next {
                Some(Ok(overview)) => {
                    pulse.heard();
                    take(line, overview, std::mem::take(&mut first));
                }
                Some(Err(problem)) => return problem,
                None => return problem::closed(),
            },
            _ = ticks.tick() => {
                line.desk().tick();
                if let Err(problem) = pulse.check(api).await {
                    return problem;
                }
            }
        }
    }
}

/// There is no connection before the first of them: until then nothing is known.
fn take(line: &Line, overview: Overview, first: bool) {
    // An end of its own, before what comes after it.
    line.observe(|state| state.miss(&overview, Utc::now()));
    line.observe(|state| {
        let now = Instant::now();
        if first {
            state.connected(now);
        }
        state.overview(overview, now);
        true
    });
}
