//! A destination that is damaged, gone, locked, newer, read-only or full: the status of the contract, a text that helps, and
//! nothing lost.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/stand.rs"]
mod stand;

use std::fs;
use std::path::{Path, PathBuf};

use backup_api::{Backups, JobState, KeyProtection, Overview};
use common::*;
use stand::Stand;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_destination_that_was_there_and_is_gone_is_said_to_be_not_connected_and_its_backups_are_shown()
 {
    let stand = Stand::new(None).await;
    let (here, away) = (
        stand.service.home.destination(),
        stand.service.home.data().join("away"),
    );
    fs::rename(&here, &away).unwrap();
    stand.all_seen_and_nothing_done().await;
    assert!(!here.exists(), "something was made in its place");
    // An empty folder is what is left of a disk that was pulled out; a file is what nobody expects.
    fs::create_dir(&here).unwrap();
    stand.all_seen_and_nothing_done().await;
    assert_eq!(files(&here), [] as [PathBuf; 0]);
    fs::remove_dir(&here).unwrap();
    fs::write(&here, "a file").unwrap();
    stand.all_seen_and_nothing_done().await;
    fs::remove_file(&here).unwrap();
    let stand = stand
        .meanwhile(None, |home| assert!(!home.destination().exists()))
        .await;
    stand.all_seen_and_nothing_done().await;
    fs::rename(
        stand.service.home.data().join("away"),
        stand.service.home.destination(),
    )
    .unwrap();
    stand.works().await;
}

