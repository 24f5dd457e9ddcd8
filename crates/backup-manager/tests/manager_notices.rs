//! What is told outside of the window: each incident once, and nothing to somebody who looks at it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Job, JobKind, JobState, Overview};
use backup_manager::{Button, Intent, Notice, NoticeKind, Reaction, Subject};
use chrono::TimeDelta;
use common::samples::{creation, details, job, library, noon, overview, problem, undo};
use common::{Desk, Fake, Feed, at, connected, soon, timings};

/// Tells of a job that nobody has told of before, and that is the next notice: all before it were not told.
async fn next_is_the_marker(desk: &mut Desk, overviews: &Feed<Overview>) {
    let marker = creation("marker", JobState::Completed);
    overviews.send(Ok(overview(Some(marker)))).unwrap();
    let notice = desk.notice().await;
    assert_eq!(
        notice.subject.backup.as_deref(),
        Some("marker"),
        "{notice:?}"
    );
}

async fn told(desk: &mut Desk, overviews: &Feed<Overview>, said: Overview) -> Notice {
    overviews.send(Ok(said)).unwrap();
    desk.notice().await
}

#[tokio::test]
async fn a_finished_backup_is_told_once_and_leads_to_it_and_to_its_restore() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let said = Overview {
        last_backup: Some(details("b1")),
        ..overview(Some(creation("b1", JobState::Completed)))
    };
    let notice = told(&mut desk, &overviews, said.clone()).await;
    assert_eq!(notice.title, "Backup finished");
    assert_eq!(
        notice.body,
        "4,212 items, 312.5 MB. It added 2.1 MB to the destination."
    );
    assert_eq!(notice.button, Some(Button::Restore));
    let backup = || "b1".to_owned();
    assert_eq!(
        notice.subject.react("default"),
        Reaction::Show(Intent::ShowBackup { backup: backup() })
    );
    assert_eq!(
        notice.subject.react(Button::Restore.id()),
        Reaction::Show(Intent::Restore { backup: backup() })
    );
    for _ in 0..3 {
        overviews.send(Ok(said.clone())).unwrap();
    }
    next_is_the_marker(&mut desk, &overviews).await;
}

#[tokio::test]
async fn a_failed_backup_is_told_with_its_reason_and_a_retry() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let failed = overview(Some(creation("b1", JobState::Failed)));
    let notice = told(&mut desk, &overviews, failed).await;
    assert_eq!(notice.title, "Backup failed");
    assert_eq!(notice.body, "What happened: destination-full. What to do.");
    assert_eq!(notice.button, Some(Button::Retry));
    assert_eq!(notice.subject.react(Button::Retry.id()), Reaction::BackUp);
}

#[tokio::test]
async fn a_cancelled_job_is_told_to_nobody() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    for kind in [JobKind::Creation, JobKind::Restoration] {
        let canceled = overview(Some(job("b1", kind, JobState::Canceled)));
        overviews.send(Ok(canceled)).unwrap();
    }
    next_is_the_marker(&mut desk, &overviews).await;
}

#[tokio::test]
async fn what_ended_before_the_start_is_no_news() {
    let fake = Fake::extended();
    let mut desk = Desk::over(&fake, timings());
    let overviews = fake.overviews.next().await;
    let failed = overview(Some(creation("b1", JobState::Failed)));
    overviews.send(Ok(failed)).unwrap();
    next_is_the_marker(&mut desk, &overviews).await;
}

#[tokio::test]
async fn what_ran_at_the_start_is_news_when_it_ends() {
    let fake = Fake::extended();
    let mut desk = Desk::over(&fake, timings());
    let overviews = fake.overviews.next().await;
    let running = overview(Some(creation("b1", JobState::Running)));
    overviews.send(Ok(running)).unwrap();
    let done = overview(Some(creation("b1", JobState::Completed)));
    let notice = told(&mut desk, &overviews, done).await;
    assert_eq!(notice.subject.backup.unwrap(), "b1");
}

#[tokio::test]
async fn a_connection_that_is_made_again_brings_back_no_old_news_and_what_was_missed() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let done = overview(Some(creation("b1", JobState::Completed)));
    told(&mut desk, &overviews, done.clone()).await;
    drop(overviews);
    let overviews = fake.overviews.next().await;
    // As a service calls it that has been started again.
    let mut renumbered = done;
    renumbered.job.as_mut().unwrap().id = "job-1".into();
    overviews.send(Ok(renumbered)).unwrap();
    let running = overview(Some(creation("b2", JobState::Running)));
    overviews.send(Ok(running)).unwrap();
    desk.job(JobState::Running).await;
    drop(overviews);
    let overviews = fake.overviews.next().await;
    let missed = overview(Some(creation("b2", JobState::Completed)));
    let notice = told(&mut desk, &overviews, missed).await;
    assert_eq!(notice.subject.backup.unwrap(), "b2");
}

