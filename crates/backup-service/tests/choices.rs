//! What is asked for under `/holdfast/` about sources, contents, verifications and chosen restores: who may ask, and what is
//! refused before anything is done.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{Job, JobKind, JobState, Preview, Restore, Sources, What};
use common::*;
use serde_json::{Value, json};

async fn with_a_backup(allowed: Allowed) -> (Service, String) {
    let service = Service::allowing(allowed).await;
    service.fill(20, 100);
    let id = service.back_up().await.id;
    service.fill(30, 100);
    (service, id)
}

/// A refusal in JSON that says what to do, and no place of this machine.
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (status, code),
        "{answer:?}"
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let problem: backup_api::Problem = answer.json();
    assert!(problem.message.len() > 20 && problem.message.ends_with('.'));
    assert!(problem.fix.ends_with('.'), "{problem:?}");
    for told in ["/tmp", "passwd", "src/"] {
        assert!(!answer.text.contains(told), "{answer:?}");
    }
}

#[tokio::test]
async fn no_switch_lets_a_program_without_the_token_choose_folders() {
    let everything = Allowed {
        clients: true,
        unattended: true,
    };
    let (service, id) = with_a_backup(everything).await;
    let before = service.everything().await;
    let body = json!({"what": "everything", "folder": "/tmp/x"}).to_string();
    for (path, body) in [
        ("/holdfast/sources".to_owned(), "{\"path\":\"/etc\"}"),
        ("/holdfast/sources/notes/remove".into(), ""),
        (format!("/holdfast/backups/{id}/restore"), body.as_str()),
        (format!("/holdfast/backups/{id}/preview"), body.as_str()),
    ] {
        let request = service.http.post(service.url(&path)).body(body.to_owned());
        let sent = answer(request.header("content-type", "application/json")).await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (403, "needs-token"),
            "{path}: {sent:?}"
        );
        assert!(sent.text.contains("Nothing was changed."), "{sent:?}");
        assert_eq!(service.everything().await, before, "{path}");
    }
    // Reading is what a client was let in for.
    for path in [
        "/holdfast/sources".to_owned(),
        format!("/holdfast/backups/{id}/preview"),
        format!("/holdfast/backups/{id}/entries"),
        format!("/holdfast/backups/{id}/content?path=library.db"),
        format!("/holdfast/compare?older={id}&newer=now"),
    ] {
        let read = answer(service.http.get(service.url(&path))).await;
        assert_eq!(read.status, 200, "{path}: {read:?}");
    }
}

#[tokio::test]
async fn a_restore_that_is_not_clearly_said_is_refused_and_nothing_is_replaced() {
    let (service, id) = with_a_backup(Allowed::default()).await;
    let before = service.everything().await;
    for (body, code) in [
        ("", "bad-body"),
        ("null", "bad-body"),
        ("{}", "bad-body"),
        ("{\"what\":\"all\"}", "bad-body"),
        (
            "{\"what\":\"everything\",\"foldre\":\"/tmp/x\"}",
            "bad-body",
        ),
        (
            "{\"what\":{\"source\":\"a\",\"paths\":[\"b\"]}}",
            "bad-body",
        ),
        ("{\"what\":\"library\",\"folder\":\"\"}", "bad-folder"),
        ("{\"what\":\"library\",\"folder\":\"x/y\"}", "bad-folder"),
        ("{\"what\":\"library\",\"folder\":\"~/x\"}", "bad-folder"),
        (
            "{\"what\":\"library\",\"folder\":\"/x\\u0000y\"}",
            "bad-folder",
        ),
        ("{\"what\":{\"paths\":[]}}", "bad-path"),
        ("{\"what\":{\"paths\":[\"\"]}}", "bad-path"),
        (
            "{\"what\":{\"paths\":[\"notes/a\",\"../etc/passwd\"]}}",
            "bad-path",
        ),
        ("{\"what\":{\"paths\":[\"/etc/passwd\"]}}", "bad-path"),
        ("{\"what\":{\"paths\":[\"notes//a\"]}}", "bad-path"),
    ] {
        for call in ["restore", "preview"] {
            let path = format!("/holdfast/backups/{id}/{call}");
            let sent = service.post_json(&path, body).await;
            assert_problem(&sent, 400, code);
            assert_eq!(service.everything().await, before, "{path} {body}");
        }
    }
    for source in ["library", "", "..", "Notes", "a/b", &"x".repeat(41)] {
        let body = json!({"what": {"source": source}}).to_string();
        let path = format!("/holdfast/backups/{id}/restore");
        let sent = service.post_json(&path, body).await;
        assert_problem(&sent, 404, "unknown-source");
    }
    assert_eq!(service.everything().await, before);
}

#[tokio::test]
async fn a_chosen_restore_is_a_job_from_its_beginning_to_its_end() {
    let (service, id) = with_a_backup(Allowed::default()).await;
    let body = json!({"what": "library"}).to_string();
    let preview = format!("/holdfast/backups/{id}/preview");
    let preview: Preview = service.post_json(&preview, body.clone()).await.json();
    assert_eq!((preview.details.assets, preview.library.assets), (20, 30));
    let restore = format!("/holdfast/backups/{id}/restore");
    let begun = service.post_json(&restore, body).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let begun: Job = begun.json();
    assert_eq!((begun.kind, &begun.backup), (JobKind::Restoration, &id));
    let asked = Restore {
        what: What::Library,
        folder: None,
    };
    assert_eq!(begun.restores, Some(asked));
    let ended = until_ended(&service, &begun.id).await;
    assert_eq!(ended.state, JobState::Completed, "{ended:?}");
    let all: Value = service.get("/assets").await.json();
    assert_eq!(all["iterable"].as_array().unwrap().len(), 20);
    // One that has ended says how, whoever would still like to cancel it.
    let cancel = format!("/holdfast/jobs/{}/cancel", begun.id);
    assert_eq!(service.post(&cancel).await.json::<Job>(), ended);
}

