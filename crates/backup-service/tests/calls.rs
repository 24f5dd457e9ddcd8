//! Every call of the Backup API, its companions and the extensions, as they go when all is well.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{
    Backup, BackupDetails, BackupStatus, Backups, Capabilities, Imported, Job, JobKind, JobState,
    KeyProtection, Overview, Platform, Preview, Status,
};
use common::*;

#[tokio::test]
async fn a_service_is_found_by_its_health_and_says_its_version() {
    let service = Service::start().await;
    let without_token = |method: &str, path: &str| {
        let url = service.url(path);
        answer(service.http.request(method.parse().unwrap(), url))
    };
    let health = without_token("GET", "/.well-known/health").await;
    assert_eq!((health.status, health.text.as_str()), (200, "ok"));
    let health = without_token("HEAD", "/.well-known/health").await;
    assert_eq!((health.status, health.text.as_str()), (200, ""));
    let version = without_token("GET", "/.well-known/version").await;
    assert_eq!(version.text, backup_engine::VERSION);
    let capabilities: Capabilities = service.get("/holdfast/capabilities").await.json();
    assert_eq!(capabilities.service, "holdfast");
    assert_eq!(capabilities.version, backup_engine::VERSION);
    let described = service.get("/openapi.json").await;
    assert_eq!(described.text, backup_service::openapi());
}

#[tokio::test]
async fn assets_that_were_sent_are_in_a_backup_and_come_back_byte_for_byte() {
    let service = Service::start().await;
    let (one, two, three) = (
        asset("a-1", "first"),
        asset("a 2/ü", "second"),
        asset("a-3", "third"),
    );
    let body = format!(r#"{{"iterable":[{one}, {two}],"indices":{{"a-1":0}},"later":1}}"#);
    let sent = service.post_json("/backup", body).await;
    assert_eq!((sent.status, sent.text.as_str()), (204, ""));
    let sent = service.post_json("/backup/asset", three.clone()).await;
    assert_eq!((sent.status, sent.text.as_str()), (204, ""));
    for path in ["/backup", "/backup/asset"] {
        let sent = service.post(path).await;
        assert_eq!((sent.status, sent.text.as_str()), (204, ""), "{path}");
    }
    let details: Vec<BackupDetails> = service.get("/holdfast/backups").await.json();
    let counts: Vec<u64> = details.iter().map(|backup| backup.assets).collect();
    assert_eq!(counts, [3, 3, 3, 2], "newest first");

    let deleted = service.post("/assets/a-1/delete").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, "a-1"));
    assert_eq!(service.get("/asset/a-1").await.status, 404);
    assert_eq!(service.post("/assets/a-1/delete").await.status, 404);
    let path = format!("/backup/{}/restore", details[0].backup.id);
    let restored = service.post(&path).await;
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(restored.json::<Backup>(), details[0].backup);
    for (path, sent) in [("a-1", &one), ("a%202%2F%C3%BC", &two), ("a-3", &three)] {
        let answer = service.get(&format!("/asset/{path}")).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(&answer.text, sent);
    }
    let all = service.get("/assets").await;
    assert_eq!(all.text, format!(r#"{{"iterable":[{two},{one},{three}]}}"#));
}

#[tokio::test]
async fn a_library_of_several_pages_is_listed_whole_and_in_order() {
    let service = Service::start().await;
    for count in [0, 1, 200, 201, 999] {
        service.fill(count, 10);
        let all: serde_json::Value = service.get("/assets").await.json();
        let ids = all["iterable"].as_array().unwrap();
        let expected: Vec<String> = (0..count).map(|n| format!("asset-{n:06}")).collect();
        assert!(ids.iter().map(|asset| &asset["id"]).eq(expected.iter()));
    }
}

#[tokio::test]
async fn a_backup_is_described_listed_deleted_and_put_back() {
    let service = Service::start().await;
    assert!(
        service
            .get("/backups")
            .await
            .json::<Backups>()
            .iterable
            .is_empty()
    );
    service.fill(20, 100);
    let first = service.back_up().await;
    assert_eq!(first.id, format!("{}_{}", first.version, first.timestamp));
    assert_eq!(first.version, backup_engine::VERSION);
    assert_eq!(first.device_name, "Test device");
    assert_eq!(first.platform, Platform::current());
    assert!(first.bytes > 2_000);
    let seeded = r#"{"schema":{"migration":0,"semantic":"MAJOR_0_MINOR_0_PATCH_1"},"later":[]}"#;
    let second: Backup = service.post_json("/backups/create", seeded).await.json();
    assert!(second.id > first.id && second.created.value > first.created.value);

    let path = format!("/backup/{}", first.id);
    assert_eq!(service.get(&path).await.json::<Backup>(), first);
    let list: Backups = service.get("/backups").await.json();
    assert_eq!(list, Backups::from(vec![second.clone(), first.clone()]));

    let delete = format!("/backups/{}/delete", second.id);
    let deleted = service.post(&delete).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let list: Backups = service.get("/backups").await.json();
    assert_eq!(list.iterable, std::slice::from_ref(&first));
    assert_eq!(service.post(&delete).await.code(), "unknown-backup");
    let undelete = format!("/holdfast/backups/{}/undelete", second.id);
    assert_eq!(service.post(&undelete).await.status, 204);
    let list: Backups = service.get("/backups").await.json();
    assert_eq!(list.iterable, [second, first]);
    let again = service.post(&undelete).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "nothing-to-undelete")
    );
}

