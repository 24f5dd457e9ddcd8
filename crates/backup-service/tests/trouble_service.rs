//! A destination that is damaged, gone, locked, newer, read-only or full: the status of the contract, a text that helps, and
//! nothing lost.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_api::{Backups, JobState, KeyProtection, Overview};
use common::*;

/// A service with a backup, and other content in the library since.
struct Stand {
    service: Service,
    backup: String,
}

impl Stand {
    async fn new(passphrase: Option<&str>) -> Self {
        let home = Home::new();
        let engine = home.engine(passphrase);
        Self::on(Service::over(home, engine, Allowed::default()).await).await
    }

    async fn on(service: Service) -> Self {
        service.fill(40, 2_000);
        let backup = service.back_up().await.id;
        service.fill(60, 2_000);
        Self { service, backup }
    }

    /// Ends the service, lets something happen to its folders, and starts it again.
    async fn meanwhile(self, passphrase: Option<&str>, happens: impl FnOnce(&Home)) -> Self {
        let home = self.service.end().await;
        happens(&home);
        let engine = home.engine(passphrase);
        let service = Service::over(home, engine, Allowed::default()).await;
        Self { service, ..self }
    }

    /// The calls that show what there is, for which the contract has 505 and 511.
    fn looks(&self) -> [String; 3] {
        [
            "/backups".into(),
            format!("/backup/{}", self.backup),
            "/holdfast/backups".into(),
        ]
    }

    /// The calls that work with the destination, for which it has them as well.
    fn calls(&self) -> Vec<(&'static str, String)> {
        let backup = &self.backup;
        vec![
            ("POST", "/backup".into()),
            ("POST", "/backup/asset".into()),
            ("POST", "/backups/create".into()),
            ("POST", "/backups/create/streamed".into()),
            ("POST", format!("/backup/{backup}/restore")),
            ("POST", format!("/backup/{backup}/restore/streamed")),
            ("POST", format!("/backups/{backup}/delete")),
            ("GET", format!("/holdfast/backups/{backup}/preview")),
        ]
    }

    /// Each call is refused so, in words that hold one of these, and the library stays as it is.
    async fn all_refused(&self, status: u16, code: &str, words: &[&str]) {
        for path in self.looks() {
            self.assert_refused(&self.service.get(&path).await, status, code, words);
        }
        let overview = self.work_refused(status, code, words).await;
        assert_eq!(overview.backups, None);
    }

    /// What there is can be seen as it was at the last look, and nothing can be done with it.
    async fn all_seen_and_nothing_done(&self) {
        for path in self.looks() {
            let seen = self.service.get(&path).await;
            assert_eq!(seen.status, 200, "{seen:?}");
            assert!(seen.text.contains(&self.backup), "{seen:?}");
        }
        let unknown = "/backup/0.1.0_20991231T235959999Z";
        let answer = self.service.get(unknown).await;
        let (code, words) = ("destination-unreachable", ["destination"]);
        self.assert_refused(&answer, 511, code, &words);
        let overview = self.work_refused(511, code, &words).await;
        assert_eq!(overview.backups, Some(1));
        assert!(overview.last_backup.is_some());
    }

    async fn work_refused(&self, status: u16, code: &str, words: &[&str]) -> Overview {
        let before = self.service.get("/assets").await.text;
        for (method, path) in self.calls() {
            let request = self.service.request(method, &path);
            self.assert_refused(&answer(request).await, status, code, words);
        }
        for (path, body) in [
            ("/backup/asset", asset("new", "x")),
            (
                "/backup",
                format!("{{\"iterable\":[{}]}}", asset("new", "x")),
            ),
        ] {
            let sent = self.service.post_json(path, body).await;
            self.assert_refused(&sent, status, code, words);
        }
        for path in [
            "/backups/create/streamed/websocket".to_owned(),
            format!("/backup/{}/restore/streamed/websocket", self.backup),
        ] {
            let refused = self.service.connect(&path).await.unwrap_err();
            let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else {
                panic!("{refused}");
            };
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()["x-holdfast-code"], code, "{path}");
        }
        let status_call = format!("/backup/{}/creation/status", self.backup);
        let told = self.service.get(&status_call).await;
        assert!(
            [200, 404, 500].contains(&told.status),
            "not of the contract: {told:?}"
        );
        assert_eq!(
            self.service.get("/assets").await.text,
            before,
            "nothing was changed"
        );
        assert!(
            self.service
                .jobs()
                .await
                .iter()
                .all(|job| job.state == JobState::Completed)
        );
        let overview: Overview = self.service.get("/holdfast/overview").await.json();
        let problem = overview.destination.problem.as_ref();
        assert_eq!(problem.unwrap().code, code);
        assert_eq!(overview.library.assets, 60);
        overview
    }

    fn assert_refused(&self, answer: &Answer, status: u16, code: &str, words: &[&str]) {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{answer:?}"
        );
        assert!(
            words.iter().any(|word| answer.text.contains(word)),
            "{answer:?}"
        );
        self.assert_discreet(answer);
    }

    /// No path, key or token is in it, and it says what to do.
    fn assert_discreet(&self, answer: &Answer) {
        let home = self.service.home.data();
        let key = fs::read_to_string(home.join("key.txt")).unwrap_or("no open key".into());
        let secrets = [
            home.parent().unwrap().to_str().unwrap().to_owned(),
            self.service.file.token.clone(),
            key.trim().to_owned(),
            "databases".into(),
        ];
        for secret in secrets {
            assert!(!answer.text.contains(&secret), "{secret} in {answer:?}");
        }
        assert!(
            answer.text.len() > 50 && answer.text.contains(". "),
            "no help: {answer:?}"
        );
    }

    /// All is well: the backup of the beginning is listed, restores, and another can be made.
    async fn works(&self) {
        let list: Backups = self.service.get("/backups").await.json();
        assert!(list.iterable.iter().any(|backup| backup.id == self.backup));
        let restored = self
            .service
            .post(&format!("/backup/{}/restore", self.backup))
            .await;
        assert_eq!(restored.status, 200, "{restored:?}");
        let assets: serde_json::Value = self.service.get("/assets").await.json();
        assert_eq!(assets["iterable"].as_array().unwrap().len(), 40);
        self.service.back_up().await;
    }
}

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
