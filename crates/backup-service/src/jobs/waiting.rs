//! Telling for which program a job waits.

use std::convert::Infallible;

use backup_api::{Job, Phase};
use tokio::sync::watch;

/// Each time that the job begins to wait, asks for whom, and writes it down if it still does by then. Never returns.
pub(super) async fn name<F: Future<Output = Option<String>>>(
    snapshot: &watch::Sender<Job>,
    ask: impl Fn() -> F,
) -> Infallible {
    let mut jobs = snapshot.subscribe();
    let waits = |job: &Job| job.phase == Phase::Waiting;
    // The sender is held here, so these do not fail.
    while jobs
        .wait_for(|job| waits(job) && job.waits_for.is_none())
        .await
        .is_ok()
    {
        let named = ask().await;
        let nameless = named.is_none();
        snapshot.send_if_modified(|job| {
            let news = waits(job) && !nameless;
            if news {
                job.waits_for = named;
            }
            news
        });
        // It is not asked again and again for what nobody knows.
        if nameless && jobs.wait_for(|job| !waits(job)).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;
    use backup_api::JobKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn whoever_is_waited_for_is_asked_for_once_each_time_and_told_while_it_matters() {
        let snapshot = watch::Sender::new(trial::job(JobKind::Restoration));
        let asked = AtomicUsize::new(0);
        let naming = name(&snapshot, || {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            // The third time the program quits while it is asked for.
            if number == 2 {
                snapshot.send_modify(|job| job.phase = Phase::Committing);
            }
            std::future::ready(Some(format!("program {number}")))
        });
        let story = async {
            let mut jobs = snapshot.subscribe();
            for number in 0..2 {
                snapshot.send_modify(|job| job.phase = Phase::Waiting);
                let named = jobs.wait_for(|job| job.waits_for.is_some()).await.unwrap();
                let expected = format!("program {number}");
                assert_eq!(named.waits_for.as_deref(), Some(expected.as_str()));
                drop(named);
                snapshot.send_modify(|job| {
                    (job.phase, job.waits_for) = (Phase::Verifying, None);
                });
            }
            snapshot.send_modify(|job| job.phase = Phase::Waiting);
            let over = jobs.wait_for(|job| job.phase == Phase::Committing).await;
            assert_eq!(over.unwrap().waits_for, None);
        };
        tokio::select! {
            never = naming => match never {},
            () = story => (),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
}