#[tokio::test]
async fn a_finished_job_keeps_its_status_until_the_service_ends() {
    let service = Service::start().await;
    service.fill(20, 100);
    let backup = service.back_up().await;
    let creation = format!("/backup/{}/creation/status", backup.id);
    let restoration = format!("/backup/{}/restoration/status", backup.id);
    let status: BackupStatus = service.get(&creation).await.json();
    assert_eq!(status.backup.id, backup.id);
    assert_eq!(
        (status.value, status.percentage),
        (Some(Status::Completed), Some(100.0))
    );
    assert_eq!(service.get(&restoration).await.status, 404);

    let path = format!("/backup/{}/restore", backup.id);
    let restored = service.post_json(&path, json(&backup).to_string()).await;
    assert_eq!(restored.json::<Backup>(), backup);
    let status: BackupStatus = service.get(&restoration).await.json();
    assert_eq!(status.backup, backup);
    assert_eq!(
        (status.value, status.percentage),
        (Some(Status::Completed), Some(100.0))
    );

    let jobs = service.jobs().await;
    let kinds: Vec<JobKind> = jobs.iter().map(|job| job.kind).collect();
    assert_eq!(
        kinds,
        [JobKind::Restoration, JobKind::Creation],
        "newest first"
    );
    for job in &jobs {
        assert_eq!((job.state, &job.backup), (JobState::Completed, &backup.id));
        assert!(!job.cancelable && job.ended >= Some(job.started) && job.problem.is_none());
        let path = format!("/holdfast/jobs/{}", job.id);
        assert_eq!(&service.get(&path).await.json::<Job>(), job);
    }
    assert_eq!(service.get("/holdfast/jobs/job-99").await.status, 404);

    let home = service.end().await;
    let engine = home.engine(None);
    let service = Service::over(home, engine, Allowed::default()).await;
    let status: BackupStatus = service.get(&creation).await.json();
    assert_eq!(
        (status.value, &status.backup),
        (Some(Status::Completed), &backup)
    );
    assert_eq!(service.get(&restoration).await.status, 404);
    assert!(service.jobs().await.is_empty());
}

#[tokio::test]
async fn how_a_restore_ended_is_told_even_when_its_destination_is_gone() {
    let service = Service::start().await;
    service.fill(20, 100);
    let backup = service.back_up().await;
    let path = format!("/backup/{}/restore", backup.id);
    assert_eq!(service.post(&path).await.status, 200);
    std::fs::rename(service.home.destination(), service.home.data().join("away")).unwrap();
    for kind in ["creation", "restoration"] {
        let path = format!("/backup/{}/{kind}/status", backup.id);
        let status: BackupStatus = service.get(&path).await.json();
        assert_eq!(
            (status.value, status.backup.id),
            (Some(Status::Completed), backup.id.clone())
        );
    }
}

#[tokio::test]
async fn a_restore_is_foreseen_made_and_undone() {
    let service = Service::start().await;
    service.fill(20, 100);
    let backup = service.back_up().await;
    assert_eq!(service.post("/holdfast/undo").await.status, 404);

    let many = format!(
        r#"{{"iterable":[{},{}]}}"#,
        asset("n1", "one"),
        asset("n2", "two")
    );
    let imported = service.post_json("/holdfast/library/import", many).await;
    assert_eq!(imported.json::<Imported>(), Imported { assets: 2 });
    let imported = service
        .post_json("/holdfast/library/import", asset("n3", "three"))
        .await;
    assert_eq!(imported.json::<Imported>(), Imported { assets: 1 });
    assert_eq!(
        service
            .get("/backups")
            .await
            .json::<Backups>()
            .iterable
            .len(),
        1
    );
    let before = service.get("/assets").await.text;

    let path = format!("/holdfast/backups/{}/preview", backup.id);
    let preview: Preview = service.get(&path).await.json();
    assert_eq!(preview.details.backup, backup);
    assert_eq!((preview.details.assets, preview.library.assets), (20, 23));
    assert_eq!((preview.newer, preview.newer_names.len()), (3, 3));
    assert_eq!(preview.newer_names[0], "three", "the newest first");
    assert_eq!(preview.problem, None);

    let path = format!("/backup/{}/restore", backup.id);
    assert_eq!(service.post(&path).await.status, 200);
    assert_eq!(service.get("/asset/n3").await.status, 404);
    let overview: Overview = service.get("/holdfast/overview").await.json();
    let undo = overview.undo.unwrap();
    assert_eq!((undo.assets, undo.backup), (23, backup.id.clone()));

    let undone: Job = service.post("/holdfast/undo").await.json();
    assert_eq!(
        (undone.kind, undone.state),
        (JobKind::Undo, JobState::Completed)
    );
    assert_eq!(undone.backup, backup.id);
    assert_eq!(service.get("/assets").await.text, before);
    let again = service.post("/holdfast/undo").await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "nothing-to-undo")
    );
}

#[tokio::test]
async fn the_overview_tells_how_things_are() {
    let service = Service::start().await;
    let at_first: Overview = service.get("/holdfast/overview").await.json();
    assert_eq!((at_first.backups, at_first.last_backup), (Some(0), None));
    assert_eq!((at_first.undo, at_first.job), (None, None));
    assert_eq!(at_first.key, KeyProtection::NotYet);
    service.fill(20, 100);
    let backup = service.back_up().await;
    let then: Overview = service.get("/holdfast/overview").await.json();
    assert_eq!(then.version, backup_engine::VERSION);
    assert_eq!(then.device_name, "Test device");
    assert_eq!(then.library.assets, 20);
    assert_eq!(
        (then.backups, then.key),
        (Some(1), KeyProtection::Unprotected)
    );
    let last = then.last_backup.unwrap();
    assert_eq!((last.backup, last.assets), (backup, 20));
    assert_eq!(then.job.unwrap().state, JobState::Completed);
    assert_eq!(then.destination.problem, None);
    assert!(then.destination.stored_bytes.unwrap() >= last.stored_bytes);
    assert!(then.destination.place.ends_with("destination"));
}
