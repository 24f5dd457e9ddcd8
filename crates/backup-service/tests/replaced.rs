//! What is told while a restore replaces the library, and when its backup is gone right after.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Backup, Job, JobKind, Phase};
use common::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_list_that_a_restore_overtakes_breaks_off_and_is_never_half_of_each_library() {
    let service = Service::start().await;
    service.fill(10, 100);
    let backup = service.back_up().await.id;
    // More than the buffers between here and there hold.
    service.fill(900, 15_000);
    let whole = service.get("/assets").await.text;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket
        .connect(service.host().parse().unwrap())
        .await
        .unwrap();
    let request = format!(
        "GET /assets HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
        service.host(),
        service.authorization()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = vec![0; 1000];
    stream.read_exact(&mut text).await.unwrap();
    assert!(text.starts_with(b"HTTP/1.1 200"));
    let restored = service.post(&format!("/backup/{backup}/restore")).await;
    assert_eq!(restored.status, 200, "{restored:?}");
    // A connection that is reset says as well that this was not all.
    let rest = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    let _ = rest.expect("no end of the answer");
    assert!(text.len() < whole.len(), "it was all sent before");
    assert!(
        !text.ends_with(b"0\r\n\r\n"),
        "half a list that ends like a whole one"
    );
    let list = service.get("/assets").await.text;
    assert!(list.len() < 10_000 && list.ends_with("]}"), "{list}");
}

#[tokio::test]
async fn a_restore_that_is_done_is_said_to_be_done_although_its_disk_is_gone_by_then() {
    let service = Service::start().await;
    service.fill(1_500, 15_000);
    let backup = service.back_up().await;
    service.fill(1, 100);
    let away = service.home.data().join("away");
    let pull_the_disk_out = async {
        // All of the backup has been read by then.
        while !service.jobs().await.first().is_some_and(is_read) {}
        std::fs::rename(service.home.destination(), &away).unwrap();
    };
    let path = format!("/backup/{}/restore", backup.id);
    let (restored, ()) = tokio::join!(service.post(&path), pull_the_disk_out);
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(restored.json::<Backup>(), backup);
    let preview = format!("/holdfast/backups/{}/preview", backup.id);
    assert_eq!(service.get(&preview).await.status, 511);
}

fn is_read(job: &Job) -> bool {
    job.kind == JobKind::Restoration
        && matches!(
            job.phase,
            Phase::Verifying | Phase::Committing | Phase::Done
        )
}
