//! Every call of the client but the jobs' own, against a real service.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Assets, Backups, JobKind, JobState, Status};
use backup_client::{Canceled, ClientError};
use common::*;
use futures::StreamExt;

#[tokio::test]
async fn a_service_says_that_it_is_well_and_what_it_is() {
    let service = Service::start().await;
    let client = service.client();
    assert!(client.is_healthy().await.unwrap());
    client.answers_head().await.unwrap();
    assert_eq!(client.version().await.unwrap(), backup_engine::VERSION);
    let capabilities = client.capabilities().await.unwrap().unwrap();
    assert_eq!(capabilities.service, "holdfast");
    assert_eq!(capabilities.version, backup_engine::VERSION);
    assert!(capabilities.features.iter().any(|name| name == "undo"));
    let described = client.openapi().await.unwrap();
    let expected: serde_json::Value = serde_json::from_str(&backup_service::openapi()).unwrap();
    assert_eq!(described, expected);
    assert!(described["paths"]["/backups/create"]["post"].is_object());
}

#[tokio::test]
async fn assets_are_taken_in_shown_and_removed_byte_for_byte() {
    let service = Service::start().await;
    let client = service.client();
    assert_eq!(client.assets().await.unwrap(), Assets::default());
    let (one, two, three) = (
        asset("a-1", "one"),
        asset("a 2/ü%2F?#", "two"),
        asset("a-3", "three"),
    );
    let many = serde_json::to_string(&assets(&[&one, &two])).unwrap();
    assert_eq!(client.import(many).await.unwrap().assets, 2);
    let imported = client.import(three.json().to_owned()).await.unwrap();
    assert_eq!(imported.assets, 1);
    assert!(
        client.backups().await.unwrap().iterable.is_empty(),
        "an import makes no backup"
    );
    for asset in [&one, &two, &three] {
        assert_eq!(&client.asset(asset.id()).await.unwrap(), asset);
    }
    let all = client.assets().await.unwrap();
    assert_eq!(all, assets(&[&two, &one, &three]));

    client.delete_asset(two.id()).await.unwrap();
    assert_eq!(
        refusal(client.asset(two.id()).await),
        (404, "unknown-asset".into())
    );
    let all = client.assets().await.unwrap();
    assert_eq!(all, assets(&[&one, &three]));
    let bad = client.import("{\"iterable\":[{\"id\":1}]}").await;
    assert_eq!(refusal(bad), (400, "bad-body".into()));
}

#[tokio::test]
async fn assets_are_in_a_backup_when_backing_them_up_returns() {
    let service = Service::start().await;
    let client = service.client();
    let (one, two, three) = (asset("1", "one"), asset("2", "two"), asset("3", "three"));
    client
        .back_up_assets(Some(&assets(&[&one, &two])))
        .await
        .unwrap();
    client.back_up_asset(Some(&three)).await.unwrap();
    client.delete_asset("1").await.unwrap();
    client.back_up_assets(None).await.unwrap();
    client.back_up_asset(None).await.unwrap();
    let details = client.details().await.unwrap();
    let counts: Vec<u64> = details.iter().map(|backup| backup.assets).collect();
    assert_eq!(counts, [2, 2, 3, 2], "newest first");
    client.restore(&details[2].backup.id).await.unwrap();
    let all = client.assets().await.unwrap();
    assert_eq!(all, assets(&[&one, &two, &three]));
}

#[tokio::test]
async fn a_backup_is_made_described_listed_deleted_and_put_back() {
    let service = Service::start().await;
    service.fill(20, 100);
    let client = service.client();
    let (first, second) = (
        client.create().await.unwrap(),
        client.create().await.unwrap(),
    );
    assert!(second.id > first.id && first.bytes > 2_000);
    assert_eq!(first.device_name, "Test device");
    assert_eq!(client.backup(&first.id).await.unwrap(), first);
    let list = client.backups().await.unwrap();
    assert_eq!(list, Backups::from(vec![second.clone(), first.clone()]));
    let details = client.details().await.unwrap();
    assert_eq!(details[0].backup, second);
    assert_eq!((details.len(), details[1].assets), (2, 20));
    let overview = client.overview().await.unwrap();
    assert_eq!((overview.backups, overview.library.assets), (Some(2), 20));
    assert_eq!(overview.last_backup.unwrap().backup, second);

    client.delete(&second.id).await.unwrap();
    assert_eq!(
        client.backups().await.unwrap().iterable,
        std::slice::from_ref(&first)
    );
    client.undelete(&second.id).await.unwrap();
    assert_eq!(client.backups().await.unwrap().iterable, [second, first]);
}

