//! Bodies that are wrong: refused with the documented status and a sentence that helps, and nothing was changed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The calls that read a body.
const READ_BODIES: [&str; 7] = [
    "/backup",
    "/backup/asset",
    "/backups/create",
    "/backups/create/streamed",
    "/holdfast/library/import",
    "/holdfast/sources",
    "/holdfast/verify",
];

/// These, and the restores of this backup and their preview.
fn paths(backup: &str) -> Vec<String> {
    let restores = [
        format!("/backup/{backup}/restore"),
        format!("/backup/{backup}/restore/streamed"),
        format!("/holdfast/backups/{backup}/restore"),
        format!("/holdfast/backups/{backup}/preview"),
    ];
    let others = READ_BODIES.map(str::to_owned);
    others.into_iter().chain(restores).collect()
}

async fn with_a_backup() -> (Service, String) {
    let service = Service::start().await;
    service.fill(20, 100);
    let id = service.back_up().await.id;
    service.fill(30, 100);
    (service, id)
}

/// Code and sentence of a refusal, which is short and helps.
fn assert_helps(answer: &Answer) -> String {
    let text = if answer.header("content-type") == "application/json" {
        let problem: backup_api::Problem = answer.json();
        format!("{} {}", problem.message, problem.fix)
    } else {
        assert!(
            answer.header("content-type").starts_with("text/plain"),
            "{answer:?}"
        );
        answer.text.clone()
    };
    assert!(
        text.len() > 40 && text.ends_with('.'),
        "no help in {answer:?}"
    );
    assert!(text.len() < 500, "{} bytes of text", text.len());
    assert!(!text.contains("/tmp") && !text.contains("src/"), "{text}");
    text
}

#[tokio::test]
async fn what_is_not_json_is_refused_on_every_call_that_reads_a_body() {
    let (service, id) = with_a_backup().await;
    let before = service.everything().await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_objects = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let broken: [&[u8]; 11] = [
        b"{",
        b"{\"iterable\":[",
        b"{\"iterable\":[],}",
        b"{'iterable':[]}",
        b"nonsense",
        b"{} {}",
        b"\xff\xfe{}",
        b"{\"schema\":\"\xc3\x28\"}",
        b"\0",
        &deep.as_bytes()[..10_000],
        deep.as_bytes(),
    ];
    for path in paths(&id) {
        for body in broken.into_iter().chain([deep_objects.as_bytes()]) {
            // A field that is ignored need not be shallow.
            if body.starts_with(b"{\"a\"") && path.starts_with("/backups/create") {
                continue;
            }
            let sent = service.post_json(&path, body.to_vec()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(20)]);
            assert_eq!(sent.status, 400, "{path} {shown}: {sent:?}");
            assert_eq!(sent.code(), "bad-body", "{path} {shown}");
            assert_helps(&sent);
            assert_eq!(service.everything().await, before, "{path} {shown}");
        }
    }
}

#[tokio::test]
async fn json_of_the_wrong_shape_is_refused_and_the_refusal_says_what_is_wrong() {
    let (service, _) = with_a_backup().await;
    let before = service.everything().await;
    let good = asset("a-1", "x");
    let without = |field: &str| good.replace(&format!("\"{field}\":"), "\"other\":");
    let cases = [
        ("[]".to_owned(), ""),
        ("7".to_owned(), ""),
        ("\"text\"".to_owned(), ""),
        ("{}".to_owned(), "missing"),
        (without("id"), "id"),
        (without("created"), "created"),
        (without("updated"), "updated"),
        (without("preview"), "preview"),
        (good.replace("\"a-1\"", "17"), "string"),
        (good.replace("\"a-1\"", "null"), "string"),
        (good.replace("\"a-1\"", "\"\""), "empty"),
        (good.replace("\"a-1\"", "\"\\ud800\""), "hex escape"),
        (good.replace("\"a-1\"", "\"a\nb\""), "control"),
        (
            good.replace("\"a-1\"", "\"a-1\",\"id\":\"a-2\""),
            "duplicate",
        ),
        (
            good.replace("{\"value\":\"2026-01-02T03:04:05Z\"}", "7"),
            "",
        ),
    ];
    for (one, says) in &cases {
        let many = format!("{{\"iterable\":[{good},{one}]}}");
        for (path, body) in [
            ("/backup/asset", one),
            ("/holdfast/library/import", one),
            ("/backup", &many),
            ("/holdfast/library/import", &many),
        ] {
            let sent = service.post_json(path, body.clone()).await;
            assert_eq!(sent.status, 400, "{path} {body}: {sent:?}");
            assert_eq!(sent.code(), "bad-body", "{path} {body}");
            let text = assert_helps(&sent);
            assert!(text.contains(says), "{says:?} is not in {text}");
            assert!(text.contains("Nothing was changed."), "{text}");
            assert_eq!(service.everything().await, before, "{path} {body}");
        }
    }
    for body in [
        "{\"iterable\":null}",
        "{\"iterable\":{}}",
        "{\"iterable\":\"x\"}",
        "{\"iterable\":[null]}",
    ] {
        let sent = service.post_json("/backup", body).await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (400, "bad-body"),
            "{body}"
        );
    }
    for body in [
        "{\"schema\":7}",
        "{\"schema\":{\"migration\":\"x\"}}",
        "[1]",
    ] {
        let sent = service.post_json("/backups/create", body).await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (400, "bad-body"),
            "{body}"
        );
        assert_helps(&sent);
    }
    assert_eq!(service.everything().await, before);
}

