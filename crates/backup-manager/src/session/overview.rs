//! Follows a service with the extensions: it says by itself whatever changes.

use backup_api::{Capabilities, Problem};
use futures::StreamExt;

use super::Pulse;
use crate::api::Api;
use crate::desk::Desk;
use crate::problem;

/// Ends with why there is no connection any more.
pub(super) async fn follow(
    desk: &Desk,
    api: &dyn Api,
    capabilities: Option<Capabilities>,
) -> Problem {
    let mut capabilities = Some(capabilities);
    let mut overviews = api.watch_overview();
    let mut ticks = tokio::time::interval(desk.timings.tick);
    let mut pulse = Pulse::new(desk);
    let mut heard = true;
    loop {
        tokio::select! {
            next = overviews.next() => match next {
                Some(Ok(overview)) => {
                    heard = true;
                    // Not before the first of them is there: until then nothing is known.
                    if let Some(capabilities) = capabilities.take() {
                        desk.change(|state| state.connected(capabilities));
                    }
                    desk.overview(overview);
                }
                Some(Err(problem)) => return problem,
                None => return problem::closed(),
            },
            _ = ticks.tick() => {
                desk.tick();
                // A service that has just spoken need not be asked whether it is there.
                if !std::mem::take(&mut heard)
                    && let Err(problem) = pulse.check(api).await
                {
                    return problem;
                }
            }
        }
    }
}