#[tokio::test]
async fn a_restore_is_foreseen_made_and_undone() {
    let service = Service::start().await;
    service.fill(20, 100);
    let client = service.client();
    let backup = client.create().await.unwrap();
    let new = asset("new", "the new one");
    client.import(new.json().to_owned()).await.unwrap();
    let preview = client.preview(&backup.id).await.unwrap();
    assert_eq!(preview.details.backup, backup);
    assert_eq!(
        (preview.newer, preview.newer_names),
        (1, vec!["the new one".to_owned()])
    );
    assert_eq!((preview.library.assets, preview.problem), (21, None));

    assert_eq!(client.restore(&backup.id).await.unwrap(), backup);
    assert_eq!(client.overview().await.unwrap().library.assets, 20);
    let undone = client.undo().await.unwrap();
    assert_eq!(
        (undone.kind, undone.state, &undone.backup),
        (JobKind::Undo, JobState::Completed, &backup.id)
    );
    assert_eq!(client.asset("new").await.unwrap(), new);
    assert_eq!(
        refusal(client.undo().await),
        (404, "nothing-to-undo".into())
    );
}

#[tokio::test]
async fn how_a_job_ended_can_be_asked_and_it_is_too_late_to_cancel_it() {
    let service = Service::start().await;
    service.fill(20, 100);
    let client = service.client();
    let backup = client.create().await.unwrap();
    client.restore(&backup.id).await.unwrap();
    for status in [
        client.creation_status(&backup.id).await.unwrap(),
        client.restoration_status(&backup.id).await.unwrap(),
    ] {
        assert_eq!(status.backup.id, backup.id);
        assert_eq!(
            (status.value, status.percentage),
            (Some(Status::Completed), Some(100.0))
        );
    }
    let jobs = client.jobs().await.unwrap();
    let kinds: Vec<JobKind> = jobs.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::Restoration, JobKind::Creation]);
    for job in &jobs {
        assert_eq!(&client.job_by_id(&job.id).await.unwrap(), job);
        assert_eq!(
            client.cancel(job.kind, &backup.id).await.unwrap(),
            Canceled::TooLate(Status::Completed)
        );
    }
    let nothing = (500, "nothing-to-cancel".to_owned());
    assert_eq!(refusal(client.cancel_creation(&backup.id).await), nothing);
    assert_eq!(
        refusal(client.cancel_restoration(&backup.id).await),
        nothing
    );
}

#[tokio::test]
async fn whoever_has_no_right_token_is_refused_and_changes_nothing() {
    let service = Service::start().await;
    service.fill(20, 100);
    let owner = service.client();
    let backup = owner.create().await.unwrap();
    let before = owner.overview().await.unwrap();
    let refused = (403, "clients-not-allowed".to_owned());
    for token in [None, Some("wrong"), Some("")] {
        let client = service.client_with(token);
        assert!(client.is_healthy().await.unwrap(), "anybody may ask that");
        assert_eq!(client.version().await.unwrap(), backup_engine::VERSION);
        let answers = [
            refusal(client.capabilities().await),
            refusal(client.backups().await),
            refusal(client.assets().await),
            refusal(client.overview().await),
            refusal(client.create().await),
            refusal(client.create_watched().await.map(drop)),
            refusal(client.restore(&backup.id).await),
            refusal(client.restore_watched(&backup.id).await.map(drop)),
            refusal(client.delete(&backup.id).await),
            refusal(client.delete_asset("asset-000001").await),
            refusal(client.import(asset("x", "x").json().to_owned()).await),
            refusal(client.cancel(JobKind::Creation, &backup.id).await),
            refusal(client.watch_overview().await.map(drop)),
            refusal(client.watch_progress().await.map(drop)),
        ];
        for answer in answers {
            assert_eq!(answer, refused, "with {token:?}");
        }
    }
    let after = owner.overview().await.unwrap();
    assert_eq!(
        (after.library, after.backups, after.job),
        (before.library, before.backups, before.job)
    );
}

