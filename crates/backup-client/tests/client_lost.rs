//! A job of which little or nothing can be learned any more: what is said of it is the truth that can be known, in time, and
//! it was started once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::Status;
use common::followed::*;
use common::in_time;
use common::scripted::*;

#[tokio::test]
async fn a_status_that_never_ends_is_told_step_by_step_until_the_caller_has_enough() {
    for (word, value) in [
        ("\"IN-PROGRESS\"", Status::InProgress),
        ("\"PAUSED-BY-MOON\"", Status::Unknown),
    ] {
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
            SOCKET => plain(426),
            _ => {
                let text = serde_json::to_string(&status("b", Status::Reset, 10.0)).unwrap();
                answer(200, "application/json", text.replace("\"RESET\"", word))
            }
        })
        .await;
        let client = service.client(|_| ());
        let mut job = in_time(client.create_watched()).await.unwrap();
        in_time(job.next()).await.unwrap().unwrap();
        for _ in 0..30 {
            let step = in_time(job.next()).await.unwrap().unwrap();
            assert_eq!(step.status, Some(value));
        }
        assert_eq!(service.count(STATUS), 30, "asked when the caller asks");
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_status_that_cannot_be_had_is_asked_for_some_times_and_then_the_job_is_unknown() {
    let broken: [(Vec<Act>, &str, usize); 5] = [
        (plain(500), "refused", 10),
        (plain(404), "not-found", 1),
        (answer(200, "text/html", "<html>"), "garbled", 10),
        (answer(200, "application/json", "{}"), "garbled", 10),
        (vec![], "broken-off", 10),
    ];
    for (script, code, times) in broken {
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
            SOCKET => plain(426),
            _ => script.clone(),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        let error = error.unwrap();
        assert_eq!((heard.len(), error.code()), (1, code), "{error:?}");
        assert!(!error.never_arrived());
        assert_eq!(service.count(STATUS), times);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_status_that_fails_now_and_then_does_not_end_the_watching() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
        SOCKET => plain(426),
        _ if asked.before == 40 => json(&status("b", Status::Completed, 100.0)),
        _ if asked.before % 5 == 4 => json(&status("b", Status::InProgress, 50.0)),
        _ => plain(500),
    })
    .await;
    let (heard, error) = heard_of_creation(&service).await;
    assert_eq!(heard.last().unwrap().status, Some(Status::Completed));
    assert!(error.is_none() && heard.len() == 10, "{error:?} {heard:?}");
    assert_started_once(&service);
}

#[tokio::test]
async fn a_service_that_vanishes_leaves_a_job_that_did_begin() {
    let service =
        Scripted::start(|_| vec![stream_head(NDJSON), chunk(line(&running(10.0))), Act::Stall])
            .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    in_time(job.next()).await.unwrap().unwrap();
    drop(service);
    let (steps, error) = heard(&mut job).await;
    let error = error.unwrap();
    assert!(steps.is_empty() && !error.never_arrived(), "{error:?}");
    assert_eq!(error.code(), "broken-off");
}

#[tokio::test]
async fn a_job_that_was_never_named_is_lost_with_its_stream() {
    for (socket, code) in [
        (plain(426), "broken-off"),
        (vec![Act::Socket(vec![], After::Cut)], "broken-off"),
        (vec![Act::Socket(vec![], After::Stall)], "timed-out"),
        // A creation that had ended before anybody looked need not be this one.
        (
            vec![Act::Socket(vec![creations(&[done()])], After::Stall)],
            "timed-out",
        ),
    ] {
        let script = socket.clone();
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON)],
            _ => script.clone(),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        let error = error.unwrap_or_else(|| panic!("{heard:?} of {socket:?}"));
        assert_eq!((heard.len(), error.code()), (0, code), "{error:?}");
        assert!(!error.never_arrived(), "it may well have begun");
        assert_eq!(service.story(), [CREATE, SOCKET]);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_job_whose_stream_broke_before_its_name_is_named_by_the_socket() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON)],
        SOCKET => vec![Act::Socket(vec![creations(&[running(20.0)])], After::Cut)],
        _ => json(&status("b", Status::Completed, 100.0)),
    })
    .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    assert_eq!(job.backup_id(), None);
    let (heard, error) = heard(&mut job).await;
    assert_eq!(job.backup_id(), Some("b"));
    assert!(heard.len() == 2 && error.is_none(), "{heard:?} {error:?}");
    assert_eq!(service.story(), [CREATE, SOCKET, STATUS]);
}