async fn until_ended(service: &Service, id: &str) -> Job {
    let ended = async {
        loop {
            let job: Job = service.get(&format!("/holdfast/jobs/{id}")).await.json();
            if job.state.is_terminal() {
                return job;
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.expect("it does not end")
}

#[tokio::test]
async fn a_job_of_any_kind_is_cancelled_by_its_own_id() {
    let service = Service::start().await;
    service.fill(1_500, 15_000);
    let mut response = service
        .request("POST", "/backups/create/streamed")
        .send()
        .await
        .unwrap();
    // Once the first word is there, the job is.
    response.chunk().await.unwrap().unwrap();
    let running = service.jobs().await.remove(0);
    let cancel = format!("/holdfast/jobs/{}/cancel", running.id);
    let canceled: Job = service.post(&cancel).await.json();
    assert_eq!(
        (canceled.id, canceled.kind, canceled.state),
        (running.id, JobKind::Creation, JobState::Canceled)
    );
    assert!(response.text().await.unwrap().contains("\"CANCELED\""));
    for id in ["job-0", "job-99", "nonsense", "%2e%2e%2f"] {
        let sent = service.post(&format!("/holdfast/jobs/{id}/cancel")).await;
        assert_problem(&sent, 404, "unknown-job");
    }
}

#[tokio::test]
async fn a_verification_of_nothing_or_in_no_known_way_is_refused() {
    let (service, _) = with_a_backup(Allowed::default()).await;
    let before = service.everything().await;
    for body in [
        "",
        "{}",
        "{\"depth\":\"deep\"}",
        "{\"depth\":\"quick\",\"backups\":\"x\"}",
    ] {
        let sent = service.post_json("/holdfast/verify", body).await;
        assert_problem(&sent, 400, "bad-body");
    }
    for id in ["", "..", "nonsense", "0.1.0_20200102T030405678Z"] {
        let body = json!({"depth": "quick", "backup": id}).to_string();
        let sent = service.post_json("/holdfast/verify", body).await;
        assert_problem(&sent, 404, "unknown-backup");
    }
    assert_eq!(service.everything().await, before);
}

#[tokio::test]
async fn a_source_that_is_not_clearly_said_is_refused() {
    let service = Service::start().await;
    for (body, code) in [
        ("", "bad-body"),
        ("{}", "bad-body"),
        ("{\"path\":7}", "bad-body"),
        ("{\"path\":\"/x\",\"exclude\":[\"y\"]}", "bad-body"),
        ("{\"path\":\"/x\",\"kind\":\"disk\"}", "bad-body"),
        ("{\"path\":\"/x\",\"excludes\":\"y\"}", "bad-body"),
        ("{\"path\":\"\"}", "bad-folder"),
        ("{\"path\":\"notes\"}", "bad-folder"),
        ("{\"path\":\"/x\\u0000\"}", "bad-folder"),
    ] {
        let sent = service.post_json("/holdfast/sources", body).await;
        assert_problem(&sent, 400, code);
        assert!(sent.text.contains("Nothing was changed."), "{sent:?}");
    }
    let sources: Sources = service.get("/holdfast/sources").await.json();
    assert_eq!(sources.items, []);
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_refused_on_every_call_that_takes_one() {
    let (service, id) = with_a_backup(Allowed::default()).await;
    let paths = [
        "..",
        "%2e%2e",
        "%2Fetc%2Fpasswd",
        "notes/..%2f..%2fetc/passwd",
        "notes//a",
        "notes/",
        "./notes",
        "a%00b",
    ];
    for path in paths {
        for call in [
            format!("/holdfast/backups/{id}/entries?path={path}"),
            format!("/holdfast/backups/{id}/content?path={path}"),
            format!("/holdfast/compare?older={id}&newer=now&scope={path}"),
        ] {
            let sent = service.get(&call).await;
            assert_problem(&sent, 400, "bad-path");
        }
    }
    for (call, status, code) in [
        (format!("/holdfast/backups/{id}/content"), 400, "bad-query"),
        (
            format!("/holdfast/backups/{id}/content?path="),
            400,
            "bad-path",
        ),
        (
            format!("/holdfast/backups/{id}/entries?limit=x"),
            400,
            "bad-query",
        ),
        (
            format!("/holdfast/backups/{id}/entries?limit=-1"),
            400,
            "bad-query",
        ),
        ("/holdfast/compare".into(), 400, "bad-query"),
        (format!("/holdfast/compare?older={id}"), 400, "bad-query"),
        (
            format!("/holdfast/compare?older=now&newer={id}"),
            404,
            "unknown-backup",
        ),
        (
            format!("/holdfast/compare?older={id}&newer=then"),
            404,
            "unknown-backup",
        ),
        (
            format!("/holdfast/compare?older={id}&newer=..%2f.."),
            404,
            "unknown-backup",
        ),
    ] {
        assert_problem(&service.get(&call).await, status, code);
    }
}

#[tokio::test]
async fn a_content_is_saved_under_its_name_and_never_shown_in_place() {
    let (service, id) = with_a_backup(Allowed::default()).await;
    let path = format!("/holdfast/backups/{id}/content?path=library.db");
    let read = service.get(&path).await;
    assert_eq!(read.status, 200, "{read:?}");
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert_eq!(
        read.header("content-disposition"),
        "attachment; filename=\"library.db\"; filename*=UTF-8''library.db"
    );
}
