//! A service without the extensions: its list is read, and jobs are made up from whatever it lets slip of them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use backup_api::{JobKind, JobState, Status};
use backup_manager::{SummaryCode, Timings};
use common::samples::{creations, nth, problem, restorations, step};
use common::{Fake, connected_plain, soon, timings};

#[tokio::test]
async fn its_list_is_read_and_read_again_when_it_may_have_changed() {
    let fake = Fake::plain();
    fake.set(|answers| answers.backups = Ok(vec![nth(1), nth(3), nth(2)]));
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let view = desk.shows(|view| view.backups_count == Some(3)).await;
    assert_eq!(view.last_backup.unwrap().backup, nth(3));
    assert!(view.features.is_empty());
    let rows = desk.manager.backups().await.unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row.backup.id.as_str()).collect();
    assert_eq!(ids, ["b3", "b2", "b1"]);

    let says = |status, percentage| {
        let all = creations(&[step("b4", status, percentage)]);
        progress.send(Ok(all)).unwrap();
    };
    says(Status::InProgress, 1.0);
    desk.job(JobState::Running).await;
    fake.set(|answers| answers.backups = Ok((1..=4).map(nth).collect()));
    says(Status::Completed, 100.0);
    let view = desk.shows(|view| view.backups_count == Some(4)).await;
    assert!(view.backups_revision > 0);

    fake.set(|answers| answers.backups = Ok(vec![nth(1)]));
    desk.manager.delete("b4").await.unwrap();
    desk.shows(|view| view.backups_count == Some(1)).await;
}

#[tokio::test]
async fn its_list_is_read_from_time_to_time() {
    let fake = Fake::plain();
    let often = Timings {
        relist: Duration::from_millis(10),
        ..timings()
    };
    let (mut desk, _progress) = connected_plain(&fake, often).await;
    fake.set(|answers| answers.backups = Ok(vec![nth(1)]));
    desk.shows(|view| view.backups_count == Some(1)).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_shown_as_that_and_blocks_nothing() {
    let fake = Fake::plain();
    fake.set(|answers| answers.backups = Err(problem("refused")));
    let (mut desk, _progress) = connected_plain(&fake, timings()).await;
    let view = desk.shows(|view| view.connection.problem.is_some()).await;
    assert!(view.is_connected());
    assert_eq!(view.connection.problem, Some(problem("refused")));
    assert_eq!(view.summary.code, SummaryCode::DestinationUnreachable);
    assert_eq!(view.backups_count, None);
    assert_eq!(desk.manager.backups().await, Err(problem("refused")));

    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up().await });
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 5.0))).unwrap();
    assert_eq!(soon(starting).await.unwrap().unwrap(), "b1");
    desk.job(JobState::Running).await;
    fake.set(|answers| answers.backups = Ok(vec![nth(1)]));
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    let view = desk.shows(|view| view.backups_count == Some(1)).await;
    assert_eq!(view.connection.problem, None);
}

