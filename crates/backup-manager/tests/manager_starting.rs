//! Asking a service for something: what is answered, how soon, and what becomes of it when nobody waits any more.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use backup_api::{JobKind, JobState, Problem, Status};
use backup_manager::{Button, Manager, NoticeKind, Timings, View};
use common::samples::{creation, details, job, nth, overview, preview, problem, step};
use common::{Desk, Fake, at, connected, connected_plain, soon, timings};
use tokio::task::JoinHandle;

fn back_up(manager: &Manager) -> JoinHandle<Result<String, Problem>> {
    let manager = manager.clone();
    tokio::spawn(async move { manager.back_up().await })
}

fn impatient() -> Timings {
    Timings {
        start: Duration::from_millis(30),
        ..timings()
    }
}

#[tokio::test]
async fn a_start_returns_as_soon_as_the_service_has_named_the_backup() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    let starting = back_up(&desk.manager);
    let call = fake.creations.next().await;
    let mut nameless = step("b1", Status::Initialized, 0.0);
    nameless.backup = None;
    call.send(Ok(nameless)).unwrap();
    call.send(Ok(step("b1", Status::InProgress, 1.0))).unwrap();
    assert_eq!(soon(starting).await.unwrap(), Ok("b1".into()));
}

#[tokio::test]
async fn a_refusal_is_passed_on_as_it_is() {
    for fake in [Fake::extended(), Fake::plain()] {
        let desk = either(&fake, timings()).await;
        let starting = back_up(&desk.manager);
        let call = fake.creations.next().await;
        call.send(Err(problem("busy"))).unwrap();
        drop(call);
        assert_eq!(soon(starting).await.unwrap(), Err(problem("busy")));

        let manager = desk.manager.clone();
        let restoring = tokio::spawn(async move { manager.restore("b1").await });
        let call = fake.restorations.next().await;
        call.send(Err(problem("newer"))).unwrap();
        drop(call);
        assert_eq!(soon(restoring).await.unwrap(), Err(problem("newer")));
        assert_eq!(desk.manager.view().borrow().job, None);
    }
}

async fn either(fake: &std::sync::Arc<Fake>, timings: Timings) -> Desk {
    let mut desk = Desk::over(fake, timings);
    let plain = fake.answers.lock().unwrap().capabilities == Ok(None);
    if !plain {
        let overviews = fake.overviews.next().await;
        overviews.send(Ok(overview(None))).unwrap();
        tokio::spawn(async move { overviews.closed().await });
    }
    desk.connected().await;
    desk
}

#[tokio::test]
async fn a_second_start_that_the_service_refuses_does_not_touch_the_first() {
    let fake = Fake::plain();
    let (mut desk, _progress) = connected_plain(&fake, timings()).await;
    let first = back_up(&desk.manager);
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 5.0))).unwrap();
    soon(first).await.unwrap().unwrap();
    let running = desk.job(JobState::Running).await;
    let second = back_up(&desk.manager);
    let refused = fake.creations.next().await;
    refused.send(Err(problem("busy"))).unwrap();
    drop(refused);
    assert_eq!(soon(second).await.unwrap(), Err(problem("busy")));
    call.send(Ok(step("b1", Status::InProgress, 6.0))).unwrap();
    let further = |view: &View| view.running_job().unwrap().progress.percentage == 6.0;
    assert_eq!(desk.shows(further).await.job.unwrap().id, running.id);
}

#[tokio::test]
async fn a_start_that_says_nothing_is_answered_in_time_and_followed_all_the_same() {
    let fake = Fake::plain();
    let (mut desk, _progress) = connected_plain(&fake, impatient()).await;
    let starting = back_up(&desk.manager);
    let call = fake.creations.next().await;
    let silent = soon(starting).await.unwrap().unwrap_err();
    assert_eq!(silent.code, "no-answer-yet");
    call.send(Ok(step("b1", Status::InProgress, 5.0))).unwrap();
    assert_eq!(desk.job(JobState::Running).await.backup, "b1");
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    desk.job(JobState::Completed).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::BackupDone);
}

#[tokio::test]
async fn a_refusal_that_comes_when_nobody_waits_any_more_is_told_as_a_notice() {
    for fake in [Fake::extended(), Fake::plain()] {
        let mut desk = either(&fake, impatient()).await;
        let starting = back_up(&desk.manager);
        let call = fake.creations.next().await;
        soon(starting).await.unwrap().unwrap_err();
        call.send(Err(problem("timed-out"))).unwrap();
        drop(call);
        let notice = desk.notice().await;
        assert_eq!(notice.subject.kind, NoticeKind::BackupFailed);
        assert_eq!(notice.button, Some(Button::Retry));
        assert!(notice.body.contains("timed-out"), "{notice:?}");
    }
}

