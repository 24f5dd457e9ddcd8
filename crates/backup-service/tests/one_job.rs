//! One job at a time: what is asked for while one runs is refused with the id of the one that runs, and what cannot be
//! cancelled is said to be so.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use backup_api::{
    BackupStatus, BackupStreamedProgress, Backups, BackupsStreamedProgress, JobState, Status,
};
use common::*;

/// A job that was started and that still runs.
struct Started {
    backup: String,
    response: reqwest::Response,
}

/// Starts it and waits until it is named. What it works on must be large enough for it to run on meanwhile.
async fn started(service: &Service, path: &str) -> Started {
    let mut response = service.request("POST", path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let first = response.chunk().await.unwrap().unwrap();
    let line = first.split(|byte| *byte == b'\n').next().unwrap();
    let step: BackupStreamedProgress = serde_json::from_slice(line).unwrap();
    let backup = step.backup.unwrap().id;
    Started { backup, response }
}

impl Started {
    async fn still_runs(&self, service: &Service) {
        let job = service.jobs().await.remove(0);
        assert_eq!(job.backup, self.backup);
        assert!(
            !job.state.is_terminal(),
            "it ended before the test did: {job:?}"
        );
    }

    async fn last(self) -> BackupStreamedProgress {
        let text = self.response.text().await.unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }
}

const LARGE: (u64, usize) = (1_500, 15_000);

async fn large() -> Service {
    let service = Service::start().await;
    service.fill(LARGE.0, LARGE.1);
    service
}

/// Each is refused with 500, `busy`, and the id of the job that runs.
async fn all_busy(service: &Service, calls: &[String], running: &str) {
    for path in calls {
        let sent = service.post(path).await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (500, "busy"),
            "{path}: {sent:?}"
        );
        assert!(sent.text.contains(running), "{path}: {sent:?}");
        assert!(sent.text.contains("Nothing was changed.") && sent.text.contains("cancel"));
    }
}

#[tokio::test]
async fn while_a_backup_is_made_a_second_job_is_refused_with_its_id() {
    let service = large().await;
    service.engine.library().delete("asset-000000").unwrap();
    let first = service.back_up().await.id;
    assert_eq!(
        service
            .post(&format!("/backup/{first}/restore"))
            .await
            .status,
        200
    );
    // Other content, so that there is something to store.
    let library: Vec<_> = (0..LARGE.0)
        .map(|at| asset(&format!("b-{at}"), &text(at + 9, LARGE.1)))
        .collect();
    let body = format!("{{\"iterable\":[{}]}}", library.join(","));
    assert_eq!(
        service
            .post_json("/holdfast/library/import", body)
            .await
            .status,
        200
    );

    let job = started(&service, "/backups/create/streamed").await;
    let assets = service.get("/assets").await.text;
    let calls = [
        "/backup".to_owned(),
        "/backup/asset".into(),
        "/backups/create".into(),
        "/backups/create/streamed".into(),
        format!("/backup/{first}/restore"),
        format!("/backup/{first}/restore/streamed"),
        "/holdfast/undo".into(),
    ];
    all_busy(&service, &calls, &job.backup).await;
    for socket in [
        "/backups/create/streamed/websocket".to_owned(),
        format!("/backup/{first}/restore/streamed/websocket"),
    ] {
        let refused = service.connect(&socket).await.unwrap_err();
        let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else {
            panic!("{refused}");
        };
        assert_eq!(answer.headers()["x-holdfast-code"], "busy", "{socket}");
    }
    let uploaded = service.post_json("/backup/asset", asset("late", "x")).await;
    assert_eq!(uploaded.code(), "busy");
    assert_eq!(
        service.get("/asset/late").await.status,
        404,
        "refused, and yet put in"
    );
    job.still_runs(&service).await;
    assert_eq!(service.get("/assets").await.text, assets);

    let cancel = format!("/backup/{}/creation/cancel", job.backup);
    assert_eq!(service.post(&cancel).await.status, 204);
    assert_eq!(job.last().await.status, Some(Status::Canceled));
    let list: Backups = service.get("/backups").await.json();
    assert_eq!(list.iterable.len(), 1);
}

#[tokio::test]
async fn while_a_restore_runs_its_backup_cannot_be_deleted_and_no_job_begins() {
    let service = large().await;
    let backup = service.back_up().await.id;
    service.engine.library().delete("asset-000000").unwrap();
    let path = format!("/backup/{backup}/restore");
    let job = started(&service, &format!("{path}/streamed")).await;
    let calls = [path.clone(), "/backups/create".into(), "/backup".into()];
    all_busy(&service, &calls, &backup).await;
    let deleted = service.post(&format!("/backups/{backup}/delete")).await;
    assert_eq!(
        (deleted.status, deleted.code().as_str()),
        (500, "busy"),
        "{deleted:?}"
    );
    assert!(deleted.text.contains("Nothing was changed."), "{deleted:?}");
    let other = service
        .post(&format!("/backup/{backup}/creation/cancel"))
        .await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (500, "nothing-to-cancel")
    );
    job.still_runs(&service).await;
    assert_eq!(job.last().await.status, Some(Status::Completed));
    assert_eq!(service.get("/asset/asset-000000").await.status, 200);
    assert_eq!(service.post(&path).await.status, 200, "it is still there");
}

