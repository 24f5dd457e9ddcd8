//! Single answers of a service that stalls, lies, breaks off or talks nonsense: each ends in time, with the right error, and
//! asked for once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_client::{Client, ClientError};
use common::in_time;
use common::scripted::*;
use common::ways::*;
use futures::StreamExt;

const CREATE: &str = "POST /backups/create";
const CREATE_STREAMED: &str = "POST /backups/create/streamed";

fn impatient(service: &Scripted) -> Client {
    service.client(|timeouts| {
        (timeouts.call, timeouts.cancel) = (SHORT, SHORT);
        (timeouts.job, timeouts.stall) = (SHORT, SHORT);
    })
}

#[tokio::test]
async fn a_service_that_says_nothing_is_given_up_in_time() {
    let service = Scripted::start(|_| vec![Act::Stall]).await;
    let errors = every_way(&impatient(&service)).await;
    assert_eq!(service.asked().len(), errors.len());
    for error in errors {
        assert_eq!(error.code(), "timed-out", "{error:?}");
        assert!(!error.never_arrived(), "it may have had an effect");
    }
    assert_asked_once(&service);
}

#[tokio::test]
async fn an_answer_that_stops_in_its_middle_is_given_up_in_time() {
    let service = Scripted::start(|asked| {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"iterable\":[";
        match asked.what.as_str() {
            "GET /.well-known/version" => vec![Act::Send(half[..9].to_vec()), Act::Stall],
            _ => vec![Act::Send(half.to_vec()), Act::Stall],
        }
    })
    .await;
    let client = impatient(&service);
    for error in [
        in_time(client.backups()).await.unwrap_err(),
        in_time(client.assets()).await.unwrap_err(),
        in_time(client.create()).await.unwrap_err(),
        in_time(client.version()).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "timed-out", "{error:?}");
    }
    assert_asked_once(&service);
}

#[tokio::test]
async fn a_connection_that_is_cut_has_broken_off_wherever_that_was() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"iterable\"";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let cuts = [
        vec![],
        vec![Act::Reset],
        vec![Act::Send(head[..20].into())],
        // What is missing was promised by the length, or by the chunk that ends the others.
        vec![Act::Send(head.into())],
        vec![Act::Send(chunked.into()), chunk("{\"iterable\":[]}")],
        vec![Act::Send(chunked.into()), Act::Send(b"ff\r\n{\"it".into())],
    ];
    for cut in cuts {
        let script = cut.clone();
        let service = Scripted::start(move |_| script.clone()).await;
        let client = service.client(|_| ());
        for error in [
            in_time(client.backups()).await.unwrap_err(),
            in_time(client.assets()).await.unwrap_err(),
            in_time(client.create()).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), "broken-off", "after {cut:?}: {error:?}");
            assert!(!error.never_arrived());
        }
        assert_asked_once(&service);
    }
}

#[tokio::test]
async fn an_answer_that_is_something_else_makes_no_sense() {
    let page = "<!DOCTYPE html><html><style>a{color:red}</style>ok</html>";
    let bodies: [&[u8]; 7] = [
        page.as_bytes(),
        b"",
        b"[]",
        b"null",
        b"{\"iterable\":[{\"id\":1}]}",
        b"\xff\xfe\x00garbage\x80",
        // Its length lies: what it promises is less than what there is.
        b"{\"iterable\":[",
    ];
    for body in bodies {
        let service = Scripted::start(move |_| answer(200, "text/plain", body)).await;
        let client = service.client(|_| ());
        for error in [
            in_time(client.backups()).await.unwrap_err(),
            in_time(client.assets()).await.unwrap_err(),
            in_time(client.create()).await.unwrap_err(),
            in_time(client.overview()).await.unwrap_err(),
            in_time(client.capabilities()).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), "garbled", "{body:?}: {error:?}");
            assert!(error.fix().contains("address"));
        }
        assert!(!in_time(client.is_healthy()).await.unwrap(), "{body:?}");
        assert_asked_once(&service);
    }
}