#[tokio::test]
async fn what_ended_at_a_service_before_it_was_chosen_is_no_news() {
    let (old, new) = (Fake::extended(), Fake::extended());
    let (mut desk, _overviews) = connected(&old, timings()).await;
    desk.roads.put("new", &new);
    desk.manager.connect(at("new")).unwrap();
    let overviews = new.overviews.next().await;
    let failed = overview(Some(creation("b1", JobState::Failed)));
    overviews.send(Ok(failed)).unwrap();
    next_is_the_marker(&mut desk, &overviews).await;
}

#[tokio::test]
async fn somebody_who_looks_at_the_window_is_told_nothing_not_even_later() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    desk.manager.set_watched(true);
    let done = overview(Some(creation("b1", JobState::Completed)));
    overviews.send(Ok(done.clone())).unwrap();
    desk.job(JobState::Completed).await;
    desk.manager.set_watched(false);
    overviews.send(Ok(done)).unwrap();
    next_is_the_marker(&mut desk, &overviews).await;
}

/// The notice of a restore that can be undone.
async fn restored(desk: &mut Desk, overviews: &Feed<Overview>) -> Subject {
    let said = Overview {
        undo: Some(undo("b1", noon())),
        ..overview(Some(job("b1", JobKind::Restoration, JobState::Completed)))
    };
    let notice = told(desk, overviews, said).await;
    assert_eq!(notice.subject.kind, NoticeKind::RestoreDone);
    assert_eq!(notice.button, Some(Button::Undo));
    assert!(notice.body.contains("12 items"), "{}", notice.body);
    let reaction = notice.subject.react(Button::Undo.id());
    assert_eq!(reaction, Reaction::Undo(notice.subject.clone()));
    notice.subject
}

#[tokio::test]
async fn a_restore_can_be_undone_from_its_notice() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let subject = restored(&mut desk, &overviews).await;
    // A notification keeps it as text.
    let text = serde_json::to_string(&subject).unwrap();
    let subject: Subject = serde_json::from_str(&text).unwrap();
    desk.manager.undo_unseen(&subject).await;
    assert_eq!(fake.count("undo"), 1);
    let undone = overview(Some(job("b1", JobKind::Undo, JobState::Completed)));
    let notice = told(&mut desk, &overviews, undone).await;
    assert_eq!(notice.subject.kind, NoticeKind::UndoDone);
}

#[tokio::test]
async fn a_notice_undoes_its_own_restore_and_no_other() {
    let later = noon() + TimeDelta::minutes(1);
    for kept in [None, Some(undo("b1", later)), Some(undo("b2", noon()))] {
        let fake = Fake::extended();
        let (mut desk, overviews) = connected(&fake, timings()).await;
        let subject = restored(&mut desk, &overviews).await;
        let now = Overview {
            undo: kept.clone(),
            library: library(99),
            ..overview(None)
        };
        overviews.send(Ok(now)).unwrap();
        desk.shows(|view| view.library == Some(library(99))).await;
        desk.manager.undo_unseen(&subject).await;
        let notice = desk.notice().await;
        assert_eq!(notice.subject.kind, NoticeKind::UndoFailed);
        assert!(notice.body.contains("no longer kept"), "{}", notice.body);
        assert_eq!(fake.count("undo"), 0, "{kept:?}");
    }
}

#[tokio::test]
async fn a_notice_of_one_service_undoes_nothing_at_another() {
    let (old, new) = (Fake::extended(), Fake::extended());
    let (mut desk, overviews) = connected(&old, timings()).await;
    let subject = restored(&mut desk, &overviews).await;
    desk.roads.put("new", &new);
    desk.manager.connect(at("new")).unwrap();
    desk.manager.undo_unseen(&subject).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoFailed);
    assert_eq!((old.count("undo"), new.count("undo")), (0, 0));
}

#[tokio::test]
async fn an_undo_that_could_not_start_is_told() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let subject = restored(&mut desk, &overviews).await;
    fake.set(|answers| answers.undo = Err(problem("busy")));
    desk.manager.undo_unseen(&subject).await;
    let notice = desk.notice().await;
    assert_eq!(notice.subject.kind, NoticeKind::UndoFailed);
    assert_eq!(notice.body, "What happened: busy. What to do.");
}

#[tokio::test]
async fn an_undo_that_failed_as_a_job_is_told_once() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let subject = restored(&mut desk, &overviews).await;
    fake.set(|answers| answers.undo = Err(problem("library-damaged")));
    let failed = Job {
        id: "job-undo".into(),
        ..job("b1", JobKind::Undo, JobState::Failed)
    };
    fake.hold("undo");
    let manager = desk.manager.clone();
    let undoing = tokio::spawn(async move { manager.undo_unseen(&subject).await });
    fake.called("undo", 1).await;
    overviews.send(Ok(overview(Some(failed)))).unwrap();
    fake.let_go("undo");
    soon(undoing).await.unwrap();
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoFailed);
    next_is_the_marker(&mut desk, &overviews).await;
}
