//! Answers that are no success, or none of this API: what they say arrives, and nothing is asked again or elsewhere.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::in_time;
use common::scripted::*;
use common::ways::*;

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
