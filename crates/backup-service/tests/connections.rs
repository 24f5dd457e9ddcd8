//! Many clients, slow ones and silent ones: the service goes on for the others.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use backup_api::{BackupsStreamedProgress, Overview};
use common::*;
use futures::SinkExt;
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long the service lets a head take, and some more for a busy machine.
const HEAD_AND_A_BREATH: Duration = Duration::from_secs(20);

#[tokio::test]
async fn more_silent_connections_than_are_allowed_stop_the_service_not_for_long() {
    let service = Service::start().await;
    let silent = (0..300).map(|_| TcpStream::connect(service.host()));
    let silent = join_all(silent).await;
    assert!(silent.iter().all(Result::is_ok));
    let answered = tokio::time::timeout(HEAD_AND_A_BREATH, service.get("/holdfast/overview"));
    assert_eq!(answered.await.expect("it stands still").status, 200);
    drop(silent);
}

#[tokio::test]
async fn a_head_that_comes_in_crumbs_is_given_up() {
    let service = Service::start().await;
    let mut stream = TcpStream::connect(service.host()).await.unwrap();
    let started = Instant::now();
    let start = format!("GET /backups HTTP/1.1\r\nHost: {}\r\n", service.host());
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let crumbs = async {
        let mut pace = tokio::time::interval(Duration::from_millis(200));
        loop {
            pace.tick().await;
            if writer.write_all(b"x: y\r\n").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut text = Vec::new();
    let closed = async {
        // A reset is an end as well.
        let _ = reader.read_to_end(&mut text).await;
    };
    tokio::select! {
        () = closed => (),
        () = crumbs => (),
        () = tokio::time::sleep(HEAD_AND_A_BREATH) => panic!("it is waited for still"),
    }
    assert!(started.elapsed() > Duration::from_secs(5), "{text:?}");
    let text = String::from_utf8_lossy(&text);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let service = Service::start().await;
    let head = |filler: &str| {
        format!(
            "GET /backups HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: close\r\n{filler}\r\n",
            service.host(),
            service.authorization()
        )
    };
    let (large, many) = (
        format!("X: {}\r\n", "y".repeat(70_000)),
        (0..2_000).map(|at| format!("X-{at}: y\r\n")).collect(),
    );
    for filler in [large, many] {
        let mut stream = TcpStream::connect(service.host()).await.unwrap();
        // It may be closed before all of it is sent.
        let _ = stream.write_all(head(&filler).as_bytes()).await;
        let mut start = [0; 12];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut start)).await;
        read.expect("no answer").unwrap();
        assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 431");
    }
    let (status, _) = service.raw(&head("X: y\r\n")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn two_hundred_who_ask_at_once_how_things_are_are_all_told() {
    let service = Service::start().await;
    service.fill(20, 100);
    service.back_up().await;
    let asked = (0..200).map(|_| service.get("/holdfast/overview"));
    let told = tokio::time::timeout(PATIENCE, join_all(asked)).await;
    for answer in told.expect("it stands still") {
        assert_eq!(answer.status, 200, "{answer:?}");
        let overview: Overview = answer.json();
        assert_eq!((overview.backups, overview.library.assets), (Some(1), 20));
    }
}

#[tokio::test]
async fn sockets_have_a_limit_of_their_own_beyond_which_nothing_is_started() {
    const PATH: &str = "/backups/streamed/progress";
    let service = Service::start().await;
    let mut sockets = Vec::new();
    let refusal = loop {
        match service.connect(PATH).await {
            Ok(socket) => sockets.push(socket),
            Err(Error::Http(refusal)) => break refusal,
            Err(other) => panic!("{other}"),
        }
        assert!(sockets.len() <= 64, "there is no limit");
    };
    assert_eq!(sockets.len(), 64);
    assert_eq!(refusal.status(), 503);
    assert_eq!(refusal.headers()["x-holdfast-code"], "too-many-sockets");
    let create = service.connect("/backups/create/streamed/websocket").await;
    assert!(matches!(create, Err(Error::Http(refusal)) if refusal.status() == 503));
    assert!(service.jobs().await.is_empty(), "it was started");
    // Others are still answered, and a place is free again once a socket is closed.
    let mut gone = sockets.pop().unwrap();
    gone.close(None).await.unwrap();
    while next::<BackupsStreamedProgress>(&mut gone).await.is_some() {}
    let again = async {
        loop {
            match service.connect(PATH).await {
                Ok(socket) => break socket,
                Err(Error::Http(refusal)) => assert_eq!(refusal.status(), 503),
                Err(other) => panic!("{other}"),
            }
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await;
    let mut again = again.expect("its place is not given back");
    let _: BackupsStreamedProgress = next(&mut again).await.unwrap();
}

#[tokio::test]
async fn a_client_that_talks_does_not_make_the_service_look_more_often() {
    let service = Service::start().await;
    let mut socket = service
        .connect("/holdfast/overview/websocket")
        .await
        .unwrap();
    let quiet = Duration::from_secs(1);
    // The first looks are over: the next one is due in more than three seconds.
    while let Ok(seen) = tokio::time::timeout(quiet, next::<Overview>(&mut socket)).await {
        assert_eq!(seen.unwrap().library.assets, 0);
    }
    service.fill(5, 100);
    for _ in 0..50 {
        socket.send(Message::text("well?")).await.unwrap();
    }
    let early = tokio::time::timeout(quiet, next::<Overview>(&mut socket)).await;
    assert!(early.is_err(), "a message was taken for a change");
    let seen: Overview = next(&mut socket).await.unwrap();
    assert_eq!(seen.library.assets, 5);
}
