//! How the manager comes to a service, loses it, finds it again, and leaves it for another one.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backup_api::{JobState, Overview, Status};
use backup_manager::{ConnectionStatus, Target, Timings};
use common::samples::{creation, creations, details, library, noon, overview, problem, step, undo};
use common::{Desk, Fake, NEVER, Roads, at, connected, connected_plain, soon, timings};

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn the_first_overview_makes_the_connection_and_all_overviews_make_the_view() {
    let fake = Fake::extended();
    let mut desk = Desk::over(&fake, timings());
    let overviews = fake.overviews.next().await;
    let view = desk.shows(|view| view.connection.address.is_some()).await;
    assert_eq!(view.connection.status, ConnectionStatus::Connecting);
    assert_eq!(view.connection.target, Target::Embedded);
    let said = Overview {
        undo: Some(undo("b0", noon())),
        ..overview(Some(creation("b1", JobState::Running)))
    };
    overviews.send(Ok(said.clone())).unwrap();
    let view = desk.connected().await;
    let view = match view.job {
        Some(_) => view,
        None => desk.shows(|view| view.job.is_some()).await,
    };
    assert_eq!(view.connection.name, "The service at embedded");
    assert_eq!(view.connection.problem, None);
    assert_eq!(view.job, said.job);
    assert_eq!(view.undo, said.undo);
    assert_eq!(view.library, Some(said.library));
    assert_eq!(view.destination, Some(said.destination));
    assert_eq!(view.key, Some(said.key));
    assert_eq!(view.backups_count, said.backups);
    assert_eq!(view.last_backup, said.last_backup.map(Into::into));
    assert!(view.features.contains(&"undo".to_owned()), "{view:?}");
}

#[tokio::test]
async fn the_revision_moves_when_the_list_may_have_changed_and_only_then() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    let view = desk.shows(|view| view.backups_count == Some(1)).await;
    let mut before = view.backups_revision;

    let mut said = overview(None);
    said.library = library(13);
    overviews.send(Ok(said.clone())).unwrap();
    let grown = |view: &backup_manager::View| view.library == Some(library(13));
    assert_eq!(desk.shows(grown).await.backups_revision, before);

    let more = Overview {
        backups: Some(2),
        ..said.clone()
    };
    let newer = Overview {
        last_backup: Some(details("b2")),
        ..more.clone()
    };
    let over = Overview {
        job: Some(creation("b2", JobState::Completed)),
        ..newer.clone()
    };
    for changed in [more, newer, over] {
        overviews.send(Ok(changed)).unwrap();
        let view = desk.shows(|view| view.backups_revision > before).await;
        before = view.backups_revision;
    }
    desk.manager.delete("b0").await.unwrap();
    before = desk
        .shows(|view| view.backups_revision > before)
        .await
        .backups_revision;
    desk.manager.undelete("b0").await.unwrap();
    desk.shows(|view| view.backups_revision > before).await;
}

#[tokio::test]
async fn a_lost_connection_is_shown_with_its_reason_and_made_again() {
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings()).await;
    desk.roads.hold();
    overviews.send(Err(problem("broken-off"))).unwrap();
    let lost = |view: &backup_manager::View| view.connection.status == ConnectionStatus::Lost;
    let view = desk.shows(lost).await;
    assert_eq!(view.connection.problem, Some(problem("broken-off")));
    assert_eq!(view.summary.problem, Some(problem("broken-off")));
    let refused = desk.manager.back_up().await.unwrap_err();
    assert_eq!(refused.code, "disconnected");

    desk.roads.let_go();
    let overviews = fake.overviews.next().await;
    overviews.send(Ok(overview(None))).unwrap();
    assert_eq!(desk.connected().await.connection.problem, None);

    // The end of the stream is the end of the connection, too.
    desk.roads.hold();
    drop(overviews);
    let view = desk.shows(lost).await;
    assert_eq!(view.connection.problem.unwrap().code, "unreachable");
}

#[tokio::test]
async fn waits_between_tries_grow_up_to_the_longest() {
    let timings = Timings {
        first_retry: 20 * MILLI,
        longest_retry: 80 * MILLI,
        ..timings()
    };
    let desk = Desk::on(Arc::default(), timings);
    let tries = desk.roads.tried(6).await;
    assert_growing(&tries, [20, 40, 80, 80, 80].map(|millis| millis * MILLI));
}

