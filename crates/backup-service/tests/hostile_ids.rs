//! Ids that no honest client sends, on every route that takes one: answered like unknown ones, in words, and never a path.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::described::Ids;
use common::scene::Scene;
use common::*;

/// As they stand in a path: what is not ASCII is encoded by whoever sends it.
fn hostile() -> Vec<String> {
    let mut ids: Vec<String> = [
        "%2e%2e",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fholdfast.json",
        "..%5c..%5cwindows",
        "%2Fetc%2Fpasswd",
        "%00",
        "0.1.0_20260102T030405678Z%00",
        "%ff",
        "%c0%ae%c0%ae",
        "%ed%a0%80",
        "%",
        "%2",
        "%zz",
        "%F0%9F%92%BE",
        "%E2%80%AE",
        "%20",
        "%0d%0aX-Injected:%20yes",
        "%22%3E%3Cscript%3E",
        "';DROP%20TABLE%20assets;--",
        "%7Bbackup%7D",
        "*",
        "-1",
        "null",
        // Of the right form, but for no backup that there is.
        "0.1.0_20200102T030405678Z",
        "999999.0.0_20260102T030405678Z",
    ]
    .map(str::to_owned)
    .into();
    ids.push("x".repeat(10_000));
    ids.push("%41".repeat(3_000));
    ids
}

#[tokio::test]
async fn a_hostile_id_is_answered_like_an_unknown_one_and_changes_nothing() {
    let scene = Scene::set(Allowed::default()).await;
    let before = scene.service.everything().await;
    for call in scene.calls.iter().filter(|call| call.has_id()) {
        for id in hostile() {
            let path = call.path(&Ids::all(&id));
            let line = format!("{} {path}", call.method);
            let shown = &line[..line.len().min(120)];
            let (status, text) = scene.send(&line, &scene.good(), "").await;
            // A WebSocket says so before it looks at the id.
            let expected = if call.is_websocket() {
                426
            } else if call.statuses.contains(&404) {
                404
            } else {
                500
            };
            assert_eq!(status, expected, "{shown}: {text}");
            assert!(
                call.statuses.contains(&status),
                "{shown}: {status} is not described"
            );
            assert_helps(&scene, &text);
        }
        assert_eq!(scene.service.everything().await, before, "{call:?}");
    }
}

fn assert_helps(scene: &Scene, answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("X-Injected"), "{answer}");
    for told in ["passwd", "/", "<script", "DROP", &scene.service.file.token] {
        assert!(!body.contains(told), "{told} in {answer}");
    }
    let sentence = if head.contains("application/json") {
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        format!(
            "{} {}",
            problem["message"].as_str().unwrap(),
            problem["fix"].as_str().unwrap()
        )
    } else {
        assert!(head.contains("x-holdfast-code: "), "{answer}");
        body.to_owned()
    };
    assert!(sentence.len() > 40 && sentence.ends_with('.'), "{answer}");
}

#[tokio::test]
async fn a_websocket_to_restore_a_hostile_id_is_refused_and_starts_nothing() {
    let scene = Scene::set(Allowed::default()).await;
    let before = scene.service.everything().await;
    for id in hostile().into_iter().filter(|id| id.len() < 1_000) {
        // What is no valid address at all does not get as far as a request from this client.
        let path = format!("/backup/{id}/restore/streamed/websocket");
        match scene.service.connect(&path).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                assert_eq!(answer.status(), 500, "{id}");
                assert_eq!(
                    answer.headers()["x-holdfast-code"],
                    "unknown-backup",
                    "{id}"
                );
            }
            other => panic!("{id}: {other:?}"),
        }
    }
    assert_eq!(scene.service.everything().await, before);
}

#[tokio::test]
async fn an_empty_id_is_the_id_of_nothing() {
    let scene = Scene::set(Allowed::default()).await;
    let before = scene.service.everything().await;
    for call in scene
        .calls
        .iter()
        .filter(|call| call.has_id() && !call.is_websocket())
    {
        let line = format!("{} {}", call.method, call.path(&Ids::all("")));
        let (status, text) = scene.send(&line, &scene.good(), "").await;
        assert!(
            status == 404 || (status == 500 && call.statuses.contains(&500)),
            "{line}: {text}"
        );
        assert_eq!(scene.service.everything().await, before, "{line}");
    }
}

#[tokio::test]
async fn a_path_with_steps_or_empty_parts_is_no_call_at_all() {
    let scene = Scene::set(Allowed::default()).await;
    let before = scene.service.everything().await;
    let id = &scene.ids.backup;
    for line in [
        "GET /backup/".to_owned(),
        format!("POST /backup/../backup/{id}/restore"),
        format!("POST /backup/{id}/./restore"),
        format!("POST //backup/{id}/restore"),
        format!("POST /backup/{id}/restore/"),
        format!("POST /BACKUP/{id}/restore"),
        format!("POST /%62ackup/{id}/restore"),
        format!("POST /backup/{id}/%72estore"),
        format!("POST /backup/{id}%2Frestore"),
        format!("POST /backups/{id}/delete/../delete"),
        "GET /../../../../etc/passwd".to_owned(),
    ] {
        let (status, text) = scene.send(&line, &scene.good(), "").await;
        assert!(status == 404 || status == 405, "{line}: {text}");
        assert!(text.contains("x-holdfast-code: "), "{text}");
        assert_eq!(scene.service.everything().await, before, "{line}");
    }
}

#[tokio::test]
async fn an_asset_may_have_any_id_and_is_found_and_deleted_by_it() {
    let service = Service::start().await;
    let odd = [
        ("a\\\"b", "a%22b"),
        ("line\\nend\\u0007", "line%0Aend%07"),
        ("nul\\u0000nul", "nul%00nul"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
        ("..", "%2E%2E"),
        ("%2e", "%252e"),
        (
            "'; DROP TABLE assets; --",
            "'%3B%20DROP%20TABLE%20assets%3B%20--",
        ),
        ("\\ud83d\\udcbe \\u202e", "%F0%9F%92%BE%20%E2%80%AE"),
        ("e\\u0301", "e%CC%81"),
        ("\\u00e9", "%C3%A9"),
    ];
    let long = "x".repeat(10_000);
    let odd = odd.into_iter().chain([(long.as_str(), long.as_str())]);
    let odd: Vec<(&str, &str)> = odd.collect();
    let assets: Vec<String> = odd.iter().map(|(id, _)| asset(id, "odd")).collect();
    let body = format!("{{\"iterable\":[{}]}}", assets.join(","));
    assert_eq!(service.post_json("/backup", body).await.status, 204);
    for (at, (id, path)) in odd.iter().enumerate() {
        // Past a client that would take `%2E%2E` for a step.
        let headers = format!(
            "Host: {}\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
            service.host(),
            service.authorization()
        );
        let (status, text) = service
            .raw(&format!("GET /asset/{path} HTTP/1.1\r\n{headers}"))
            .await;
        assert_eq!(status, 200, "{id}: {text}");
        assert!(text.ends_with(&assets[at]), "{id}: {text}");
        let (status, text) = service
            .raw(&format!("POST /assets/{path}/delete HTTP/1.1\r\n{headers}"))
            .await;
        assert_eq!(status, 200, "{id}: {text}");
        let left: serde_json::Value = service.get("/assets").await.json();
        assert_eq!(
            left["iterable"].as_array().unwrap().len(),
            odd.len() - at - 1,
            "{id}"
        );
    }
}
