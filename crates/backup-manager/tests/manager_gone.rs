//! Jobs of a service with the extensions that nobody reports on any more: it has been started again meanwhile, or the next
//! one was too quick.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{JobKind, JobState, Overview};
use backup_manager::NoticeKind;
use chrono::TimeDelta;
use common::samples::{creation, details, job, noon, overview};
use common::{Fake, connected, timings};

#[tokio::test]
async fn a_job_that_its_service_took_with_it_has_failed_and_is_told() {
    for (kind, told) in [
        (JobKind::Creation, NoticeKind::BackupFailed),
        (JobKind::Restoration, NoticeKind::RestoreFailed),
    ] {
        let fake = Fake::extended();
        let (mut desk, overviews) = connected(&fake, timings()).await;
        let running = overview(Some(job("b1", kind, JobState::Running)));
        overviews.send(Ok(running)).unwrap();
        desk.job(JobState::Running).await;
        drop(overviews);
        let overviews = fake.overviews.next().await;
        overviews.send(Ok(overview(None))).unwrap();
        let ended = desk.job(JobState::Failed).await;
        assert_eq!(ended.problem.unwrap().code, "unknown-end");
        assert_eq!(desk.notice().await.subject.kind, told);
        // It stays, until another job begins.
        let said = Overview {
            backups: Some(7),
            ..overview(None)
        };
        overviews.send(Ok(said)).unwrap();
        let view = desk.shows(|view| view.backups_count == Some(7)).await;
        assert_eq!(view.job.unwrap().state, JobState::Failed);
    }
}

#[tokio::test]
async fn a_job_of_the_next_service_that_has_the_same_number_is_another_one() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let running = overview(Some(creation("b1", JobState::Running)));
    overviews.send(Ok(running)).unwrap();
    desk.job(JobState::Running).await;
    drop(overviews);
    let mut next = creation("b2", JobState::Running);
    next.id = "job-b1".into();
    next.started = noon() + TimeDelta::minutes(1);
    let overviews = fake.overviews.next().await;
    overviews.send(Ok(overview(Some(next)))).unwrap();
    let notice = desk.notice().await;
    assert_eq!(notice.subject.kind, NoticeKind::BackupFailed);
    assert_eq!(notice.subject.backup.as_deref(), Some("b1"));
    desk.shows(|view| view.job.as_ref().is_some_and(|job| job.backup == "b2"))
        .await;
}

#[tokio::test]
async fn a_backup_that_is_listed_was_made_although_nobody_said_so() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let running = overview(Some(creation("b1", JobState::Running)));
    overviews.send(Ok(running)).unwrap();
    desk.job(JobState::Running).await;
    drop(overviews);
    let overviews = fake.overviews.next().await;
    let said = Overview {
        last_backup: Some(details("b1")),
        ..overview(None)
    };
    overviews.send(Ok(said)).unwrap();
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::BackupDone);
    desk.job(JobState::Completed).await;
}