#[tokio::test]
async fn a_restore_whose_body_names_another_backup_is_refused() {
    let (service, id) = with_a_backup().await;
    let other = service.back_up().await;
    let before = service.everything().await;
    let named = json(&other).to_string();
    for call in ["restore", "restore/streamed"] {
        let path = format!("/backup/{id}/{call}");
        for body in [named.as_str(), "{\"id\":\"\"}", "{\"id\":7}"] {
            let sent = service.post_json(&path, body.to_owned()).await;
            let refusal = (sent.status, sent.code());
            assert_eq!(refusal, (400, "other-backup".into()), "{path} {body}");
            let text = assert_helps(&sent);
            assert!(text.contains("Nothing was changed."), "{text}");
        }
        assert_eq!(service.everything().await, before, "{path}");
    }
    for body in [named.as_str(), "{}", "{\"id\":null}"] {
        let path = format!("/backup/{}/restore", other.id);
        let restored = service.post_json(&path, body.to_owned()).await;
        assert_eq!(restored.status, 200, "{body}: {restored:?}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_give_a_large_body_back() {
    let service = Service::start().await;
    let long = format!("\"{}\"", "x".repeat(1_000_000));
    let key = format!("{{{long}:1}}");
    let typed = asset("a-1", "x").replace("{\"value\":\"2026-01-02T03:04:05Z\"}", &long);
    for path in READ_BODIES {
        for body in [&long, &key, &typed] {
            let sent = service.post_json(path, body.clone()).await;
            if sent.status != 200 && sent.status != 204 {
                assert_eq!(sent.status, 400, "{path}: {}", sent.status);
                assert_helps(&sent);
            }
        }
    }
}

#[tokio::test]
async fn no_body_an_empty_one_and_null_are_the_same() {
    let service = Service::start().await;
    service.fill(3, 100);
    for path in [
        "/backup",
        "/backup/asset",
        "/backups/create",
        "/backups/create/streamed",
    ] {
        for body in ["", " \r\n\t ", "null", " null\n"] {
            let sent = service.post_json(path, body).await;
            assert!(
                [200, 204].contains(&sent.status),
                "{path} {body:?}: {sent:?}"
            );
        }
    }
    assert_eq!(service.jobs().await.len(), 16);
    for body in ["", " ", "null"] {
        let sent = service.post_json("/holdfast/library/import", body).await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (400, "bad-body"),
            "{body:?}"
        );
        assert_helps(&sent);
    }
}

#[tokio::test]
async fn of_two_assets_with_one_id_the_later_one_stays() {
    let service = Service::start().await;
    let (first, second) = (asset("twice", "first"), asset("twice", "second"));
    let other = asset("once", "x");
    let body = format!("{{\"iterable\":[{first},{other},{second}]}}");
    assert_eq!(service.post_json("/backup", body).await.status, 204);
    assert_eq!(service.get("/asset/twice").await.text, second);
    let all = service.get("/assets").await.text;
    assert_eq!(all, format!("{{\"iterable\":[{other},{second}]}}"));
}

#[tokio::test]
async fn a_deep_asset_is_kept_as_it_is() {
    let service = Service::start().await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let sent = asset("deep", "x").replace("\"MANUAL\"", &deep);
    assert_eq!(
        service
            .post_json("/backup/asset", sent.clone())
            .await
            .status,
        204
    );
    assert_eq!(service.get("/asset/deep").await.text, sent);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_however_it_is_sent() {
    let (service, id) = with_a_backup().await;
    let before = service.everything().await;
    let limit = 64 << 20;
    // So much more that a service which stops reading at the limit would cut off who is still sending.
    let far_over = limit + (16 << 20);
    for path in paths(&id) {
        let (status, text) = send_spaces(&service, &path, far_over, true).await;
        assert_eq!(status, 413, "{path}: {text}");
        assert!(
            text.contains("too-large") && text.contains("67 MB"),
            "{text}"
        );
    }
    for count in [limit + 1, far_over] {
        let (status, text) = send_spaces(&service, "/backup", count, false).await;
        assert_eq!(status, 413, "{text}");
    }
    assert_eq!(service.everything().await, before);
    let (status, text) = send_spaces(&service, "/backups/create", limit, true).await;
    assert_eq!(status, 200, "exactly the limit: {text}");
}

/// Sends so many spaces, as far as the service takes them, and reads its answer.
async fn send_spaces(service: &Service, path: &str, count: usize, chunked: bool) -> (u16, String) {
    let stream = TcpStream::connect(service.host()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let framing = if chunked {
        "Transfer-Encoding: chunked".to_owned()
    } else {
        format!("Content-Length: {count}")
    };
    let head = head(service, path, &framing);
    let writing = tokio::spawn(async move {
        writer.write_all(head.as_bytes()).await?;
        let spaces = vec![b' '; 1 << 20];
        for at in (0..count).step_by(spaces.len()) {
            let now = &spaces[..spaces.len().min(count - at)];
            if chunked {
                let size = format!("{:x}\r\n", now.len());
                writer.write_all(size.as_bytes()).await?;
            }
            writer.write_all(now).await?;
            if chunked {
                writer.write_all(b"\r\n").await?;
            }
        }
        if chunked {
            writer.write_all(b"0\r\n\r\n").await?;
        }
        // Given back, because a client that hangs up is not answered.
        Ok::<_, std::io::Error>(writer)
    });
    let mut read = Vec::new();
    let answered = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut read)).await;
    answered.expect("no end of the answer").unwrap();
    writing.await.unwrap().expect("cut off while sending");
    let text = String::from_utf8_lossy(&read).into_owned();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text}")), text)
}

