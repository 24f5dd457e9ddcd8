//! What programs without the token may do on every route: nothing, read and create, or everything, as the user has switched.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::described::Call;
use common::scene::{Scene, with};
use common::*;

#[tokio::test]
async fn without_the_token_there_is_nothing_but_the_health_and_the_version() {
    let mut scene = Scene::set(Allowed::default()).await;
    let open = |call: &Call| call.template.starts_with("/.well-known/");
    for call in scene.calls.iter().filter(|call| open(call)) {
        let line = format!("GET {}", call.template);
        let (status, _) = scene.send(&line, &scene.good()[..1], "").await;
        assert_eq!(status, 200, "{line}");
    }
    scene.calls.retain(|call| !open(call));
    let (token, host) = (scene.service.file.token.clone(), scene.good()[0].clone());
    let other = if token.starts_with('0') { "1" } else { "0" };
    let wrong = [
        "X-No: token".to_owned(),
        "Authorization: ".to_owned(),
        "Authorization: Bearer ".to_owned(),
        format!("Authorization: {token}"),
        format!("Authorization: Basic {token}"),
        format!("Authorization: Bearer {other}{}", &token[1..]),
        format!("Authorization: Bearer {}", &token[1..]),
        format!("Authorization: Bearer {}", &token[..1]),
        format!("Authorization: Bearer {}", &token[..token.len() - 1]),
        format!("Authorization: Bearer {token}{token}"),
        format!("Authorization: Bearer {}", token.to_ascii_uppercase() + "A"),
        format!("Cookie: Authorization=Bearer {token}"),
    ];
    for wrong in wrong {
        let headers = [host.clone(), wrong];
        scene
            .all_refused(&headers, "", 403, "clients-not-allowed")
            .await;
    }
}

#[tokio::test]
async fn clients_that_were_let_in_read_and_create_and_are_refused_all_that_destroys_or_uploads() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: false,
    })
    .await;
    // What a client may do beside reading. A new call that does something is refused to them until it is named here.
    let creates = [
        "/backup",
        "/backup/asset",
        "/backups/create",
        "/backups/create/streamed",
        "/backup/{backup}/creation/cancel",
    ];
    let headers = &scene.good()[..1];
    let mut refused = 0;
    for call in &scene.calls {
        let line = format!("{} {}", call.method, call.path(&scene.ids));
        let restores = call.is_websocket() && call.template.contains("/restore");
        let may = if call.method == "GET" {
            !restores
        } else {
            creates.contains(&call.template.as_str())
        };
        let before = scene.service.everything().await;
        let (status, text) = scene.send(&line, headers, "").await;
        if may {
            assert!(![401, 403].contains(&status), "{line}: {text}");
            continue;
        }
        refused += 1;
        assert_eq!(status, 403, "{line}: {text}");
        // What names folders of this machine, or is about the key, is for the token alone, whatever else was switched on.
        let folders = call.template.starts_with("/holdfast/key")
            || call.template.starts_with("/holdfast/sources")
            || call.template.ends_with("}/preview")
            || call.template == "/holdfast/backups/{backup}/restore";
        let code = if folders {
            "needs-token"
        } else {
            "unattended-not-allowed"
        };
        assert!(text.contains(code), "{line}: {text}");
        scene.assert_tells_nothing(&text);
        assert_eq!(scene.service.everything().await, before, "{line}");
    }
    assert!(refused >= 8, "{refused}");
}

#[tokio::test]
async fn a_client_that_may_not_upload_cannot_hide_an_upload_in_a_backup() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: false,
    })
    .await;
    let before = scene.service.everything().await;
    let (one, kind) = (asset("uploaded", "x"), "Content-Type: application/json");
    let many = format!("{{\"iterable\":[{one}]}}");
    for (path, body) in [("/backup", &many), ("/backup/asset", &one)] {
        let whole = (format!("Content-Length: {}", body.len()), body.clone());
        let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let chunked = ("Transfer-Encoding: chunked".to_owned(), chunks);
        for (framing, body) in [whole, chunked] {
            let headers = with(&scene.good()[..1], &[kind, &framing]);
            let (status, text) = scene.send(&format!("POST {path}"), &headers, &body).await;
            assert_eq!(status, 403, "{path} {framing}: {text}");
            scene.assert_tells_nothing(&text);
            assert_eq!(scene.service.everything().await, before, "{path} {framing}");
        }
    }
}

#[tokio::test]
async fn unattended_clients_may_do_all_that_the_app_may() {
    let scene = Scene::set(Allowed {
        clients: true,
        unattended: true,
    })
    .await;
    let ids = &scene.ids;
    let calls = [
        ("/holdfast/undo".to_owned(), String::new(), 200),
        (
            format!("/holdfast/backups/{}/undelete", ids.deleted),
            String::new(),
            204,
        ),
        ("/backup/asset".to_owned(), asset("sent", "x"), 204),
        (format!("/assets/{}/delete", ids.asset), String::new(), 200),
        (
            format!("/backup/{}/restore", ids.backup),
            String::new(),
            200,
        ),
        (
            format!("/backups/{}/delete", ids.backup),
            String::new(),
            204,
        ),
        (
            "/holdfast/library/import".to_owned(),
            asset("more", "x"),
            200,
        ),
    ];
    for (path, body, expected) in calls {
        let length = format!("Content-Length: {}", body.len());
        let headers = with(
            &scene.good()[..1],
            &["Content-Type: application/json", &length],
        );
        let (status, text) = scene.send(&format!("POST {path}"), &headers, &body).await;
        assert_eq!(status, expected, "{path}: {text}");
    }
}