#[tokio::test]
async fn an_id_that_nobody_gave_out_is_unknown_to_every_call() {
    let service = Service::start().await;
    service.fill(20, 100);
    let client = service.client();
    let never_made = "0.1.0_20200101T000000000Z";
    for id in [never_made, "../../etc/passwd", "%2e%2e", "a b/ü?#"] {
        let unknown = |status| (status, "unknown-backup".to_owned());
        assert_eq!(refusal(client.backup(id).await), unknown(500), "{id}");
        assert_eq!(refusal(client.restore(id).await), unknown(500), "{id}");
        let watched = client.restore_watched(id).await.map(drop);
        assert_eq!(refusal(watched), unknown(500), "{id}");
        assert_eq!(refusal(client.delete(id).await), unknown(500), "{id}");
        assert_eq!(refusal(client.preview(id).await), unknown(404), "{id}");
        assert_eq!(refusal(client.undelete(id).await).0, 404, "{id}");
        let status = client.creation_status(id).await;
        assert_eq!(refusal(status), unknown(404), "{id}");
        let status = client.restoration_status(id).await;
        assert_eq!(refusal(status), unknown(404), "{id}");
        for kind in [JobKind::Creation, JobKind::Restoration, JobKind::Undo] {
            let canceled = client.cancel(kind, id).await;
            assert_eq!(refusal(canceled), (500, "nothing-to-cancel".into()), "{id}");
        }
        assert_eq!(
            refusal(client.job_by_id(id).await),
            (404, "unknown-job".into())
        );
        let unknown = (404, "unknown-asset".to_owned());
        assert_eq!(refusal(client.asset(id).await), unknown, "{id}");
        assert_eq!(refusal(client.delete_asset(id).await), unknown, "{id}");
    }
    for id in ["", ".", ".."] {
        let error = client.restore(id).await.unwrap_err();
        assert!(error.never_arrived() && error.code() == "unknown-backup");
    }
    assert!(client.jobs().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_overview_is_sent_at_once_and_when_something_changes() {
    let service = Service::start().await;
    service.fill(20, 100);
    let client = service.client();
    let mut overviews = Box::pin(client.watch_overview().await.unwrap());
    let first = in_time(overviews.next()).await.unwrap().unwrap();
    assert_eq!((first.library.assets, first.backups), (20, Some(0)));
    let backup = client.create().await.unwrap();
    in_time(async {
        loop {
            let now = overviews.next().await.unwrap().unwrap();
            if now.backups == Some(1) {
                return assert_eq!(now.last_backup.unwrap().backup, backup);
            }
        }
    })
    .await;
    client.delete_asset("asset-000001").await.unwrap();
    in_time(async { while overviews.next().await.unwrap().unwrap().library.assets != 19 {} }).await;
}

#[tokio::test]
async fn sockets_end_when_the_service_vanishes_and_then_nobody_is_there() {
    // A runtime of its own, which ends as a process does: without a word to anybody.
    let process = tokio::runtime::Builder::new_multi_thread();
    let process = { process }.enable_all().build().unwrap();
    let service = process.spawn(Service::start()).await.unwrap();
    let client = service.client();
    let mut overviews = Box::pin(client.watch_overview().await.unwrap());
    let mut progress = Box::pin(client.watch_progress().await.unwrap());
    in_time(overviews.next()).await.unwrap().unwrap();
    in_time(progress.next()).await.unwrap().unwrap();
    // Dropped, it waits until every task is gone, and with them the listener and its connections.
    in_time(tokio::task::spawn_blocking(move || drop(process)))
        .await
        .unwrap();
    assert_eq!(first_error(&mut overviews).await.code(), "broken-off");
    assert!(in_time(overviews.next()).await.is_none());
    assert_eq!(first_error(&mut progress).await.code(), "broken-off");
    let error = in_time(client.backups()).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert!(error.never_arrived());
    assert!(error.message().contains("cannot be reached"));
}

/// Past whatever was sent before the end.
async fn first_error<T>(
    values: &mut (impl futures::Stream<Item = Result<T, ClientError>> + Unpin),
) -> ClientError {
    in_time(async {
        loop {
            if let Err(error) = values.next().await.expect("it ended without an error") {
                return error;
            }
        }
    })
    .await
}