fn head(service: &Service, path: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n",
        service.host(),
        service.authorization()
    )
}

#[tokio::test]
async fn uploads_that_stall_do_not_hold_up_a_backup_without_one() {
    let service = Service::start().await;
    service.fill(3, 100);
    let mut stalled = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(service.host()).await.unwrap();
        let begun = head(&service, "/backup", "Content-Length: 100") + "{\"iterable\":";
        stream.write_all(begun.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    service.back_up().await;
    assert_eq!(service.post("/backup").await.status, 204);
    // Once they hang up, the next upload has its turn.
    drop(stalled);
    let sent = service.post_json("/backup/asset", asset("a-1", "x")).await;
    assert_eq!(sent.status, 204, "{sent:?}");
}

#[tokio::test]
async fn a_body_that_comes_in_crumbs_is_taken_whole_and_one_that_breaks_off_is_not() {
    let service = Service::start().await;
    let one = asset("a-1", "x");
    let before = service.everything().await;
    for sent in [1, one.len() / 2, one.len() - 1] {
        let mut stream = TcpStream::connect(service.host()).await.unwrap();
        let framing = format!("Content-Length: {}", one.len());
        let part = head(&service, "/backup/asset", &framing) + &one[..sent];
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{sent}");
        assert_eq!(service.everything().await, before, "{sent}");
    }
    let mut stream = TcpStream::connect(service.host()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = head(&service, "/backup/asset", "Transfer-Encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    for byte in one.as_bytes() {
        let crumb = [b"1\r\n", &[*byte][..], b"\r\n"].concat();
        stream.write_all(&crumb).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert_eq!(service.get("/asset/a-1").await.text, one);
}
