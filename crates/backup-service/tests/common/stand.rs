//! A service whose destination is in trouble: what it refuses then, what it shows, and that nothing is lost.

use std::fs;

use backup_api::{Backups, JobState, Overview};

use super::common::*;

/// A service with a backup, and other content in the library since.
pub struct Stand {
    pub service: Service,
    pub backup: String,
}

impl Stand {
    pub async fn new(passphrase: Option<&str>) -> Self {
        let home = Home::new();
        let engine = home.engine(passphrase);
        Self::on(Service::over(home, engine, Allowed::default()).await).await
    }

    pub async fn on(service: Service) -> Self {
        service.fill(40, 2_000);
        let backup = service.back_up().await.id;
        service.fill(60, 2_000);
        Self { service, backup }
    }

    /// Ends the service, lets something happen to its folders, and starts it again.
    pub async fn meanwhile(self, passphrase: Option<&str>, happens: impl FnOnce(&Home)) -> Self {
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
    pub async fn all_refused(&self, status: u16, code: &str, words: &[&str]) {
        for path in self.looks() {
            self.assert_refused(&self.service.get(&path).await, status, code, words);
        }
        let overview = self.work_refused(status, code, words).await;
        assert_eq!(overview.backups, None);
    }

    /// What there is can be seen as it was at the last look, and nothing can be done with it.
    pub async fn all_seen_and_nothing_done(&self) {
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

    pub fn assert_refused(&self, answer: &Answer, status: u16, code: &str, words: &[&str]) {
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
    pub async fn works(&self) {
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