#[tokio::test]
async fn a_wrong_or_missing_passphrase_is_said_to_be_the_key_that_is_missing() {
    let stand = Stand::new(Some("correct horse")).await;
    let stand = stand.meanwhile(None, |_| ()).await;
    stand.all_refused(511, "locked", &["locked", "key"]).await;
    let overview: Overview = stand.service.get("/holdfast/overview").await.json();
    assert_eq!(overview.key, KeyProtection::Missing);
    // Trying a passphrase takes long, by design, so not every call tries this one.
    let stand = stand.meanwhile(Some("battery staple"), |_| ()).await;
    let restore = format!("/backup/{}/restore", stand.backup);
    for path in [restore.as_str(), "/backup"] {
        let refused = stand.service.post(path).await;
        stand.assert_refused(&refused, 511, "locked", &["locked", "key"]);
    }
    let stand = stand.meanwhile(Some("correct horse"), |_| ()).await;
    stand.works().await;
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused_by_version_and_left_alone() {
    let stand = Stand::new(None).await;
    let note = stand.service.home.destination().join("holdfast.json");
    let ours = fs::read(&note).unwrap();
    fs::write(&note, "{\"layout\":7,\"later\":true}").unwrap();
    let before = files(&stand.service.home.destination());
    stand.all_refused(505, "newer-layout", &["layout 7"]).await;
    assert_eq!(files(&stand.service.home.destination()), before);
    fs::write(&note, ours).unwrap();
    stand.works().await;
}

#[tokio::test]
async fn a_destination_whose_repository_is_missing_is_damaged_and_not_made_anew() {
    let stand = Stand::new(None).await;
    let databases = stand.service.home.destination().join("databases");
    let away = stand.service.home.data().join("away");
    fs::rename(&databases, &away).unwrap();
    stand.all_refused(500, "damaged", &["damaged"]).await;
    assert!(!databases.exists());
    fs::rename(&away, &databases).unwrap();
    stand.works().await;
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored_and_its_id_is_said() {
    let stand = Stand::new(None).await;
    let other = stand.service.back_up().await.id;
    let before = stand.service.get("/assets").await.text;
    let packs = files(&stand.service.home.destination().join("databases/data"));
    let sound: Vec<Vec<u8>> = packs.iter().map(|pack| fs::read(pack).unwrap()).collect();
    for (pack, sound) in packs.iter().zip(&sound) {
        let mut flipped = sound.clone();
        // In the data of a pack, past what says where things are.
        flipped[sound.len() / 2] ^= 1;
        fs::write(pack, flipped).unwrap();
    }
    let restore = format!("/backup/{}/restore", stand.backup);
    let refused = stand.service.post(&restore).await;
    stand.assert_refused(&refused, 500, "damaged", &[&stand.backup]);
    assert!(refused.text.contains("Nothing was changed."), "{refused:?}");
    let streamed = stand.service.post(&format!("{restore}/streamed")).await;
    let last = streamed.text.lines().last().unwrap();
    assert!(
        last.contains("\"FAILED\"") && !last.contains("100"),
        "{last}"
    );
    let status = stand
        .service
        .get(&format!("/backup/{}/restoration/status", stand.backup))
        .await;
    assert!(status.text.contains("\"FAILED\""), "{status:?}");
    let job = stand.service.jobs().await.remove(0);
    assert_eq!(
        (job.state, job.problem.unwrap().code.as_str()),
        (JobState::Failed, "damaged")
    );
    assert_eq!(stand.service.get("/assets").await.text, before);
    let list: Backups = stand.service.get("/backups").await.json();
    assert_eq!(list.iterable[0].id, other, "the list does not hide it");
    for (pack, sound) in packs.iter().zip(sound) {
        fs::write(pack, sound).unwrap();
    }
    stand.works().await;
}

#[tokio::test]
async fn a_destination_that_cannot_be_written_to_still_restores_and_says_why_it_takes_nothing() {
    let name =
        "a_destination_that_cannot_be_written_to_still_restores_and_says_why_it_takes_nothing";
    if !namespace::inside(name) {
        return;
    }
    let home = Home::new();
    let destination = home.destination();
    namespace::mount(&destination, 40_000);
    let engine = home.engine(None);
    let stand = Stand::on(Service::over(home, engine, Allowed::default()).await).await;
    namespace::make_read_only(&destination);
    let before = stand.service.everything().await;
    for path in [
        "/backups/create".to_owned(),
        "/backup".into(),
        format!("/backups/{}/delete", stand.backup),
    ] {
        let refused = stand.service.post(&path).await;
        stand.assert_refused(
            &refused,
            500,
            "destination-read-only",
            &["cannot be written"],
        );
    }
    let after = stand.service.get("/backups").await.text;
    assert!(before.contains(&after), "{after}");
    let restored = stand
        .service
        .post(&format!("/backup/{}/restore", stand.backup))
        .await;
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(stand.service.post("/holdfast/undo").await.status, 200);
    namespace::make_writable(&destination);
    stand.works().await;
}

#[tokio::test]
async fn a_new_destination_without_room_is_said_to_be_full_and_is_set_up_once_there_is_some() {
    let name = "a_new_destination_without_room_is_said_to_be_full_and_is_set_up_once_there_is_some";
    if !namespace::inside(name) {
        return;
    }
    let home = Home::new();
    let destination = home.destination();
    namespace::mount(&destination, 40_000);
    let filler = destination.join("filler");
    // Until nothing more fits in.
    fs::write(&filler, vec![1; 64 << 20]).unwrap_err();
    let engine = home.engine(None);
    let service = Service::over(home, engine, Allowed::default()).await;
    service.fill(60, 2_000);
    let before = service.get("/assets").await.text;
    for path in ["/backups/create", "/backup"] {
        let refused = service.post(path).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (500, "destination-full"),
            "{refused:?}"
        );
        assert!(
            refused.text.contains("full") && !refused.text.contains('/'),
            "{refused:?}"
        );
    }
    let sent = service.post_json("/backup/asset", asset("sent", "x")).await;
    assert_eq!(
        (sent.status, sent.code().as_str()),
        (500, "destination-full")
    );
    assert!(sent.text.contains("is in no backup"), "{sent:?}");
    assert_eq!(service.post("/assets/sent/delete").await.status, 200);
    assert_eq!(service.get("/assets").await.text, before);
    let list: Backups = service.get("/backups").await.json();
    assert!(list.iterable.is_empty());
    fs::remove_file(filler).unwrap();
    let made = service.back_up().await.id;
    let restored = service.post(&format!("/backup/{made}/restore")).await;
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(service.get("/assets").await.text, before);
}
