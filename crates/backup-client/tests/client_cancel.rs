//! Cancelling at a service that says little about it, or nothing: what came of it is found out, in time.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{JobKind, Status};
use backup_client::{Canceled, ClientError};
use common::in_time;
use common::scripted::*;

const KINDS: [(JobKind, &str); 3] = [
    (JobKind::Creation, "creation"),
    (JobKind::Restoration, "restoration"),
    (JobKind::Undo, "restoration"),
];

fn refused() -> Vec<Act> {
    headed(
        500,
        "text/plain",
        "x-holdfast-code: nothing-to-cancel\r\n",
        "None is in progress.",
    )
}

/// A service whose cancel goes like this, and that then gives these statuses, the last of them for ever.
async fn service(cancel: Vec<Act>, statuses: Vec<Vec<Act>>) -> Scripted {
    Scripted::start(move |asked| {
        if asked.what.ends_with("/cancel") {
            return cancel.clone();
        }
        statuses[asked.before.min(statuses.len() - 1)].clone()
    })
    .await
}

fn stands(word: Status) -> Vec<Act> {
    json(&status("b", word, 50.0))
}

async fn cancel(service: &Scripted, kind: JobKind) -> Result<Canceled, ClientError> {
    let client = service.client(|timeouts| timeouts.cancel = SHORT);
    in_time(client.cancel(kind, "b")).await
}

/// It is asked once to cancel, whatever comes of it.
fn assert_canceled_once(service: &Scripted, path: &str) {
    let asked = service.asked();
    let posts: Vec<_> = asked
        .iter()
        .filter(|asked| asked.what.starts_with("POST"))
        .map(|asked| asked.what.clone())
        .collect();
    assert_eq!(posts, [format!("POST /backup/b/{path}/cancel")]);
}

#[tokio::test]
async fn a_cancel_that_is_granted_needs_no_second_look() {
    for (kind, path) in KINDS {
        let service = service(empty(), vec![refused()]).await;
        assert_eq!(cancel(&service, kind).await.unwrap(), Canceled::Yes);
        assert_eq!(service.asked().len(), 1);
        assert_canceled_once(&service, path);
    }
}

#[tokio::test]
async fn a_cancel_that_says_little_is_followed_by_a_look_at_the_job() {
    // It refuses, it says nothing, it breaks off.
    let answers = [refused(), vec![Act::Stall], vec![], vec![Act::Reset]];
    let running = || stands(Status::InProgress);
    for answer in answers {
        for (kind, path) in KINDS {
            for (statuses, expected) in [
                (
                    vec![stands(Status::Completed)],
                    Canceled::TooLate(Status::Completed),
                ),
                (
                    vec![stands(Status::Failed)],
                    Canceled::TooLate(Status::Failed),
                ),
                (vec![stands(Status::Canceled)], Canceled::Yes),
                (
                    vec![
                        stands(Status::Initialized),
                        running(),
                        running(),
                        stands(Status::Canceled),
                    ],
                    Canceled::Yes,
                ),
            ] {
                let looks = statuses.len();
                let service = service(answer.clone(), statuses).await;
                let canceled = cancel(&service, kind).await.unwrap();
                assert_eq!(canceled, expected, "after {answer:?}");
                assert_eq!(
                    service.count(&format!("GET /backup/b/{path}/status")),
                    looks
                );
                assert_canceled_once(&service, path);
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_goes_on_and_on_still_runs() {
    for word in [Status::InProgress, Status::Initialized] {
        let service = service(refused(), vec![stands(word)]).await;
        let client = service.client(|timeouts| timeouts.call = SHORT);
        let canceled = in_time(client.cancel(JobKind::Creation, "b")).await;
        assert_eq!(canceled.unwrap(), Canceled::StillRuns);
        assert!(service.count("GET /backup/b/creation/status") > 1);
        assert_canceled_once(&service, "creation");
    }
}

#[tokio::test]
async fn where_the_status_says_nothing_the_first_answer_stands() {
    let nothing = [
        answer(404, "text/plain", "unknown"),
        answer(500, "text/plain", "?"),
        answer(200, "application/json", "{}"),
        vec![],
        vec![Act::Stall],
        stands(Status::Unknown),
        stands(Status::Reset),
    ];
    for status in nothing {
        let service = service(refused(), vec![status.clone()]).await;
        let client = service.client(|timeouts| timeouts.call = SHORT);
        let canceled = in_time(client.cancel(JobKind::Restoration, "b")).await;
        let error = canceled.unwrap_err();
        assert_eq!(error.code(), "nothing-to-cancel", "{status:?}");
        assert_eq!(error.message(), "None is in progress.");
        assert_eq!(service.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_that_is_clear_is_the_answer() {
    for code in [403, 404, 511] {
        let service = service(
            answer(code, "text/plain", "no"),
            vec![stands(Status::Canceled)],
        )
        .await;
        let error = cancel(&service, JobKind::Creation).await.unwrap_err();
        assert_eq!(error.status(), Some(code));
        assert_eq!(service.asked().len(), 1, "nothing more to ask");
    }
    let page = answer(200, "text/html", "<html>");
    let service = service(page, vec![stands(Status::Canceled)]).await;
    let error = cancel(&service, JobKind::Creation).await.unwrap_err();
    assert_eq!(error.code(), "garbled");
}

#[tokio::test]
async fn a_service_that_is_not_there_cancels_nothing() {
    let service = service(empty(), vec![refused()]).await;
    let client = service.client(|_| ());
    drop(service);
    tokio::task::yield_now().await;
    let canceled = in_time(client.cancel(JobKind::Creation, "b")).await;
    assert_eq!(canceled.unwrap_err().code(), "unreachable");
}
