//! The service that belongs to a data folder: found while it runs, and never mistaken for another.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::Path;

use backup_api::{Capabilities, ServiceFile};
use backup_client::own_service;
use common::scripted::*;
use common::{Service, in_time};

fn write(folder: &Path, file: &ServiceFile) {
    let text = serde_json::to_vec(file).unwrap();
    std::fs::write(folder.join("service.json"), text).unwrap();
}

#[tokio::test]
async fn a_running_service_is_found_by_its_file_and_let_go_with_it() {
    let service = Service::start().await;
    let found = own_service(&service.data()).await.unwrap();
    assert_eq!(found, service.file);
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(own_service(elsewhere.path()).await, None, "no file");
    write(elsewhere.path(), &service.file);
    assert_eq!(own_service(elsewhere.path()).await, Some(found));

    let file = std::fs::read(service.data().join("service.json")).unwrap();
    let service = service.end().await;
    assert_eq!(own_service(&service.data()).await, None, "it has ended");
    std::fs::write(service.data().join("service.json"), file).unwrap();
    assert_eq!(own_service(&service.data()).await, None, "a leftover");
}

#[tokio::test]
async fn a_service_with_another_token_is_another_service() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    for token in ["", "wrong", "not\nfor a header"] {
        let mut file = service.file.clone();
        file.token = token.into();
        write(folder.path(), &file);
        assert_eq!(own_service(folder.path()).await, None, "{token:?}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_read_names_no_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.json");
    let pid = std::process::id();
    let address = |address: &str| format!(r#"{{"address":"{address}","token":"t","pid":{pid}}}"#);
    let texts = [
        String::new(),
        "{".into(),
        "[]".into(),
        r#"{"address":"http://127.0.0.1:1"}"#.into(),
        address(""),
        address("127.0.0.1:1000"),
        address("file:///etc/passwd"),
        address("http://127.0.0.1:0"),
    ];
    for text in texts {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(in_time(own_service(folder.path())).await, None, "{text}");
    }
    std::fs::write(&path, b"\xff\xfe\x00").unwrap();
    assert_eq!(own_service(folder.path()).await, None);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(own_service(folder.path()).await, None, "a folder");
}

#[tokio::test]
async fn whoever_else_listens_on_the_port_of_a_leftover_is_not_it() {
    let of_another = Capabilities {
        service: "another".into(),
        version: "1.0.0".into(),
        features: vec![],
    };
    let strangers = [
        answer(200, "text/html", "<html>ok</html>"),
        answer(200, "text/plain", "ok"),
        answer(404, "text/plain", "no"),
        answer(403, "text/plain", "no"),
        headed(302, "text/plain", "location: /elsewhere\r\n", ""),
        json(&of_another),
        vec![],
        vec![Act::Stall],
        vec![Act::Send(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())],
        vec![
            Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Act::Endless(vec![b' '; 65536]),
        ],
    ];
    let folder = tempfile::tempdir().unwrap();
    for stranger in strangers {
        let script = stranger.clone();
        let service = Scripted::start(move |_| script.clone()).await;
        let file = ServiceFile {
            address: format!("http://{}", service.address),
            token: "old".into(),
            // Of a process that runs: nothing but the answer can tell.
            pid: std::process::id(),
        };
        write(folder.path(), &file);
        let found = in_time(own_service(folder.path())).await;
        assert_eq!(found, None, "{stranger:?}");
        assert_eq!(service.asked().len(), 1);
    }
}

/// A stranger on the port of a leftover who says that he is a Holdfast, whatever he is asked.
#[cfg(target_os = "linux")]
async fn liar() -> Scripted {
    let claim = json(&Capabilities {
        service: "holdfast".into(),
        version: "1.0.0".into(),
        features: vec!["undo".into()],
    });
    Scripted::start(move |_| claim.clone()).await
}

#[cfg(target_os = "linux")]
fn leftover(stranger: &Scripted, pid: u32) -> ServiceFile {
    ServiceFile {
        address: format!("http://{}", stranger.address),
        token: "old".into(),
        pid,
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_whose_process_has_ended_is_a_leftover_and_the_stranger_on_its_port_gets_no_token() {
    let (folder, stranger) = (tempfile::tempdir().unwrap(), liar().await);
    let mut service = std::process::Command::new("true").spawn().unwrap();
    service.wait().unwrap();
    for pid in [service.id(), 0, u32::MAX] {
        write(folder.path(), &leftover(&stranger, pid));
        assert_eq!(in_time(own_service(folder.path())).await, None, "{pid}");
    }
    assert!(stranger.asked().is_empty(), "{:?}", stranger.asked());

    // It is the process that makes the difference.
    let file = leftover(&stranger, std::process::id());
    write(folder.path(), &file);
    assert_eq!(in_time(own_service(folder.path())).await, Some(file));
    assert_eq!(stranger.asked().len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_of_another_user_that_came_to_the_number_is_not_the_service() {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    let (folder, stranger) = (tempfile::tempdir().unwrap(), liar().await);
    // Only root may start one as somebody else; for everybody else the first process is another user's.
    let mut sleeper = Command::new("cat");
    sleeper.uid(65534).gid(65534).stdin(Stdio::piped());
    let mut sleeper = sleeper.spawn().ok();
    let pid = sleeper.as_ref().map_or(1, std::process::Child::id);
    write(folder.path(), &leftover(&stranger, pid));
    let found = in_time(own_service(folder.path())).await;
    if let Some(sleeper) = &mut sleeper {
        drop(sleeper.stdin.take());
        sleeper.wait().unwrap();
    }
    assert_eq!(found, None);
    assert!(stranger.asked().is_empty(), "{:?}", stranger.asked());
}
