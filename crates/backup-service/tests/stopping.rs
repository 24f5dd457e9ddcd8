//! The end of a service: every socket is closed, every task is over, and its folders can be opened again at once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backup_api::{BackupStreamedProgress, BackupsStreamedProgress, Overview, Status};
use backup_engine::Engine;
use common::*;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// Ends the service, and opens its data folder as the next start would. How long the end took.
async fn ended_and_opened_again(service: Service) -> (Duration, Home, Arc<Engine>) {
    let started = Instant::now();
    let home = service.end().await;
    let took = started.elapsed();
    // Panics where anything of the service still holds it.
    let engine = home.engine(None);
    (took, home, engine)
}

/// What was said last, and the code of the close frame.
async fn to_the_close<T: serde::de::DeserializeOwned>(socket: &mut Socket) -> (Option<T>, u16) {
    let mut last = None;
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        match message.expect("a silent socket") {
            Some(Ok(Message::Text(text))) => last = Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => return (last, frame.code.into()),
            Some(Ok(_)) => {}
            other => panic!("no close frame but {other:?}"),
        }
    }
}

#[tokio::test]
async fn open_sockets_are_closed_and_do_not_keep_the_folder_locked() {
    let service = Service::start().await;
    let mut progress = service.connect("/backups/streamed/progress").await.unwrap();
    let mut overview = service
        .connect("/holdfast/overview/websocket")
        .await
        .unwrap();
    let _: BackupsStreamedProgress = next(&mut progress).await.unwrap();
    let _: Overview = next(&mut overview).await.unwrap();
    let (took, _home, _engine) = ended_and_opened_again(service).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    let (_, code) = to_the_close::<BackupsStreamedProgress>(&mut progress).await;
    assert_eq!(code, 1001);
    let (_, code) = to_the_close::<Overview>(&mut overview).await;
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn a_job_that_the_end_stops_is_told_to_its_sockets_before_they_close() {
    let service = Service::start().await;
    service.fill(1_500, 15_000);
    let mut watcher = service.connect("/backups/streamed/progress").await.unwrap();
    let mut own = service
        .connect("/backups/create/streamed/websocket")
        .await
        .unwrap();
    let first: BackupStreamedProgress = next(&mut own).await.unwrap();
    let (_, home, engine) = ended_and_opened_again(service).await;
    let (last, code) = to_the_close::<BackupStreamedProgress>(&mut own).await;
    let last = last.unwrap();
    assert_eq!((last.status, code), (Some(Status::Canceled), 1000));
    let (all, code) = to_the_close::<BackupsStreamedProgress>(&mut watcher).await;
    let all = all.unwrap().backups.unwrap();
    assert_eq!((all[0].status, code), (Some(Status::Canceled), 1001));
    assert_eq!(all[0].backup.as_ref().unwrap().id, first.backup.unwrap().id);
    assert!(engine.backups().unwrap().is_empty());
    drop((engine, home));
}

#[tokio::test]
async fn clients_that_do_not_read_are_cut_off_and_do_not_keep_the_folder_locked() {
    let service = Service::start().await;
    service.fill(900, 15_000);
    let mut stalled = slow_reader(&service).await;
    let request = format!(
        "GET /assets HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        service.host(),
        service.authorization()
    );
    stalled.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 100];
    stalled.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200"));
    // Another that has sent half a request.
    let mut half = TcpStream::connect(service.host()).await.unwrap();
    half.write_all(b"GET /backups HT").await.unwrap();
    let (took, _home, _engine) = ended_and_opened_again(service).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// A connection that takes in little before it is read.
async fn slow_reader(service: &Service) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket
        .connect(service.host().parse().unwrap())
        .await
        .unwrap()
}
