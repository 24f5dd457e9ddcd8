//! Progress as it goes over the wire: in lines, events, one object or WebSocket messages, always from a named start to one
//! end.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{
    Backup, BackupStreamedProgress, Backups, BackupsStreamedProgress, JobState, Overview, Status,
};
use common::*;

const CREATE: &str = "/backups/create/streamed";

/// What holds for every stream of a job that goes well. Returns the backup it is about.
fn assert_sound(steps: &[BackupStreamedProgress]) -> Backup {
    let (first, last) = (&steps[0], steps.last().unwrap());
    let backup = first
        .backup
        .clone()
        .expect("the first object names the backup");
    let mut percentage = 0.0;
    for step in steps {
        assert_eq!(step.backup.as_ref().unwrap().id, backup.id);
        let now = step.percentage.unwrap();
        assert!(now >= percentage, "back from {percentage} to {now}");
        percentage = now;
    }
    for step in &steps[..steps.len() - 1] {
        assert!(
            !step.status.unwrap().is_terminal(),
            "an end before the end: {step:?}"
        );
        assert!(
            step.percentage.unwrap() < 100.0,
            "done before the end: {step:?}"
        );
    }
    assert_eq!(
        (last.status, last.percentage),
        (Some(Status::Completed), Some(100.0))
    );
    last.backup.clone().unwrap()
}

/// Enough for several objects of progress.
async fn with_a_library() -> Service {
    let service = Service::start().await;
    service.fill(600, 15_000);
    service
}

