//! What the tests share that follow a job `b` of a scripted service.

use backup_api::{BackupStreamedProgress, Status};
use backup_client::{ClientError, Watched};

use super::in_time;
use super::scripted::*;

pub const CREATE: &str = "POST /backups/create/streamed";
pub const SOCKET: &str = "GET /backups/streamed/progress";
pub const STATUS: &str = "GET /backup/b/creation/status";
pub const NDJSON: &str = "application/x-ndjson";

pub fn running(percentage: f64) -> BackupStreamedProgress {
    step("b", Status::InProgress, percentage)
}

pub fn done() -> BackupStreamedProgress {
    step("b", Status::Completed, 100.0)
}

pub fn plain(status: u16) -> Vec<Act> {
    answer(status, "text/plain", "no")
}

/// All that is heard of a job. After an error nothing may follow.
pub async fn heard(job: &mut Watched) -> (Vec<BackupStreamedProgress>, Option<ClientError>) {
    let mut steps = Vec::new();
    while let Some(step) = in_time(job.next()).await {
        match step {
            Ok(step) => steps.push(step),
            Err(error) => {
                assert!(in_time(job.next()).await.is_none(), "more after {error:?}");
                return (steps, Some(error));
            }
        }
    }
    (steps, None)
}

pub async fn heard_of_creation(
    service: &Scripted,
) -> (Vec<BackupStreamedProgress>, Option<ClientError>) {
    let client = service.client(|timeouts| timeouts.stall = SHORT);
    let mut job = in_time(client.create_watched()).await.unwrap();
    heard(&mut job).await
}

/// No request but the first may start anything.
pub fn assert_started_once(service: &Scripted) {
    let asked = service.asked();
    let posts = asked.iter().filter(|asked| asked.what.starts_with("POST"));
    assert_eq!(posts.count(), 1, "{:?}", service.story());
}