#[tokio::test]
async fn a_service_that_lets_nobody_watch_it_is_asked_less_and_less_often() {
    let fake = Fake::extended();
    let timings = Timings {
        first_retry: 20 * MILLI,
        longest_retry: 80 * MILLI,
        ..timings()
    };
    let desk = Desk::over(&fake, timings);
    for _ in 0..4 {
        let overviews = fake.overviews.next().await;
        overviews.send(Err(problem("not-allowed"))).unwrap();
    }
    let tries = desk.roads.tried(5).await;
    assert_growing(&tries, [20, 40, 80, 80].map(|millis| millis * MILLI));
}

fn assert_growing<const N: usize>(tries: &[Instant], least: [Duration; N]) {
    let gaps: Vec<Duration> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, least) in gaps.iter().zip(least) {
        assert!(*gap >= least, "{gaps:?} where {least:?} were due");
    }
}

#[tokio::test]
async fn somebody_who_asks_to_try_again_does_not_wait() {
    let timings = Timings {
        first_retry: NEVER,
        longest_retry: NEVER,
        ..timings()
    };
    let mut desk = Desk::on(Arc::default(), timings);
    desk.shows(|view| view.connection.status == ConnectionStatus::Lost)
        .await;
    let fake = Fake::extended();
    desk.roads.put("embedded", &fake);
    desk.manager.retry();
    let view = desk.shows(|view| view.connection.status != ConnectionStatus::Lost);
    assert_eq!(view.await.connection.status, ConnectionStatus::Connecting);
    let overviews = fake.overviews.next().await;
    overviews.send(Ok(overview(None))).unwrap();
    desk.connected().await;
}

#[tokio::test]
async fn one_missed_beat_is_forgiven_and_a_second_is_the_end_of_the_connection() {
    let fake = Fake::extended();
    let (mut desk, _overviews) = connected(&fake, timings()).await;
    fake.set(|answers| answers.check = Err(problem("timed-out")));
    let misses = fake.count("check") + 1;
    fake.called("check", misses).await;
    fake.set(|answers| answers.check = Ok(()));
    fake.called("check", misses + 2).await;
    assert!(desk.manager.view().borrow().is_connected());
    assert_eq!(fake.count("watch_overview"), 1);

    fake.set(|answers| answers.check = Err(problem("timed-out")));
    desk.roads.hold();
    let view = desk
        .shows(|view| view.connection.status == ConnectionStatus::Lost)
        .await;
    assert_eq!(view.connection.problem, Some(problem("timed-out")));
}

#[tokio::test]
async fn a_service_that_is_there_and_does_not_answer_is_lost_after_a_while() {
    let fake = Fake::extended();
    let (mut desk, _overviews) = connected(&fake, timings()).await;
    fake.hold("check");
    desk.roads.hold();
    let view = desk
        .shows(|view| view.connection.status == ConnectionStatus::Lost)
        .await;
    assert_eq!(view.connection.problem.unwrap().code, "timed-out");
}

#[tokio::test]
async fn another_service_begins_with_nothing_of_the_one_before() {
    let (old, new) = (Fake::extended(), Fake::extended());
    let (mut desk, overviews) = connected(&old, timings()).await;
    let running = overview(Some(creation("b1", JobState::Running)));
    overviews.send(Ok(running)).unwrap();
    let before = desk.job(JobState::Running).await;
    assert_eq!(before.backup, "b1");
    let revision = desk.manager.view().borrow().backups_revision;

    desk.roads.put("new", &new);
    desk.roads.hold();
    desk.manager.connect(at("new")).unwrap();
    let view = desk.shows(|view| view.connection.target == at("new")).await;
    assert_eq!(view.connection.status, ConnectionStatus::Connecting);
    assert_eq!(
        (view.job, view.last_backup, view.backups_count),
        (None, None, None)
    );
    assert!(view.features.is_empty() && view.library.is_none());
    assert!(view.backups_revision > revision);
    desk.roads.let_go();
    let newer = new.overviews.next().await;
    newer.send(Ok(overview(None))).unwrap();
    let view = desk.connected().await;
    assert_eq!(view.connection.name, "The service at new");
    soon(overviews.closed()).await;
}