#[tokio::test]
async fn a_start_from_outside_of_the_window_that_is_only_slow_is_not_told_as_failed() {
    let fake = Fake::plain();
    let (mut desk, _progress) = connected_plain(&fake, impatient()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up_unseen().await });
    let call = fake.creations.next().await;
    soon(starting).await.unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    let notice = desk.notice().await;
    assert_eq!(notice.subject.kind, NoticeKind::BackupDone, "{notice:?}");
}

#[tokio::test]
async fn a_start_from_outside_of_the_window_that_is_refused_is_told_with_a_retry() {
    let fake = Fake::extended();
    let (mut desk, _overviews) = connected(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up_unseen().await });
    let call = fake.creations.next().await;
    call.send(Err(problem("busy"))).unwrap();
    soon(starting).await.unwrap();
    let notice = desk.notice().await;
    assert_eq!(notice.subject.kind, NoticeKind::BackupFailed);
    assert_eq!(notice.button, Some(Button::Retry));
    assert_eq!(notice.body, "What happened: busy. What to do.");
}

#[tokio::test]
async fn a_service_that_reports_on_its_jobs_is_the_only_one_that_does() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let starting = back_up(&desk.manager);
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 50.0))).unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    soon(starting).await.unwrap().unwrap();
    let done = creation("b1", JobState::Completed);
    overviews.send(Ok(overview(Some(done.clone())))).unwrap();
    let view = desk.shows(|view| view.job.is_some()).await;
    assert_eq!(view.job, Some(done));
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b1");
    overviews
        .send(Ok(overview(Some(creation("b2", JobState::Completed)))))
        .unwrap();
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b2");
}

#[tokio::test]
async fn a_job_started_before_the_first_overview_is_not_made_up() {
    let fake = Fake::extended();
    let mut desk = Desk::over(&fake, timings());
    let overviews = fake.overviews.next().await;
    desk.shows(|view| view.connection.address.is_some()).await;
    let starting = back_up(&desk.manager);
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 50.0))).unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    soon(starting).await.unwrap().unwrap();
    // Nor is the service known because of it: what it had done before is no news.
    for backup in ["long-ago", "now"] {
        let job = creation(backup, JobState::Completed);
        overviews.send(Ok(overview(Some(job)))).unwrap();
    }
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "now");
}

#[tokio::test]
async fn a_job_of_the_service_before_does_not_show_up_at_the_next_one() {
    let (old, new) = (Fake::plain(), Fake::plain());
    let (mut desk, _progress) = connected_plain(&old, timings()).await;
    desk.roads.put("new", &new);
    let early = back_up(&desk.manager);
    let early_call = old.creations.next().await;
    early_call
        .send(Ok(step("b1", Status::InProgress, 5.0)))
        .unwrap();
    soon(early).await.unwrap().unwrap();
    let late = back_up(&desk.manager);
    let late_call = old.creations.next().await;

    desk.manager.connect(at("new")).unwrap();
    let progress = new.progress.next().await;
    desk.connected().await;
    for call in [&early_call, &late_call] {
        call.send(Ok(step("b1", Status::InProgress, 50.0))).unwrap();
        call.send(Ok(step("b1", Status::Failed, 50.0))).unwrap();
    }
    soon(late).await.unwrap().unwrap();
    drop((early_call, late_call));
    let says = |status| {
        let all = common::samples::creations(&[step("b7", status, 1.0)]);
        progress.send(Ok(all)).unwrap();
    };
    says(Status::InProgress);
    assert_eq!(desk.job(JobState::Running).await.backup, "b7");
    // The new one's job is asked for like any other's, and is the only one that is told.
    new.called("status", 1).await;
    says(Status::Completed);
    let notice = desk.notice().await;
    assert_eq!(notice.subject.backup.as_deref(), Some("b7"), "{notice:?}");
}

#[tokio::test]
async fn the_end_of_a_call_does_not_end_the_job_of_somebody_else() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let starting = back_up(&desk.manager);
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 5.0))).unwrap();
    soon(starting).await.unwrap().unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    desk.job(JobState::Completed).await;
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 2.0))));
    let all = common::samples::creations(&[step("b2", Status::InProgress, 1.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    let listed = fake.count("backups");
    call.send(Ok(step("b1", Status::InProgress, 99.0))).unwrap();
    drop(call);
    fake.called("backups", listed + 1).await;
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 76.0))));
    let further = |view: &View| view.job.as_ref().unwrap().progress.percentage == 76.0;
    let job = desk.shows(further).await.job.unwrap();
    assert_eq!((job.backup.as_str(), job.state), ("b2", JobState::Running));
}

#[tokio::test]
async fn what_only_the_extensions_can_do_is_explained_where_there_are_none() {
    let fake = Fake::plain();
    let (desk, _progress) = connected_plain(&fake, timings()).await;
    let refusals = [
        desk.manager.undo().await.unwrap_err(),
        desk.manager.preview("b1").await.unwrap_err(),
        desk.manager.undelete("b1").await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(refused.code, "unsupported", "{refused:?}");
    }
    for call in ["undo", "preview", "undelete", "details"] {
        assert_eq!(fake.count(call), 0, "{call}");
    }
}

