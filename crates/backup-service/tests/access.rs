//! Who is refused on every route before anything happens: other hosts, web pages, and bodies that a page could send.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_service::bind;
use common::scene::{Scene, with};
use common::*;

#[tokio::test]
async fn only_this_machine_can_be_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"] {
        let error = bind(Some(address.parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{address}");
    }
    for listener in bind(None).await.unwrap() {
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_loopback(), "{address}");
    }
}

#[tokio::test]
async fn every_name_of_this_service_is_answered() {
    let scene = Scene::set(Allowed::default()).await;
    let port = scene.service.host().rsplit(':').next().unwrap();
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        let host = format!("{name}:{port}");
        let headers = [format!("Host: {host}"), scene.good()[1].clone()];
        for line in [
            "GET /backups".to_owned(),
            format!("GET http://{host}/backups"),
        ] {
            let (status, text) = scene.send(&line, &headers, "").await;
            assert_eq!(status, 200, "{line} for {host}: {text}");
        }
    }
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let [host, token] = scene.good();
    let port = host.rsplit(':').next().unwrap();
    let wrong = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "localhost".to_owned(),
        "localhost:1".to_owned(),
        format!("localhost.:{port}"),
        format!("localhost:{port}.evil.example"),
        format!("localhost:{port},evil.example"),
        format!("user@localhost:{port}"),
        format!("127.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
    ];
    for wrong in wrong {
        let headers = [format!("Host: {wrong}"), token.clone()];
        scene.all_refused(&headers, "", 421, "wrong-host").await;
    }
    let none = std::slice::from_ref(&token);
    scene.all_refused(none, "", 421, "wrong-host").await;
    let twice = [host.clone(), host.clone(), token.clone()];
    scene.all_refused(&twice, "", 421, "wrong-host").await;
    let two = [host, "Host: evil.example".to_owned(), token];
    scene.all_refused(&two, "", 421, "wrong-host").await;
}

#[tokio::test]
async fn a_request_whose_address_names_another_host_is_refused_although_its_header_is_right() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let before = scene.service.everything().await;
    for call in &scene.calls {
        for authority in ["evil.example", "localhost:1", "user@localhost:1000"] {
            let line = format!(
                "{} http://{authority}{}",
                call.method,
                call.path(&scene.ids)
            );
            let (status, text) = scene.send(&line, &scene.good(), "").await;
            assert_eq!(status, 421, "{line}: {text}");
            scene.assert_tells_nothing(&text);
            assert_eq!(scene.service.everything().await, before, "{line}");
        }
    }
}

#[tokio::test]
async fn a_web_page_is_refused_even_with_the_token() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let own = format!("Origin: http://{}", scene.service.host());
    let pages = [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: ",
        "Origin: tauri://localhost",
        own.as_str(),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none",
        "sec-fetch-site: ",
    ];
    for page in pages {
        let headers = with(&scene.good(), &[page, "Sec-Fetch-Mode: no-cors"]);
        scene.all_refused(&headers, "", 403, "web-page").await;
    }
}