#[tokio::test]
async fn an_upload_whose_backup_is_cancelled_is_said_to_be_in_the_library_but_in_no_backup() {
    let service = large().await;
    let mut watcher = service.connect("/backups/streamed/progress").await.unwrap();
    let cancel = async {
        loop {
            let all: BackupsStreamedProgress = next(&mut watcher).await.unwrap();
            // The backup itself is under way: what came with it was put in before.
            if let Some(step) = all.backups.unwrap().pop()
                && step.status == Some(Status::InProgress)
            {
                let path = format!("/backup/{}/creation/cancel", step.backup.unwrap().id);
                return service.post(&path).await;
            }
        }
    };
    let (sent, canceled) = tokio::join!(
        service.post_json("/backup/asset", asset("sent", "x")),
        cancel
    );
    assert_eq!(canceled.status, 204, "{canceled:?}");
    assert_eq!((sent.status, sent.code().as_str()), (500, "canceled"));
    let says = "What was sent is in the library, but is in no backup.";
    assert!(sent.text.contains(says), "{sent:?}");
    assert_eq!(service.get("/asset/sent").await.status, 200);
    let list: Backups = service.get("/backups").await.json();
    assert!(list.iterable.is_empty());
}

#[tokio::test]
async fn what_does_not_run_cannot_be_cancelled() {
    let service = Service::start().await;
    service.fill(20, 100);
    let backup = service.back_up().await.id;
    let restore = format!("/backup/{backup}/restore");
    assert_eq!(service.post(&restore).await.status, 200);
    let before = service.everything().await;
    for id in [backup.as_str(), "0.1.0_20200102T030405678Z", "nonsense"] {
        for kind in ["creation", "restoration"] {
            let sent = service.post(&format!("/backup/{id}/{kind}/cancel")).await;
            assert_eq!(sent.status, 500, "{id} {kind}: {sent:?}");
            assert_eq!(sent.code(), "nothing-to-cancel", "{id} {kind}");
            assert!(sent.text.contains("status"), "{sent:?}");
        }
    }
    for kind in ["creation", "restoration"] {
        let status: BackupStatus = service
            .get(&format!("/backup/{backup}/{kind}/status"))
            .await
            .json();
        assert_eq!(status.value, Some(Status::Completed), "{kind}");
    }
    assert_eq!(service.everything().await, before);
}

#[tokio::test]
async fn the_status_of_what_was_never_there_is_404() {
    let service = Service::start().await;
    service.fill(3, 100);
    let backup = service.back_up().await.id;
    for path in [
        "/backup/0.1.0_20200102T030405678Z/creation/status".to_owned(),
        "/backup/0.1.0_20200102T030405678Z/restoration/status".into(),
        "/backup/nonsense/creation/status".into(),
        format!("/backup/{backup}/restoration/status"),
    ] {
        let answer = service.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(answer.text.len() > 40, "{answer:?}");
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_all_answered_and_one_backup_is_made_at_a_time() {
    let service = Service::start().await;
    service.fill(300, 2_000);
    let first = service.back_up().await.id;
    let calls = (0..100).map(|at| match at % 5 {
        0 => service.request("POST", "/backups/create"),
        1 => service.request("GET", "/backups"),
        2 => service.request("GET", "/assets"),
        3 => service.request("GET", &format!("/backup/{first}")),
        _ => service.request("GET", "/holdfast/overview"),
    });
    let answers = futures::future::join_all(calls.map(answer)).await;
    let mut made = BTreeSet::new();
    for (at, answer) in answers.iter().enumerate() {
        if at % 5 != 0 {
            assert_eq!(answer.status, 200, "{at}: {answer:?}");
        } else if answer.status == 200 {
            made.insert(answer.json::<backup_api::Backup>().id);
        } else {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (500, "busy"),
                "{answer:?}"
            );
        }
    }
    assert!(!made.is_empty() && made.len() < 20, "{}", made.len());
    made.insert(first);
    let list: Backups = service.get("/backups").await.json();
    let listed: BTreeSet<_> = list.iterable.into_iter().map(|backup| backup.id).collect();
    assert_eq!(listed, made, "what was answered is what is there");
    let mut jobs = service.jobs().await.into_iter();
    assert!(jobs.all(|job| job.state == JobState::Completed));
}
