//! Jobs of a real service, followed to their end and cancelled on their way.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{JobKind, JobState, Status};
use backup_client::Canceled;
use common::*;
use futures::StreamExt;

/// Enough for a job to be met while it runs.
const ITEMS: u64 = 2_000;
const LENGTH: usize = 15_000;

#[tokio::test]
async fn a_creation_and_a_restore_are_followed_from_a_named_start_to_one_end() {
    let service = Service::start().await;
    service.fill(600, LENGTH);
    let client = service.client();
    let mut job = client.create_watched().await.unwrap();
    let steps = followed(&mut job).await;
    let made = assert_sound(&steps);
    assert_eq!(job.backup_id(), Some(made.id.as_str()));
    assert!(steps.len() > 2, "told only when it was over: {steps:?}");
    assert!(in_time(job.next()).await.is_none(), "an end is an end");
    let backup = client.backup(&made.id).await.unwrap();

    client.delete_asset("asset-000003").await.unwrap();
    let mut job = client.restore_watched(&made.id).await.unwrap();
    assert_eq!(job.backup_id(), Some(made.id.as_str()));
    assert_eq!(assert_sound(&followed(&mut job).await), backup);
    client.asset("asset-000003").await.unwrap();
    assert_eq!(client.jobs().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_running_creation_is_cancelled_and_nothing_of_it_is_left() {
    let service = Service::start().await;
    service.fill(ITEMS, LENGTH);
    let client = service.client();
    let mut job = client.create_watched().await.unwrap();
    let first = in_time(job.next()).await.unwrap().unwrap();
    let id = first.backup.unwrap().id;
    let canceled = in_time(client.cancel(JobKind::Creation, &id)).await;
    assert_eq!(canceled.unwrap(), Canceled::Yes);
    assert!(client.backups().await.unwrap().iterable.is_empty());
    let steps = followed(&mut job).await;
    assert_eq!(steps.last().unwrap().status, Some(Status::Canceled));
    let status = client.creation_status(&id).await.unwrap();
    assert_eq!(status.value, Some(Status::Canceled));
    assert!(status.percentage.unwrap() < 100.0);
    let again = client.cancel(JobKind::Creation, &id).await.unwrap();
    assert_eq!(again, Canceled::Yes, "it is cancelled, whoever asks");
    client.create().await.unwrap();
}

#[tokio::test]
async fn a_running_restore_is_cancelled_and_the_library_is_as_it_was() {
    let service = Service::start().await;
    service.fill(ITEMS, LENGTH);
    let client = service.client();
    let backup = client.create().await.unwrap();
    client.delete_asset("asset-000003").await.unwrap();
    let library = client.overview().await.unwrap().library;
    let mut job = client.restore_watched(&backup.id).await.unwrap();
    in_time(job.next()).await.unwrap().unwrap();
    let canceled = in_time(client.cancel(JobKind::Restoration, &backup.id)).await;
    assert_eq!(canceled.unwrap(), Canceled::Yes);
    assert_eq!(
        followed(&mut job).await.last().unwrap().status,
        Some(Status::Canceled)
    );
    let overview = client.overview().await.unwrap();
    assert_eq!((overview.library, overview.undo), (library, None));
    assert_eq!(overview.job.unwrap().state, JobState::Canceled);
}

#[tokio::test]
async fn a_call_that_waits_for_a_job_that_is_cancelled_says_so() {
    let service = Service::start().await;
    service.fill(ITEMS, LENGTH);
    let client = service.client();
    let (made, canceled) = tokio::join!(client.create(), async {
        let job = until_job(&client, |job| job.kind == JobKind::Creation).await;
        client.cancel(job.kind, &job.backup).await
    });
    assert_eq!(canceled.unwrap(), Canceled::Yes);
    assert_eq!(refusal(made), (500, "canceled".into()));
}

#[tokio::test]
async fn a_second_job_is_refused_while_one_runs() {
    let service = Service::start().await;
    service.fill(ITEMS, LENGTH);
    let client = service.client();
    let mut job = client.create_watched().await.unwrap();
    let first = in_time(job.next()).await.unwrap().unwrap();
    let refused = client.create_watched().await.map(drop);
    let error = refused.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(500), "busy"));
    assert!(error.message().contains(&first.backup.unwrap().id));
    followed(&mut job).await;
    assert_eq!(client.jobs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_watches_all_jobs_sees_each_of_them_end() {
    let service = Service::start().await;
    service.fill(600, LENGTH);
    let client = service.client();
    let mut all = Box::pin(client.watch_progress().await.unwrap());
    let idle = in_time(all.next()).await.unwrap().unwrap();
    assert_eq!(
        (idle.backups, idle.restorations),
        (Some(vec![]), Some(vec![]))
    );
    let mut steps = Vec::new();
    let made = tokio::join!(client.create(), async {
        while !steps.last().is_some_and(is_end) {
            let now = in_time(all.next()).await.unwrap().unwrap();
            steps.extend(now.backups.unwrap());
        }
    })
    .0
    .unwrap();
    assert_eq!(assert_sound(&steps).id, made.id);
    steps.clear();
    let restored = tokio::join!(client.restore(&made.id), async {
        while !steps.last().is_some_and(is_end) {
            let now = in_time(all.next()).await.unwrap().unwrap();
            steps.extend(now.restorations.unwrap());
        }
    })
    .0;
    assert_eq!(restored.unwrap(), made);
    assert_eq!(assert_sound(&steps).id, made.id);
}

fn is_end(step: &backup_api::BackupStreamedProgress) -> bool {
    step.status.is_some_and(Status::is_terminal)
}
