//! How the end of a job comes to be known of a service without the extensions: it vanishes, makes way, breaks off, or is
//! cancelled.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Backup, JobKind, JobState, Status};
use backup_manager::{NoticeKind, Timings};
use common::samples::{creations, nth, problem, restorations, step};
use common::{Fake, PATIENCE, connected_plain, soon, timings};

/// A job runs, is then no longer mentioned, and the service says this of it when it is asked.
async fn vanished(
    kind: JobKind,
    status: Option<(Status, f64)>,
    listed: Vec<Backup>,
) -> backup_api::Job {
    let fake = Fake::plain();
    // Only a job that is no longer mentioned is asked for.
    let timings = Timings {
        tick: PATIENCE,
        ..timings()
    };
    let (mut desk, progress) = connected_plain(&fake, timings).await;
    let all = |steps: &[_]| match kind {
        JobKind::Creation => creations(steps),
        _ => restorations(steps),
    };
    let running = step("b1", Status::InProgress, 50.0);
    progress.send(Ok(all(&[running]))).unwrap();
    desk.job(JobState::Running).await;
    fake.set(|answers| {
        answers.status = Ok(status);
        answers.backups = Ok(listed);
    });
    progress.send(Ok(all(&[]))).unwrap();
    let ended = |job: &backup_api::Job| job.state.is_terminal();
    let view = desk
        .shows(|view| view.job.as_ref().is_some_and(ended))
        .await;
    assert_eq!(fake.count("status"), 1);
    view.job.unwrap()
}

#[tokio::test]
async fn a_job_that_vanishes_has_ended_as_its_status_says() {
    for (status, state) in [
        (Status::Completed, JobState::Completed),
        (Status::Failed, JobState::Failed),
        (Status::Canceled, JobState::Canceled),
    ] {
        let job = vanished(JobKind::Creation, Some((status, 50.0)), vec![]).await;
        assert_eq!(job.state, state);
    }
}

#[tokio::test]
async fn a_backup_that_vanishes_without_a_status_is_completed_if_it_is_in_the_list() {
    let job = vanished(JobKind::Creation, None, vec![nth(1)]).await;
    assert_eq!(job.state, JobState::Completed);
    let job = vanished(JobKind::Creation, None, vec![nth(2)]).await;
    assert_eq!(job.state, JobState::Failed);
}

#[tokio::test]
async fn a_restore_that_vanishes_without_a_status_is_not_shown_as_running_for_ever() {
    let job = vanished(JobKind::Restoration, None, vec![nth(1)]).await;
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.problem.unwrap().code, "unknown-end");
}

#[tokio::test]
async fn a_job_that_makes_way_for_another_has_ended_too() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    fake.set(|answers| answers.status = Err(problem("refused")));
    let all = creations(&[step("b1", Status::InProgress, 50.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    let all = creations(&[step("b2", Status::InProgress, 1.0)]);
    progress.send(Ok(all)).unwrap();
    let notice = desk.notice().await;
    assert_eq!(notice.subject.backup.unwrap(), "b1");
    let second = |view: &backup_manager::View| {
        let job = view.running_job();
        job.is_some_and(|job| job.backup == "b2")
    };
    desk.shows(second).await;
}

#[tokio::test]
async fn of_two_jobs_at_once_the_first_is_followed_to_its_end() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let mut first = None;
    for percentage in [10.0, 20.0, 30.0] {
        let both = backup_api::BackupsStreamedProgress {
            backups: Some(vec![step("b1", Status::InProgress, percentage)]),
            restorations: Some(vec![step("b9", Status::InProgress, percentage)]),
            schema: None,
        };
        progress.send(Ok(both)).unwrap();
        let so_far = |view: &backup_manager::View| {
            let job = view.job.as_ref();
            job.is_some_and(|job| job.progress.percentage == percentage)
        };
        let job = desk.shows(so_far).await.job.unwrap();
        assert_eq!(job.backup, "b1");
        assert_eq!(*first.get_or_insert(job.id.clone()), job.id);
    }
}

#[tokio::test]
async fn a_job_that_ran_when_the_connection_went_is_asked_for_when_it_is_back() {
    let fake = Fake::plain();
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 50.0))));
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let all = creations(&[step("b1", Status::InProgress, 50.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    fake.set(|answers| answers.check = Err(problem("unreachable")));
    desk.shows(|view| !view.is_connected()).await;
    fake.set(|answers| {
        answers.check = Ok(());
        answers.status = Ok(Some((Status::Completed, 100.0)));
    });
    // The channel says nothing any more.
    let _silent = fake.progress.next().await;
    desk.job(JobState::Completed).await;
}

#[tokio::test]
async fn a_call_that_breaks_off_says_that_the_end_is_not_known() {
    let fake = Fake::plain();
    let (mut desk, _progress) = connected_plain(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up().await });
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 5.0))).unwrap();
    soon(starting).await.unwrap().unwrap();
    call.send(Err(problem("broken-off"))).unwrap();
    drop(call);
    let job = desk.job(JobState::Failed).await;
    assert_eq!(job.problem.unwrap().code, "unknown-end");
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::BackupFailed);
}