#[tokio::test]
async fn late_news_of_the_service_before_is_dropped() {
    // Several times, because it is chance what a task looks at first.
    for _ in 0..30 {
        let (old, new) = (Fake::extended(), Fake::extended());
        let (mut desk, overviews) = connected(&old, timings()).await;
        desk.roads.put("new", &new);
        desk.roads.hold();
        overviews
            .send(Ok(overview(Some(creation("old", JobState::Completed)))))
            .unwrap();
        desk.manager.connect(at("new")).unwrap();
        soon(overviews.closed()).await;
        let view = desk.shows(|view| view.connection.target == at("new")).await;
        assert_eq!((view.job, view.library), (None, None));

        // Nor does the new one count as known because of it.
        desk.roads.let_go();
        let overviews = new.overviews.next().await;
        let said = |job| overviews.send(Ok(overview(Some(job)))).unwrap();
        said(creation("long-ago", JobState::Completed));
        desk.job(JobState::Completed).await;
        said(creation("now", JobState::Completed));
        assert_eq!(desk.notice().await.subject.backup.unwrap(), "now");
    }
}

#[tokio::test]
async fn the_end_of_the_service_before_is_not_the_end_of_the_new_one() {
    for _ in 0..30 {
        let (old, new) = (Fake::extended(), Fake::extended());
        let (mut desk, overviews) = connected(&old, timings()).await;
        desk.roads.put("new", &new);
        desk.roads.hold();
        drop(overviews);
        desk.manager.connect(at("new")).unwrap();
        desk.roads.tried(2).await;
        let view = desk.shows(|view| view.connection.target == at("new")).await;
        assert_eq!(view.connection.status, ConnectionStatus::Connecting);
    }
}

#[tokio::test]
async fn nothing_is_asked_of_a_service_that_answers_after_another_was_chosen() {
    for _ in 0..30 {
        let old = Fake::plain();
        old.hold("capabilities");
        let desk = Desk::over(&old, timings());
        old.called("capabilities", 1).await;
        desk.roads.hold();
        old.let_go("capabilities");
        desk.manager.connect(at("new")).unwrap();
        desk.roads.tried(2).await;
        let refused = desk.manager.delete("b1").await.unwrap_err();
        assert_eq!(refused.code, "disconnected");
        assert_eq!(old.count("delete"), 0);
    }
}

#[tokio::test]
async fn what_can_be_no_service_is_refused_and_changes_nothing() {
    let fake = Fake::extended();
    let (mut desk, _overviews) = connected(&fake, timings()).await;
    let refused = desk.manager.connect(at("bad")).unwrap_err();
    assert_eq!(refused, problem("bad-address"));
    let view = desk.connected().await;
    assert_eq!(view.connection.target, Target::Embedded);
    assert_eq!(fake.count("watch_overview"), 1);
}

#[tokio::test]
async fn views_come_at_most_so_often_and_the_last_is_never_lost() {
    let every = 50 * MILLI;
    let timings = Timings {
        publish: every,
        tick: NEVER,
        ..timings()
    };
    let fake = Fake::extended();
    let (mut desk, overviews) = connected(&fake, timings).await;
    let start = Instant::now();
    tokio::spawn(async move {
        for assets in 1..=1000 {
            let mut said = overview(None);
            said.library = library(assets);
            overviews.send(Ok(said)).unwrap();
            tokio::task::yield_now().await;
            if assets % 5 == 0 {
                tokio::time::sleep(MILLI).await;
            }
        }
        overviews.closed().await;
    });
    let (mut views, mut last) = (0, 0);
    while last < 1000 {
        soon(desk.views.changed()).await.unwrap();
        last = desk
            .views
            .borrow_and_update()
            .library
            .as_ref()
            .unwrap()
            .assets;
        views += 1;
    }
    let most = start.elapsed().as_millis() / every.as_millis() + 2;
    assert!(views <= most, "{views} views came, not {most}");
    assert!(views > 2, "only {views} views came");
}

#[tokio::test]
async fn nothing_outlives_the_manager() {
    let fake = Fake::plain();
    let (desk, progress) = connected_plain(&fake, timings()).await;
    let manager = desk.manager.clone();
    let starting = tokio::spawn(async move { manager.back_up().await });
    let call = fake.creations.next().await;
    call.send(Ok(step("b1", Status::InProgress, 1.0))).unwrap();
    assert_eq!(soon(starting).await.unwrap().unwrap(), "b1");
    progress
        .send(Ok(creations(&[step("b1", Status::InProgress, 2.0)])))
        .unwrap();
    let Desk {
        manager,
        mut notices,
        mut views,
        ..
    } = desk;
    drop(manager);
    soon(progress.closed()).await;
    soon(call.closed()).await;
    assert_eq!(soon(notices.recv()).await, None);
    soon(async { while views.changed().await.is_ok() {} }).await;
}

#[tokio::test]
async fn services_are_looked_for_by_whoever_knows_the_way() {
    let desk = Desk::on(Arc::<Roads>::default(), timings());
    assert_eq!(desk.manager.services().await, Ok(Vec::new()));
}