#[tokio::test]
async fn what_the_extensions_can_do_is_asked_of_the_service() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    assert_eq!(desk.manager.preview("b1").await, Ok(preview("b1")));
    assert_eq!(desk.manager.undelete("b1").await, Ok(()));
    assert_eq!(desk.manager.undo().await, Ok(()));
    let mut newer = details("b2");
    newer.backup = nth(2);
    fake.set(|answers| answers.details = Ok(vec![details("b1"), newer]));
    let rows = desk.manager.backups().await.unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row.backup.id.as_str()).collect();
    assert_eq!(ids, ["b2", "b1"]);
    assert_eq!(rows[0].assets, Some(4212));
    assert_eq!(fake.count("backups"), 0);
}

#[tokio::test]
async fn an_undo_goes_on_when_nobody_waits_for_it_any_more() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    fake.hold("undo");
    let manager = desk.manager.clone();
    let undoing = tokio::spawn(async move { manager.undo().await });
    fake.called("undo", 1).await;
    assert!(!undoing.is_finished());
    fake.let_go("undo");
    assert_eq!(soon(undoing).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_is_in_its_last_step_is_not_cancelled() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let mut committing = creation("b1", JobState::Running);
    committing.cancelable = false;
    let mut undoing = job("b1", JobKind::Undo, JobState::Running);
    undoing.cancelable = false;
    for running in [committing, undoing] {
        overviews.send(Ok(overview(Some(running.clone())))).unwrap();
        desk.shows(|view| view.job.as_ref() == Some(&running)).await;
        let refused = desk.manager.cancel().await.unwrap_err();
        assert_eq!(refused.code, "not-cancelable");
    }
    assert_eq!(fake.count("cancel"), 0);
}

#[tokio::test]
async fn a_check_and_an_undo_that_waits_are_cancelled_by_their_own_id() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    for (times, kind) in [(1, JobKind::Verification), (2, JobKind::Undo)] {
        let running = job("b1", kind, JobState::Running);
        overviews.send(Ok(overview(Some(running.clone())))).unwrap();
        desk.shows(|view| view.job.as_ref() == Some(&running)).await;
        assert_eq!(desk.manager.cancel().await, Ok(()));
        assert_eq!(fake.count("cancel_job"), times);
    }
    assert_eq!(fake.count("cancel"), 0);
}

#[tokio::test]
async fn a_job_that_waits_for_a_program_is_not_said_to_stand_still() {
    let fake = Fake::extended();
    let timings = Timings {
        stall: Duration::from_millis(60),
        ..timings()
    };
    let (mut desk, overviews) = connected(&fake, timings).await;
    let waiting = backup_api::Job {
        phase: backup_api::Phase::Waiting,
        waits_for: Some("Pieces".into()),
        ..job("b1", JobKind::Restoration, JobState::Running)
    };
    let still = creation("b2", JobState::Running);
    overviews.send(Ok(overview(Some(waiting.clone())))).unwrap();
    let view = desk.shows(|view| view.job.is_some()).await;
    assert_eq!(view.job.unwrap().waits_for.as_deref(), Some("Pieces"));
    // Long enough for the one that does stand still to be noticed.
    tokio::time::sleep(timings.stall * 2).await;
    let shown = desk.manager.view().borrow().clone();
    assert_eq!((shown.job, shown.summary.problem), (Some(waiting), None));
    overviews.send(Ok(overview(Some(still)))).unwrap();
    let view = desk.shows(|view| view.summary.problem.is_some()).await;
    assert_eq!(view.summary.problem.unwrap().code, "stalled");
}

#[tokio::test]
async fn a_job_that_stands_still_loses_its_rate_and_its_time_left() {
    let fake = Fake::extended();
    let timings = Timings {
        stall: Duration::from_millis(60),
        ..timings()
    };
    let (mut desk, overviews) = connected(&fake, timings).await;
    let mut running = creation("b1", JobState::Running);
    running.progress.percentage = 40.0;
    running.progress.bytes_per_second = Some(1e6);
    running.progress.seconds_left = Some(9.0);
    overviews.send(Ok(overview(Some(running.clone())))).unwrap();
    let view = desk.shows(|view| view.job.is_some()).await;
    assert_eq!(view.job.unwrap().progress, running.progress);
    let view = desk.shows(|view| view.summary.problem.is_some()).await;
    assert_eq!(view.summary.problem.unwrap().code, "stalled");
    let shown = view.job.unwrap().progress;
    assert_eq!((shown.bytes_per_second, shown.seconds_left), (None, None));
    assert_eq!(shown.percentage, 40.0);
}