#[tokio::test]
async fn a_list_that_never_comes_blocks_nothing() {
    let fake = Fake::plain();
    fake.hold("backups");
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let view = desk.shows(|view| view.connection.problem.is_some()).await;
    assert_eq!(view.connection.problem.unwrap().code, "timed-out");
    // Also while it is asked for a second time, what runs is followed.
    desk.manager.delete("b0").await.unwrap();
    fake.called("backups", 2).await;
    let all = creations(&[step("b1", Status::InProgress, 7.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    fake.set(|answers| answers.backups = Ok(vec![nth(1)]));
    fake.let_go("backups");
    let view = desk.shows(|view| view.backups_count == Some(1)).await;
    assert_eq!(view.connection.problem, None);
}

#[tokio::test]
async fn a_job_of_another_program_is_followed_through_what_runs() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let says = |status, percentage| {
        let all = restorations(&[step("b1", status, percentage)]);
        progress.send(Ok(all)).unwrap();
    };
    says(Status::Initialized, 0.0);
    let job = desk.job(JobState::Queued).await;
    assert_eq!(
        (job.kind, job.backup.as_str()),
        (JobKind::Restoration, "b1")
    );
    says(Status::InProgress, 40.0);
    assert_eq!(desk.job(JobState::Running).await.progress.percentage, 40.0);
    says(Status::Completed, 100.0);
    let ended = desk.job(JobState::Completed).await;
    assert_eq!((ended.id, ended.progress.percentage), (job.id, 100.0));
}

#[tokio::test]
async fn a_job_is_followed_through_the_call_that_started_it() {
    let fake = Fake::plain();
    let (mut desk, _progress) = connected_plain(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.restore("b1").await });
    let call = fake.restorations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 30.0))).unwrap();
    assert_eq!(soon(starting).await.unwrap(), Ok(()));
    let job = desk.job(JobState::Running).await;
    assert_eq!(job.progress.percentage, 30.0);
    // It is silent for many ticks, and nobody else is asked.
    let checks = fake.count("check");
    fake.called("check", checks + 5).await;
    assert_eq!(fake.count("status"), 0);
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    assert_eq!(desk.job(JobState::Completed).await.id, job.id);
}

#[tokio::test]
async fn a_job_that_two_channels_tell_of_is_one_job_and_told_once() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up().await });
    let call = fake.creations.next().await;
    // The call is slower to say it than the channel for everybody.
    let all = creations(&[step("b1", Status::InProgress, 60.0)]);
    progress.send(Ok(all)).unwrap();
    let job = desk.job(JobState::Running).await;
    call.send(Ok(step("b1", Status::Initialized, 0.0))).unwrap();
    soon(starting).await.unwrap().unwrap();
    call.send(Ok(step("b1", Status::InProgress, 61.0))).unwrap();
    let further = |view: &backup_manager::View| {
        let job = view.job.as_ref().unwrap();
        assert!(job.progress.percentage >= 60.0, "it went back: {job:?}");
        job.progress.percentage == 61.0
    };
    assert_eq!(desk.shows(further).await.job.unwrap().id, job.id);

    // And is slower to say how it ended.
    let all = creations(&[step("b1", Status::Completed, 100.0)]);
    progress.send(Ok(all)).unwrap();
    assert_eq!(desk.job(JobState::Completed).await.id, job.id);
    call.send(Ok(step("b1", Status::InProgress, 99.0))).unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b1");
    let all = creations(&[step("b2", Status::InProgress, 1.0)]);
    progress.send(Ok(all)).unwrap();
    let all = creations(&[step("b2", Status::Completed, 100.0)]);
    progress.send(Ok(all)).unwrap();
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b2");
}

#[tokio::test]
async fn a_job_that_had_ended_before_its_call_says_a_word_is_not_begun_again() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up().await });
    let call = fake.creations.next().await;
    for status in [Status::InProgress, Status::Completed] {
        let all = creations(&[step("b1", status, 60.0)]);
        progress.send(Ok(all)).unwrap();
    }
    let job = desk.job(JobState::Completed).await;
    call.send(Ok(step("b1", Status::Initialized, 0.0))).unwrap();
    call.send(Ok(step("b1", Status::Completed, 100.0))).unwrap();
    drop(call);
    assert_eq!(soon(starting).await.unwrap().unwrap(), "b1");
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b1");
    for status in [Status::InProgress, Status::Completed] {
        let all = creations(&[step("b2", status, 60.0)]);
        progress.send(Ok(all)).unwrap();
    }
    assert_eq!(desk.notice().await.subject.backup.unwrap(), "b2");
    let next = |view: &backup_manager::View| view.job.as_ref().unwrap().id != job.id;
    desk.shows(next).await;
}

