//! A service at an address: how a request to it is built, sent, bounded in time and size, and its refusal understood.
//! The calls themselves are in `calls.rs` and `holdfast.rs`.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{ClientError, refused};

/// What of an error's text, and of other short texts, is read.
const TEXT_LIMIT: usize = 64 * 1024;
/// The largest answer that is taken, but for the whole library.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// For a call that does no long work, from its start to the last byte of the answer.
    pub call: Duration,
    /// For a cancel, which answers when the job has ended.
    pub cancel: Duration,
    /// For a call that answers when a job is done, or that carries much.
    pub job: Duration,
    /// Without a value on a stream for this long, another means is tried.
    pub stall: Duration,
    /// Between two questions for a status.
    pub poll: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            call: Duration::from_secs(20),
            cancel: Duration::from_secs(60),
            job: Duration::from_secs(24 * 3600),
            stall: Duration::from_secs(90),
            poll: Duration::from_secs(1),
        }
    }
}

/// A service at an address. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    token: Option<String>,
    pub(crate) timeouts: Timeouts,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token does not belong in a log.
        out.debug_struct("Client")
            .field("address", &self.address.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// `token` is the one of `service.json`; a service of others has none.
    pub fn new(address: Url, token: Option<String>) -> Result<Self, ClientError> {
        Self::with_timeouts(address, token, Timeouts::default())
    }

    /// For tests, and for those who know a service that is slower than most.
    pub fn with_timeouts(
        address: Url,
        token: Option<String>,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        if address.scheme() != "http" || address.host().is_none() {
            return Err(ClientError::BadAddress(address.to_string()));
        }
        let builder = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            // A proxy has no business between a program and its own machine, nor has a redirect elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // A request that starts a job must not be sent twice, nor vanish in a connection that was just being
            // closed by the other side: no retries, and each has a connection of its own.
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0);
        let http = builder
            .build()
            .map_err(|error| ClientError::of(error, timeouts.connect))?;
        Ok(Self {
            http,
            address,
            token,
            timeouts,
        })
    }

    pub fn address(&self) -> &Url {
        &self.address
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path)?.timeout(self.timeouts.call);
        self.json(self.send(request).await?, self.timeouts.call)
            .await
    }

    /// A call without a body that does no long work and whose answer says nothing more.
    pub(crate) async fn post(&self, path: &[&str], limit: Duration) -> Result<(), ClientError> {
        let request = self.request(Method::POST, path)?.timeout(limit);
        self.send(request).await.map(drop)
    }

    /// A call that answers when a job is done, which may take long.
    pub(crate) async fn job(
        &self,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<Response, ClientError> {
        let request = self.request(Method::POST, path)?.timeout(self.timeouts.job);
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub(crate) async fn text(&self, path: &[&str]) -> Result<String, ClientError> {
        let limit = self.timeouts.call;
        let request = self.request(Method::GET, path)?.timeout(limit);
        let bytes = read(self.send(request).await?, TEXT_LIMIT, limit).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        response: Response,
        limit: Duration,
    ) -> Result<T, ClientError> {
        decoded(&read(response, ANSWER_LIMIT, limit).await?)
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &[&str],
    ) -> Result<RequestBuilder, ClientError> {
        Ok(self.request_to(method, self.url(path)?))
    }

    /// A question whose details follow the address; what is absent is left out.
    pub(crate) fn query(
        &self,
        path: &[&str],
        details: &[(&str, Option<&str>)],
    ) -> Result<RequestBuilder, ClientError> {
        let mut url = self.url(path)?;
        let given = details
            .iter()
            .filter_map(|(name, value)| Some((name, (*value)?)));
        url.query_pairs_mut().extend_pairs(given);
        Ok(self.request_to(Method::GET, url))
    }

    fn request_to(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
        .header(header::ACCEPT, "application/json")
    }

    /// The first part is a path; all others are single segments, encoded.
    pub(crate) fn url(&self, path: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.address.clone();
        url.set_query(None);
        url.set_fragment(None);
        let bad = || ClientError::BadAddress(self.address.to_string());
        let mut segments = url.path_segments_mut().map_err(|()| bad())?;
        segments.pop_if_empty();
        for (at, part) in path.iter().enumerate() {
            if at == 0 {
                segments.extend(part.split('/').filter(|segment| !segment.is_empty()));
            } else if matches!(*part, "" | "." | "..") {
                // A URL would take these for steps, encoded or not.
                return Err(ClientError::BadId);
            } else {
                segments.push(part);
            }
        }
        drop(segments);
        Ok(url)
    }

    /// Sends, and turns an answer that is no success into an error with the service's words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let limit = self.timeouts.call;
        let sent = request.send().await;
        let response = sent.map_err(|error| ClientError::of(error, limit))?;
        let status = response.status();
        if status.is_success() {
            return not_a_page(response);
        }
        let code = response
            .headers()
            .get(CODE_HEADER)
            .and_then(|code| code.to_str().ok())
            .map(str::to_owned);
        // The status is the answer; a text that does not come, or has no end, only makes it less friendly.
        let text = tokio::time::timeout(limit, beginning(response)).await;
        Err(refused(status, code, &text.unwrap_or_default()))
    }
}