#[tokio::test]
async fn whoever_speaks_no_http_at_all_is_no_service() {
    let service = Scripted::start(|_| vec![Act::Send(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())]).await;
    for error in every_way(&service.client(|_| ())).await {
        assert_eq!(error.code(), "broken-off", "{error:?}");
    }
    assert_asked_once(&service);
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable_and_nothing_arrived() {
    let service = Scripted::start(|_| vec![]).await;
    let client = service.client(|_| ());
    drop(service);
    tokio::task::yield_now().await;
    for error in every_way(&client).await {
        assert_eq!(error.code(), "unreachable", "{error:?}");
        assert!(error.never_arrived());
    }
}

#[tokio::test]
async fn what_has_no_end_is_not_read_to_its_end() {
    let service = Scripted::start(|asked| {
        let head = |status| format!("HTTP/1.1 {status} X\r\n\r\n").into_bytes();
        let filler = Act::Endless(vec![b' '; 64 * 1024]);
        match asked.what.as_str() {
            "GET /.well-known/health" => vec![
                Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Act::Endless(b"x-more: and more\r\n".repeat(100)),
            ],
            CREATE => vec![Act::Send(head(500)), Act::Send(b"Full.".to_vec()), filler],
            _ => vec![Act::Send(head(200)), filler],
        }
    })
    .await;
    let client = service.client(|_| ());
    let text = in_time(client.version()).await.unwrap_err();
    assert_eq!(text.code(), "garbled", "{text:?}");
    let list = in_time(client.backups()).await.unwrap_err();
    assert_eq!(list.code(), "garbled", "{list:?}");
    let refused = in_time(client.create()).await.unwrap_err();
    assert_eq!(
        (refused.status(), refused.message()),
        (Some(500), "Full.".into())
    );
    let head = in_time(client.is_healthy()).await.unwrap_err();
    assert_eq!(head.code(), "broken-off", "{head:?}");
}

#[tokio::test]
async fn an_endless_message_on_a_socket_is_not_taken() {
    let service = Scripted::start(|_| {
        let message = format!("{{\"version\":\"{}\"}}", "x".repeat(5 * 1024 * 1024));
        vec![Act::Socket(vec![message], After::Stall)]
    })
    .await;
    let client = service.client(|_| ());
    let mut overviews = Box::pin(in_time(client.watch_overview()).await.unwrap());
    let error = in_time(overviews.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "broken-off", "{error:?}");
}

#[tokio::test]
async fn a_socket_that_is_cut_or_reset_was_reached_and_has_broken_off() {
    for after in [After::Cut, After::Reset] {
        let service = Scripted::start(move |_| vec![Act::Socket(vec![], after)]).await;
        let client = service.client(|_| ());
        let mut progress = Box::pin(in_time(client.watch_progress()).await.unwrap());
        let error = in_time(progress.next()).await.unwrap().unwrap_err();
        assert_eq!(error.code(), "broken-off", "{after:?}: {error:?}");
        assert!(in_time(progress.next()).await.is_none());
    }
}

#[tokio::test]
async fn a_socket_that_talks_nonsense_says_so_and_goes_on() {
    let service = Scripted::start(|_| {
        let texts = ["<html>", "{\"backups\":[]}", "[1]"].map(str::to_owned);
        vec![Act::Socket(texts.to_vec(), After::Close)]
    })
    .await;
    let client = service.client(|_| ());
    let messages = in_time(client.watch_progress()).await.unwrap();
    let messages: Vec<_> = in_time(messages.collect()).await;
    let codes: Vec<_> = messages
        .iter()
        .map(|message| message.as_ref().map_or_else(ClientError::code, |_| "read"))
        .collect();
    assert_eq!(codes, ["garbled", "read", "garbled"]);
}

#[tokio::test]
async fn a_request_carries_the_token_an_id_in_its_place_and_one_accepted_kind() {
    let service = Scripted::start(|_| answer(500, "text/plain", "no")).await;
    let client = service.client(|_| ());
    in_time(client.restore("../a b/ü?#")).await.unwrap_err();
    let started = in_time(client.create_watched()).await;
    started.map(drop).unwrap_err();
    let watched = in_time(client.watch_progress()).await;
    watched.map(drop).unwrap_err();
    let asked = service.asked();
    let whats: Vec<_> = asked.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "POST /backup/..%2Fa%20b%2F%C3%BC%3F%23/restore",
            CREATE_STREAMED,
            "GET /backups/streamed/progress"
        ]
    );
    for (asked, accepted) in asked
        .iter()
        .zip(["application/json", "application/x-ndjson", ""])
    {
        let lines = |name: &str| -> Vec<String> {
            let lines = asked.head.lines().filter_map(|line| line.split_once(": "));
            lines
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
                .collect()
        };
        assert_eq!(lines("authorization"), ["Bearer secret-token"]);
        assert_eq!(lines("accept").join(" and "), accepted, "{}", asked.what);
    }
}
