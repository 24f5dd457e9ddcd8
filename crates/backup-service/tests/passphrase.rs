//! The passphrase of the key over the API: given while the service runs, and again after its next start.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{KeyProtection, Overview};
use common::*;

const PATH: &str = "/holdfast/key/passphrase";

fn body(passphrase: &str) -> String {
    format!(r#"{{"passphrase":"{passphrase}"}}"#)
}

async fn key(service: &Service) -> KeyProtection {
    let overview: Overview = service.get("/holdfast/overview").await.json();
    overview.key
}

async fn refused(service: &Service, body: String, code: &str) {
    let answer = service.post_json(PATH, body).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, code));
}

#[tokio::test]
async fn a_key_is_protected_while_it_is_in_use_and_opened_again_after_a_start() {
    let service = Service::start().await;
    service.fill(20, 100);
    let made = service.back_up().await;
    assert_eq!(key(&service).await, KeyProtection::Unprotected);
    refused(&service, body("short"), "bad-passphrase").await;
    for nothing in ["", "null", "{}", r#"{"passphrase":7}"#] {
        refused(&service, nothing.into(), "bad-body").await;
    }
    let given = service.post_json(PATH, body("correct horse")).await;
    assert_eq!((given.status, given.text.as_str()), (204, ""));
    assert_eq!(key(&service).await, KeyProtection::Passphrase);

    let data = service.home.data();
    let home = service.end().await;
    assert!(!data.join("key.txt").exists());
    let engine = home.engine(None);
    let service = Service::over(home, engine, Allowed::default()).await;
    let list = service.get("/backups").await;
    assert_eq!((list.status, list.code().as_str()), (511, "locked"));
    refused(&service, body("battery staple"), "wrong-passphrase").await;
    assert_eq!(key(&service).await, KeyProtection::Missing);
    let given = service.post_json(PATH, body("correct horse")).await;
    assert_eq!(given.status, 204, "{given:?}");
    assert_eq!(key(&service).await, KeyProtection::Passphrase);
    let restored = service.post(&format!("/backup/{}/restore", made.id)).await;
    assert_eq!(restored.status, 200, "{restored:?}");
}

#[tokio::test]
async fn no_switch_lets_a_program_without_the_token_give_a_passphrase() {
    for unattended in [false, true] {
        let service = Service::allowing(Allowed {
            clients: true,
            unattended,
        })
        .await;
        let request = service.http.post(service.url(PATH));
        let request = request
            .header("content-type", "application/json")
            .body(body("correct horse"));
        let answer = answer(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "needs-token")
        );
        assert_eq!(key(&service).await, KeyProtection::NotYet);
    }
}