/// No call of this API answers with a page, but whatever else listens at an address may answer any of them with one, and
/// then nothing was done.
fn not_a_page(response: Response) -> Result<Response, ClientError> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map(header::HeaderValue::as_bytes).unwrap_or_default();
    let page = b"text/html";
    if kind.len() >= page.len() && kind[..page.len()].eq_ignore_ascii_case(page) {
        return Err(ClientError::Garbled("it is a page for a browser".into()));
    }
    Ok(response)
}

/// Carries the stable code of an error beside its text.
pub(crate) const CODE_HEADER: &str = "x-holdfast-code";

/// The whole of an answer. Errors: one that is larger than `most`.
pub(crate) async fn read(
    mut response: Response,
    most: usize,
    limit: Duration,
) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| ClientError::of(error, limit))? else {
            return Ok(bytes);
        };
        if bytes.len() + chunk.len() > most {
            return Err(ClientError::Garbled(format!("more than {most} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// As much of a text as is shown, and as arrives.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < TEXT_LIMIT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(TEXT_LIMIT);
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| ClientError::Garbled(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use backup_api::paths;
    use proptest::prelude::*;

    fn client() -> Client {
        Client::new(
            "http://127.0.0.1:1000".parse().unwrap(),
            Some("secret".into()),
        )
        .unwrap()
    }

    #[test]
    fn an_id_never_leaves_its_place_in_a_path() {
        let url = client()
            .url(&[paths::BACKUP, "../../x?y#z%00/ä", "restore"])
            .unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1000/backup/..%2F..%2Fx%3Fy%23z%2500%2F%C3%A4/restore"
        );
        for id in ["", ".", ".."] {
            assert!(client().url(&[paths::BACKUP, id]).is_err(), "{id:?}");
        }
    }

    proptest! {
        #[test]
        fn any_id_is_exactly_one_segment(id in any::<String>()) {
            if let Ok(url) = client().url(&[paths::BACKUP, &id, "restore"]) {
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 3);
                prop_assert_eq!((segments[0], segments[2]), ("backup", "restore"));
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }

    #[test]
    fn an_address_may_have_a_path_of_its_own_and_nothing_more() {
        let address = "http://localhost:1000/base/?x=1#y".parse().unwrap();
        let url = Client::new(address, None).unwrap().url(&[paths::CREATE]);
        assert_eq!(
            url.unwrap().as_str(),
            "http://localhost:1000/base/backups/create"
        );
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        for address in [
            "ftp://127.0.0.1",
            "data:text/plain,x",
            "https://localhost:1000",
        ] {
            assert!(
                Client::new(address.parse().unwrap(), None).is_err(),
                "{address}"
            );
        }
    }

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", client()).contains("secret"));
    }
}
