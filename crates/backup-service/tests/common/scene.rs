//! A service in which every call has something to do, and the check that a call which is refused did nothing and told nothing.

use super::described::{Call, Ids, calls};
use super::{Allowed, Service};

/// A service in which every call would change or tell something: backups, one that was deleted, and a restore to undo.
pub struct Scene {
    pub service: Service,
    pub ids: Ids,
    pub calls: Vec<Call>,
}

impl Scene {
    pub async fn set(allowed: Allowed) -> Self {
        let service = Service::allowing(allowed).await;
        service.fill(20, 100);
        let backup = service.back_up().await.id;
        let deleted = service.back_up().await.id;
        service.fill(30, 100);
        for path in [
            format!("/backups/{deleted}/delete"),
            format!("/backup/{backup}/restore"),
        ] {
            let answer = service.post(&path).await;
            assert!(answer.status < 300, "{answer:?}");
        }
        let (asset, job) = ("asset-000001".into(), "job-1".into());
        let source = "notes".into();
        let ids = Ids {
            backup,
            deleted,
            asset,
            job,
            source,
        };
        let calls = calls(&service).await;
        Self {
            service,
            ids,
            calls,
        }
    }

    /// The headers that make a request acceptable.
    pub fn good(&self) -> [String; 2] {
        [
            format!("Host: {}", self.service.host()),
            format!("Authorization: {}", self.service.authorization()),
        ]
    }

    pub async fn send(&self, line: &str, headers: &[String], body: &str) -> (u16, String) {
        let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
        for header in headers {
            request += &format!("{header}\r\n");
        }
        self.service.raw(&format!("{request}\r\n{body}")).await
    }

    /// Makes every call with these headers: each is refused in this way, tells nothing, and changes nothing.
    pub async fn all_refused(&self, headers: &[String], body: &str, status: u16, code: &str) {
        let before = self.service.everything().await;
        for call in &self.calls {
            let line = format!("{} {}", call.method, call.path(&self.ids));
            let (was, text) = self.send(&line, headers, body).await;
            assert_eq!(was, status, "{line} with {headers:?}: {text}");
            assert!(
                text.contains(&format!("x-holdfast-code: {code}\r\n")),
                "{text}"
            );
            self.assert_tells_nothing(&text);
            assert_eq!(
                self.service.everything().await,
                before,
                "{line} with {headers:?}"
            );
        }
    }

    pub fn assert_tells_nothing(&self, answer: &str) {
        let low = answer.to_ascii_lowercase();
        assert!(!low.contains("access-control-"), "{answer}");
        assert!(!answer.contains(&self.service.file.token), "{answer}");
        assert!(!answer.contains(&self.ids.asset) && !answer.contains(&self.ids.backup));
        let data = self.service.home.data();
        assert!(
            !answer.contains(data.parent().unwrap().to_str().unwrap()),
            "{answer}"
        );
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(body.len() > 40 && body.ends_with('.'), "no help: {answer}");
    }
}

/// These headers, and more.
pub fn with(headers: &[String], more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|header| (*header).to_owned());
    headers.iter().cloned().chain(more).collect()
}