#[tokio::test]
async fn a_page_that_asks_what_it_may_send_is_told_nothing() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let asks = [
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
    ];
    let headers = with(&scene.good(), &asks);
    for call in &scene.calls {
        let line = format!("OPTIONS {}", call.path(&scene.ids));
        let (status, text) = scene.send(&line, &headers, "").await;
        assert_eq!(status, 403, "{line}: {text}");
        scene.assert_tells_nothing(&text);
        let (status, text) = scene.send(&line, &scene.good(), "").await;
        assert_eq!(status, 405, "{line}: {text}");
        assert!(
            !text.to_ascii_lowercase().contains("access-control-"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_fetch_mode_that_node_sends_blocks_nobody() {
    let scene = Scene::set(Allowed::default()).await;
    let headers = with(&scene.good(), &["Sec-Fetch-Mode: cors"]);
    for call in scene.calls.iter().filter(|call| call.method == "GET") {
        let line = format!("GET {}", call.path(&scene.ids));
        let (status, text) = scene.send(&line, &headers, "").await;
        let expected = if call.is_websocket() { 426 } else { 200 };
        assert_eq!(status, expected, "{line}: {text}");
    }
    let (status, text) = scene.send("POST /backups/create", &headers, "").await;
    assert_eq!(status, 200, "{text}");
}

#[tokio::test]
async fn a_websocket_of_a_page_or_without_the_token_is_refused_and_starts_nothing() {
    let scene = Scene::set(Allowed::default()).await;
    let [host, token] = scene.good();
    let upgrade = [
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let before = scene.service.everything().await;
    let sockets: Vec<_> = scene
        .calls
        .iter()
        .filter(|call| call.is_websocket())
        .collect();
    assert!(sockets.len() >= 4);
    for call in sockets {
        let path = call.path(&scene.ids);
        let callers = [
            with(
                &[host.clone(), token.clone()],
                &["Origin: http://evil.example"],
            ),
            with(&[host.clone(), token.clone()], &["Origin: null"]),
            vec![host.clone()],
        ];
        for caller in callers {
            let mut request = format!("GET {path} HTTP/1.1\r\nConnection: Upgrade, close\r\n");
            for header in with(&caller, &upgrade) {
                request += &format!("{header}\r\n");
            }
            let (status, text) = scene.service.raw(&format!("{request}\r\n")).await;
            assert_eq!(status, 403, "{path} with {caller:?}: {text}");
            scene.assert_tells_nothing(&text);
            assert_eq!(
                scene.service.everything().await,
                before,
                "{path} with {caller:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_a_page_could_send_unasked_is_refused() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let sent = asset("from-a-page", "x");
    let length = format!("Content-Length: {}", sent.len());
    let kinds = [
        "X-No: content type",
        "Content-Type: ",
        "Content-Type: text/plain",
        "Content-Type: text/plain; application/json",
        "Content-Type: text/plain, application/json",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: application/jsonp",
    ];
    for kind in kinds {
        let headers = with(&scene.good(), &[kind, &length]);
        scene.all_refused(&headers, &sent, 415, "not-json").await;
    }
    let chunked = format!("{:x}\r\n{sent}\r\n0\r\n\r\n", sent.len());
    let headers = ["Content-Type: text/plain", "Transfer-Encoding: chunked"];
    let headers = with(&scene.good(), &headers);
    scene.all_refused(&headers, &chunked, 415, "not-json").await;
}

#[tokio::test]
async fn json_is_json_however_its_type_is_written() {
    let scene = Scene::set(Allowed::default()).await;
    let sent = asset("a-1", "x");
    let length = format!("Content-Length: {}", sent.len());
    for kind in [
        "application/json",
        "Application/JSON;charset=utf-8",
        "application/json ; x=y",
    ] {
        let headers = with(&scene.good(), &[&format!("Content-Type: {kind}"), &length]);
        let (status, text) = scene
            .send("POST /holdfast/library/import", &headers, &sent)
            .await;
        assert_eq!(status, 200, "{kind}: {text}");
    }
}

#[tokio::test]
async fn no_get_and_no_other_method_than_the_described_one_changes_anything() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let before = scene.service.everything().await;
    for call in &scene.calls {
        let path = call.path(&scene.ids);
        let described = |method: &str| {
            let mut same = scene
                .calls
                .iter()
                .filter(|other| other.template == call.template);
            same.any(|other| other.method == method)
        };
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
        ] {
            let reads = matches!(method, "GET" | "HEAD");
            if described(method) && !reads {
                continue;
            }
            let answer = answer(scene.service.request(method, &path)).await;
            let expected = match described("GET") && reads {
                true if call.is_websocket() => 426,
                true => 200,
                false => 405,
            };
            assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
            assert_eq!(scene.service.everything().await, before, "{method} {path}");
        }
    }
}