#[tokio::test]
async fn a_job_of_which_nothing_is_heard_is_asked_for() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 70.0))));
    let all = creations(&[step("b1", Status::InProgress, 10.0)]);
    progress.send(Ok(all)).unwrap();
    let asked = |view: &backup_manager::View| {
        let job = view.job.as_ref();
        job.is_some_and(|job| job.progress.percentage == 70.0)
    };
    desk.shows(asked).await;
    fake.set(|answers| answers.status = Err(problem("refused")));
    let asked = fake.count("status");
    fake.called("status", asked + 2).await;
    fake.set(|answers| answers.status = Ok(Some((Status::Failed, 70.0))));
    let job = desk.job(JobState::Failed).await;
    assert_eq!(job.problem.unwrap().code, "failed-elsewhere");
}

#[tokio::test]
async fn a_channel_that_breaks_is_opened_again() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    progress.send(Err(problem("garbled"))).unwrap();
    let progress = fake.progress.next().await;
    drop(progress);
    let progress = fake.progress.next().await;
    let all = creations(&[step("b1", Status::InProgress, 10.0)]);
    progress.send(Ok(all)).unwrap();
    desk.job(JobState::Running).await;
    assert_eq!(desk.roads.tried(1).await.len(), 1);
}

#[tokio::test]
async fn progress_never_goes_back_whoever_tells_it() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    let says = |status, percentage| {
        let all = creations(&[step("b1", status, percentage)]);
        progress.send(Ok(all)).unwrap();
    };
    says(Status::Initialized, 50.0);
    desk.job(JobState::Queued).await;
    says(Status::Reset, 0.0);
    assert_eq!(desk.job(JobState::Running).await.progress.percentage, 50.0);
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 20.0))));
    let asked = fake.count("status");
    fake.called("status", asked + 2).await;
    says(Status::InProgress, 51.0);
    let mut last = 50.0;
    let further = |view: &backup_manager::View| {
        let now = view.job.as_ref().map_or(0.0, |job| job.progress.percentage);
        assert!(now >= last, "{now} after {last}");
        last = now;
        now == 51.0
    };
    desk.shows(further).await;
}

#[tokio::test]
async fn a_job_that_does_not_get_on_is_worth_a_word_until_it_does() {
    let fake = Fake::plain();
    let timings = Timings {
        stall: Duration::from_millis(60),
        ..timings()
    };
    let (mut desk, progress) = connected_plain(&fake, timings).await;
    fake.set(|answers| answers.status = Ok(Some((Status::InProgress, 10.0))));
    let says = |percentage| {
        let all = creations(&[step("b1", Status::InProgress, percentage)]);
        progress.send(Ok(all)).unwrap();
    };
    says(10.0);
    let view = desk.shows(|view| view.summary.problem.is_some()).await;
    assert_eq!(view.summary.code, SummaryCode::Working);
    assert!(view.is_connected());
    assert_eq!(view.summary.problem.unwrap().code, "stalled");
    says(11.0);
    desk.shows(|view| view.summary.problem.is_none()).await;
    desk.shows(|view| view.summary.problem.is_some()).await;
}

#[tokio::test]
async fn a_service_that_speaks_is_not_asked_whether_it_is_there() {
    let fake = Fake::plain();
    let (mut desk, progress) = connected_plain(&fake, timings()).await;
    fake.called("check", 1).await;
    fake.set(|answers| answers.check = Err(problem("timed-out")));
    let long = Duration::from_millis(200);
    let until = std::time::Instant::now() + long;
    let mut percentage = 0.0;
    // It is too busy for the question and speaks all the time.
    while std::time::Instant::now() < until {
        percentage += 0.01;
        let all = creations(&[step("b1", Status::InProgress, percentage)]);
        progress.send(Ok(all)).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(desk.manager.view().borrow().is_connected());
    assert_eq!(fake.count("watch_progress"), 1);
    // Silent, it is asked.
    desk.shows(|view| !view.is_connected()).await;
}
