//! Contents, pages and jobs under `/holdfast/`: with a service that breaks off, forgets or repeats itself.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Job, JobKind, JobState, Phase, Progress, Restore, What};
use common::in_time;
use common::scripted::*;
use futures::StreamExt;

fn job(state: JobState, percentage: f64) -> Job {
    Job {
        id: "job-7".into(),
        kind: JobKind::Restoration,
        backup: "b".into(),
        state,
        phase: Phase::Staging,
        waits_for: None,
        progress: Progress {
            percentage,
            ..Progress::default()
        },
        cancelable: true,
        started: chrono::DateTime::UNIX_EPOCH,
        ended: None,
        problem: None,
        restores: None,
        report: None,
    }
}

#[tokio::test]
async fn a_content_that_breaks_off_is_an_error_after_what_arrived() {
    let kind = "application/octet-stream";
    for last in [Act::Reset, Act::Send(Vec::new()), Act::Stall] {
        let service =
            Scripted::start(move |_| vec![stream_head(kind), chunk("the beginning"), last.clone()])
                .await;
        let client = service.client(|timeouts| timeouts.stall = SHORT);
        let mut pieces = Box::pin(in_time(client.content("b", "notes/a")).await.unwrap());
        let (mut read, mut broken) = (Vec::new(), false);
        while let Some(piece) = in_time(pieces.next()).await {
            match piece {
                Ok(piece) => read.extend_from_slice(&piece),
                Err(_) => broken = true,
            }
        }
        assert!(
            broken,
            "{:?} ends like a whole file",
            String::from_utf8(read)
        );
    }
    let service = Scripted::start(move |_| vec![stream_head(kind), chunk("whole"), end()]).await;
    let client = service.client(|_| ());
    let pieces = in_time(client.content("b", "notes/a")).await.unwrap();
    let pieces: Vec<_> = in_time(pieces.collect::<Vec<_>>()).await;
    let read: Vec<u8> = pieces
        .into_iter()
        .flat_map(|piece| piece.unwrap())
        .collect();
    assert_eq!(read, b"whole");
}

#[tokio::test]
async fn a_path_is_one_value_of_the_question_whatever_is_in_it() {
    let service = Scripted::start(|_| json(&serde_json::json!({"items": []}))).await;
    let client = service.client(|_| ());
    for path in ["a&after=b", "a b/ü#x?y", "100%/+", "\\xff\\\\"] {
        in_time(client.entries("b", path, Some("n=1&")))
            .await
            .unwrap();
        let asked = service.asked().pop().unwrap();
        let target = asked.what.strip_prefix("GET ").unwrap().to_owned();
        let url: backup_client::Url = format!("http://x{target}").parse().unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(
            pairs,
            [
                ("path".into(), path.to_owned()),
                ("after".into(), "n=1&".into())
            ]
        );
        assert_eq!(url.path(), "/holdfast/backups/b/entries");
    }
}

#[tokio::test]
async fn a_job_is_followed_through_questions_that_fail_and_begun_once() {
    let service = Scripted::start(|asked| match (asked.what.as_str(), asked.before) {
        ("POST /holdfast/backups/b/restore", _) => json(&job(JobState::Queued, 0.0)),
        ("GET /holdfast/jobs/job-7", 0) => vec![Act::Reset],
        ("GET /holdfast/jobs/job-7", 1 | 2) => json(&job(JobState::Running, 40.0)),
        ("GET /holdfast/jobs/job-7", 3) => answer(500, "text/plain", "Busy."),
        _ => json(&job(JobState::Completed, 100.0)),
    })
    .await;
    let client = service.client(|_| ());
    let restore = Restore {
        what: What::Everything,
        folder: None,
    };
    let begun = in_time(client.begin_restore("b", &restore)).await.unwrap();
    let mut followed = client.follow(begun);
    let mut states = Vec::new();
    while let Some(job) = in_time(followed.next()).await {
        states.push(job.unwrap().state);
    }
    assert_eq!(
        states,
        [JobState::Queued, JobState::Running, JobState::Completed],
        "each once"
    );
    assert_eq!(service.count("POST /holdfast/backups/b/restore"), 1);
}

#[tokio::test]
async fn a_job_that_the_service_no_longer_knows_is_lost_and_not_asked_for_again() {
    let service = Scripted::start(|_| answer(404, "application/json", "{}")).await;
    let client = service.client(|_| ());
    let mut followed = client.follow(job(JobState::Running, 10.0));
    assert!(in_time(followed.next()).await.unwrap().is_ok());
    let error = in_time(followed.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "broken-off");
    assert!(!error.never_arrived(), "the job was begun");
    assert!(in_time(followed.next()).await.is_none());
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn a_service_that_is_gone_is_given_up_after_some_questions() {
    let service = Scripted::start(|_| vec![Act::Reset]).await;
    let client = service.client(|timeouts| timeouts.poll = SHORT / 30);
    let mut followed = client.follow(job(JobState::Running, 10.0));
    assert!(in_time(followed.next()).await.unwrap().is_ok());
    let error = in_time(followed.next()).await.unwrap().unwrap_err();
    assert!(!error.never_arrived(), "{error:?}");
    assert!(in_time(followed.next()).await.is_none());
    assert!(service.asked().len() > 3);
}
