//! Single answers of a service that stalls, lies, breaks off or talks nonsense: each ends in time, with the right error, and
//! asked for once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use backup_client::{Client, ClientError};
use common::in_time;
use common::scripted::*;
use futures::StreamExt;

/// Time enough to fail by, where a test is about a time that runs out.
const SHORT: Duration = Duration::from_millis(200);
const CREATE: &str = "POST /backups/create";
const CREATE_STREAMED: &str = "POST /backups/create/streamed";

fn impatient(service: &Scripted) -> Client {
    service.client(|timeouts| {
        (timeouts.call, timeouts.cancel) = (SHORT, SHORT);
        (timeouts.job, timeouts.stall) = (SHORT, SHORT);
    })
}

/// One call of each way in which an answer is read, and how each of them ended.
async fn every_way(client: &Client) -> Vec<ClientError> {
    let mut errors = vec![
        in_time(client.backups()).await.unwrap_err(),
        in_time(client.assets()).await.unwrap_err(),
        in_time(client.create()).await.unwrap_err(),
        in_time(client.undo()).await.unwrap_err(),
        in_time(client.import("{}")).await.unwrap_err(),
    ];
    errors.extend(every_head(client).await);
    errors
}

/// Those for which the head of an answer is enough.
async fn every_head(client: &Client) -> Vec<ClientError> {
    vec![
        in_time(client.delete("b")).await.unwrap_err(),
        in_time(client.answers_head()).await.unwrap_err(),
        in_time(client.back_up_assets(None)).await.unwrap_err(),
        in_time(client.create_watched())
            .await
            .map(drop)
            .unwrap_err(),
        in_time(client.watch_overview())
            .await
            .map(drop)
            .unwrap_err(),
    ]
}

fn assert_asked_once(service: &Scripted) {
    for asked in service.asked() {
        assert_eq!(asked.before, 0, "asked again: {}", asked.what);
    }
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
async fn an_error_whose_words_never_come_is_the_error_all_the_same() {
    let service = Scripted::start(|_| {
        let head =
            b"HTTP/1.1 511 X\r\ncontent-length: 90\r\nx-holdfast-code: locked\r\n\r\nThe key";
        vec![Act::Send(head.to_vec()), Act::Stall]
    })
    .await;
    let client = service.client(|timeouts| timeouts.call = SHORT);
    for error in [
        in_time(client.backups()).await.unwrap_err(),
        in_time(client.create_watched())
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!((error.status(), error.code()), (Some(511), "locked"));
    }
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
async fn a_page_for_a_browser_is_no_answer_to_anything() {
    for kind in ["text/html", "Text/HTML; charset=utf-8"] {
        let service = Scripted::start(move |_| answer(200, kind, "ok {}")).await;
        let client = service.client(|_| ());
        let mut errors = every_way(&client).await;
        // A server that shows pages says so in other words when a socket is asked for.
        assert_eq!(errors.pop().unwrap().status(), Some(200));
        errors.push(in_time(client.is_healthy()).await.unwrap_err());
        errors.push(in_time(client.cancel_creation("b")).await.unwrap_err());
        for error in errors {
            assert_eq!(error.code(), "garbled", "{error:?}");
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
async fn a_refusal_keeps_its_status_its_code_and_its_words() {
    let statuses = [
        (500, "refused"),
        (505, "newer"),
        (511, "locked"),
        (404, "not-found"),
        (403, "not-allowed"),
    ];
    for (status, usual_code) in statuses {
        let (words, fix) = ("It did not work.", "Try ä€😀.");
        let problem =
            format!(r#"{{"code":"its-own","message":"{words}","fix":"{fix}","later":1}}"#);
        let header = "x-holdfast-code: its-own\r\n";
        let text = format!("{words} {fix}");
        let cases = [
            (
                headed(status, "text/plain", "", &text),
                usual_code,
                &text[..],
                "",
            ),
            (
                headed(status, "text/plain", header, &text),
                "its-own",
                &text,
                "",
            ),
            (
                headed(status, "application/json", "", problem),
                "its-own",
                words,
                fix,
            ),
        ];
        for (script, code, message, fix) in cases {
            let service = Scripted::start(move |_| script.clone()).await;
            let client = service.client(|_| ());
            let mut errors = every_way(&client).await;
            // The answer to a HEAD has no words.
            let head = errors.remove(6);
            assert_eq!(head.status(), Some(status), "{head:?}");
            for error in errors {
                assert_eq!(error.status(), Some(status), "{error:?}");
                assert_eq!(error.code(), code, "{error:?}");
                assert_eq!((error.message(), error.fix()), (message.into(), fix.into()));
                assert!(!error.never_arrived());
            }
            assert_asked_once(&service);
        }
    }
}

#[tokio::test]
async fn a_refusal_without_a_word_or_with_a_page_still_says_something_short() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        "GET /backups" => answer(502, "text/plain", ""),
        _ => answer(500, "text/html", "<p>ü".repeat(100_000)),
    })
    .await;
    let client = service.client(|_| ());
    let silent = in_time(client.backups()).await.unwrap_err();
    assert!(silent.message().contains("502"), "{}", silent.message());
    let page = in_time(client.create()).await.unwrap_err();
    assert_eq!(page.message().chars().count(), 500);
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
async fn a_redirect_is_not_followed_and_no_token_goes_elsewhere() {
    let elsewhere = Scripted::start(|_| json(&serde_json::json!({"iterable": []}))).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: http://{}/backups\r\n", elsewhere.address);
        let service = Scripted::start(move |_| headed(status, "text/plain", &location, "")).await;
        for error in every_way(&service.client(|_| ())).await {
            assert_eq!(error.status(), Some(status), "{error:?}");
        }
        assert_asked_once(&service);
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn a_service_without_extensions_has_no_capabilities() {
    for (status, has_none) in [
        (404, true),
        (405, true),
        (501, true),
        (500, false),
        (403, false),
    ] {
        let service = Scripted::start(move |_| answer(status, "text/plain", "no")).await;
        let answer = in_time(service.client(|_| ()).capabilities()).await;
        assert_eq!(matches!(answer, Ok(None)), has_none, "{status}: {answer:?}");
        assert_eq!(answer.is_err(), !has_none, "{status}");
    }
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