#[tokio::test]
async fn a_cancel_waits_for_the_end_and_late_reports_do_not_revive_the_job() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let refused = desk.manager.cancel().await.unwrap_err();
    assert_eq!(refused.code, "nothing-to-cancel");
    let running = creations(&[step("b1", Status::InProgress, 5.0)]);
    progress.send(Ok(running.clone())).unwrap();
    desk.job(JobState::Running).await;
    fake.hold("cancel");
    let manager = desk.manager.clone();
    let cancelling = tokio::spawn(async move { manager.cancel().await });
    desk.job(JobState::Canceling).await;
    assert!(!cancelling.is_finished());
    fake.let_go("cancel");
    assert_eq!(soon(cancelling).await.unwrap(), Ok(()));
    let job = desk.job(JobState::Canceled).await;
    progress.send(Ok(running)).unwrap();
    for status in [Status::InProgress, Status::Completed] {
        let all = creations(&[step("b2", status, 50.0)]);
        progress.send(Ok(all)).unwrap();
    }
    // Neither the cancel nor a job that came back to life and had to make way is told.
    let notice = desk.notice().await;
    assert_eq!(notice.subject.backup.as_deref(), Some("b2"), "{notice:?}");
    let next = |view: &backup_manager::View| view.job.as_ref().unwrap().id != job.id;
    desk.shows(next).await;
}

#[tokio::test]
async fn a_cancel_that_came_too_late_is_no_failure() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let all = creations(&[step("b1", Status::InProgress, 99.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    fake.set(|answers| {
        answers.cancel = Err(problem("refused"));
        answers.status = Ok(Some((Status::Completed, 100.0)));
    });
    assert_eq!(desk.manager.cancel().await, Ok(()));
    desk.job(JobState::Completed).await;
}

#[tokio::test]
async fn a_cancel_that_came_too_late_is_no_failure_however_the_end_was_heard_of() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let says = |status| {
        let all = creations(&[step("b1", status, 99.0)]);
        progress.send(Ok(all)).unwrap();
    };
    says(Status::InProgress);
    desk.job(JobState::Running).await;
    fake.hold("cancel");
    fake.set(|answers| {
        answers.cancel = Err(problem("refused"));
        answers.status = Err(problem("refused"));
    });
    let manager = desk.manager.clone();
    let cancelling = tokio::spawn(async move { manager.cancel().await });
    fake.called("cancel", 1).await;
    says(Status::Completed);
    desk.job(JobState::Completed).await;
    fake.let_go("cancel");
    assert_eq!(soon(cancelling).await.unwrap(), Ok(()));
    assert!(desk.job(JobState::Completed).await.problem.is_none());
}

#[tokio::test]
async fn a_cancel_that_is_refused_leaves_the_job_running() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    fake.set(|answers| {
        answers.cancel = Err(problem("refused"));
        answers.status = Ok(Some((Status::InProgress, 50.0)));
    });
    let all = creations(&[step("b1", Status::InProgress, 50.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    fake.hold("cancel");
    let manager = desk.manager.clone();
    let cancelling = tokio::spawn(async move { manager.cancel().await });
    desk.job(JobState::Canceling).await;
    fake.let_go("cancel");
    assert_eq!(soon(cancelling).await.unwrap(), Err(problem("refused")));
    desk.job(JobState::Running).await;
}