async fn streamed(service: &Service, path: &str, accept: Option<&str>) -> Answer {
    let mut request = service.request("POST", path);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let answer = answer(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn lines(text: &str) -> Vec<BackupStreamedProgress> {
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn events(text: &str) -> Vec<BackupStreamedProgress> {
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
    events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn progress_is_framed_as_the_client_asks() {
    let service = with_a_library().await;
    let kinds = [
        None,
        Some("*/*"),
        Some("application/x-ndjson"),
        Some("text/event-stream"),
        Some("application/json"),
    ];
    let mut made = Vec::new();
    for accept in kinds {
        let answer = streamed(&service, CREATE, accept).await;
        let kind = answer.header("content-type");
        let steps = match accept {
            Some("text/event-stream") => {
                assert_eq!(kind, "text/event-stream");
                events(&answer.text)
            }
            Some("application/json") => {
                assert_eq!(kind, "application/json");
                vec![answer.json()]
            }
            _ => {
                assert_eq!(kind, "application/x-ndjson");
                lines(&answer.text)
            }
        };
        assert_eq!(steps.len() == 1, accept == Some("application/json"));
        made.insert(0, assert_sound(&steps).id);
    }
    let list: Backups = service.get("/backups").await.json();
    assert!(list.iterable.iter().map(|backup| &backup.id).eq(&made));
    for accept in kinds {
        let path = format!("/backup/{}/restore/streamed", made[0]);
        let answer = streamed(&service, &path, accept).await;
        let steps = match accept {
            Some("text/event-stream") => events(&answer.text),
            Some("application/json") => vec![answer.json()],
            _ => lines(&answer.text),
        };
        assert_eq!(assert_sound(&steps), list.iterable[0]);
    }
}

#[tokio::test]
async fn progress_arrives_while_the_job_runs() {
    let service = with_a_library().await;
    let mut response = service.request("POST", CREATE).send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    let first = lines(std::str::from_utf8(&first).unwrap()).remove(0);
    let job = service.jobs().await.remove(0);
    assert_eq!(job.backup, first.backup.unwrap().id);
    assert!(
        !job.state.is_terminal(),
        "the stream began after the job had ended"
    );
    let mut rest = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        rest.extend(chunk);
    }
    let rest = lines(std::str::from_utf8(&rest).unwrap());
    assert!(rest.len() > 2, "{rest:?}");
    assert_sound(&rest);
}

async fn to_the_end(socket: &mut Socket) -> Vec<BackupStreamedProgress> {
    let mut steps = Vec::new();
    while let Some(step) = next(socket).await {
        steps.push(step);
    }
    steps
}

#[tokio::test]
async fn a_creation_and_a_restore_run_over_their_websockets() {
    let service = with_a_library().await;
    let mut socket = service
        .connect(&format!("{CREATE}/websocket"))
        .await
        .unwrap();
    let made = assert_sound(&to_the_end(&mut socket).await);
    let list: Backups = service.get("/backups").await.json();
    assert_eq!(list.iterable.len(), 1);
    assert_eq!(list.iterable[0].id, made.id);
    service.engine.library().delete("asset-000003").unwrap();
    let path = format!("/backup/{}/restore/streamed/websocket", made.id);
    let mut socket = service.connect(&path).await.unwrap();
    assert_eq!(
        assert_sound(&to_the_end(&mut socket).await),
        list.iterable[0]
    );
    assert_eq!(service.get("/asset/asset-000003").await.status, 200);
}

#[tokio::test]
async fn whoever_watches_all_jobs_sees_each_of_them_end() {
    let service = with_a_library().await;
    let mut socket = service.connect("/backups/streamed/progress").await.unwrap();
    let idle: BackupsStreamedProgress = next(&mut socket).await.unwrap();
    assert_eq!(
        (idle.backups, idle.restorations),
        (Some(vec![]), Some(vec![]))
    );

    let mut steps = Vec::new();
    let made = tokio::join!(service.back_up(), async {
        while steps
            .last()
            .is_none_or(|step: &BackupStreamedProgress| !step.status.unwrap().is_terminal())
        {
            let all: BackupsStreamedProgress = next(&mut socket).await.unwrap();
            assert_eq!(all.restorations, Some(vec![]));
            steps.extend(all.backups.unwrap());
        }
    })
    .0;
    assert_eq!(assert_sound(&steps).id, made.id);

    steps.clear();
    let path = format!("/backup/{}/restore", made.id);
    tokio::join!(service.post(&path), async {
        while steps
            .last()
            .is_none_or(|step: &BackupStreamedProgress| !step.status.unwrap().is_terminal())
        {
            let all: BackupsStreamedProgress = next(&mut socket).await.unwrap();
            steps.extend(all.restorations.unwrap());
        }
    });
    assert_eq!(assert_sound(&steps).id, made.id);
}

#[tokio::test]
async fn the_overview_is_sent_at_once_and_on_every_change() {
    let service = with_a_library().await;
    let mut socket = service
        .connect("/holdfast/overview/websocket")
        .await
        .unwrap();
    let first: Overview = next(&mut socket).await.unwrap();
    assert_eq!(
        (first.library.assets, first.backups, first.job),
        (600, Some(0), None)
    );
    let mut seen: Vec<Overview> = Vec::new();
    let is_end = |overview: &Overview| {
        overview
            .job
            .as_ref()
            .is_some_and(|job| job.state.is_terminal())
    };
    let started = std::time::Instant::now();
    let made = tokio::join!(service.back_up(), async {
        while !seen.last().is_some_and(is_end) {
            seen.push(next(&mut socket).await.unwrap());
        }
    })
    .0;
    let most = started.elapsed().as_millis() / 100 + 2;
    assert!(
        seen.len() >= 2 && seen.len() as u128 <= most,
        "{} of {most}",
        seen.len()
    );
    let last = seen.last().unwrap();
    assert_eq!(last.job.as_ref().unwrap().state, JobState::Completed);
    assert_eq!(last.backups, Some(1), "as new as the end of the job");
    assert_eq!(last.last_backup.as_ref().unwrap().backup, made);

    let path = format!("/backups/{}/delete", made.id);
    for (path, backups) in [
        (path, 0),
        (format!("/holdfast/backups/{}/undelete", made.id), 1),
    ] {
        assert_eq!(service.post(&path).await.status, 204);
        told(&mut socket, |now| now.backups == Some(backups)).await;
    }
    service.post("/assets/asset-000001/delete").await;
    told(&mut socket, |now| now.library.assets == 599).await;
}

/// Waits for such an overview. Others may come before it: the free space of the disk is in them.
async fn told(socket: &mut Socket, so: impl Fn(&Overview) -> bool) {
    while !so(&next(socket).await.unwrap()) {}
}

#[tokio::test]
async fn a_plain_get_of_a_websocket_starts_nothing() {
    let service = Service::start().await;
    service.fill(20, 100);
    let backup = service.back_up().await;
    service.fill(30, 100);
    let before = service.everything().await;
    let restore = format!("/backup/{}/restore/streamed/websocket", backup.id);
    let create = format!("{CREATE}/websocket");
    for path in [
        create.as_str(),
        &restore,
        "/backups/streamed/progress",
        "/holdfast/overview/websocket",
    ] {
        let plain = service.get(path).await;
        assert_eq!(
            (plain.status, plain.code().as_str()),
            (426, "upgrade-required"),
            "{path}"
        );
        assert_eq!(plain.header("upgrade"), "websocket");
        let half = service
            .request("GET", path)
            .header("connection", "upgrade")
            .header("upgrade", "websocket");
        assert_eq!(answer(half).await.status, 426, "{path} without a key");
        assert_eq!(
            answer(service.request("HEAD", path)).await.status,
            426,
            "{path}"
        );
        assert_eq!(service.post(path).await.status, 405, "{path}");
    }
    assert_eq!(service.everything().await, before);
}
