//! A job's progress as a stream, framed as the client asks: a line each, an event each, or one final object.

use std::convert::Infallible;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use backup_api::{BackupStreamedProgress, Job};
use futures::{Stream, StreamExt};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::error::ApiError;
use crate::jobs::ended;

/// How a client wants its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `application/x-ndjson`, `*/*`, or nothing said.
    Lines,
    /// `text/event-stream`.
    Events,
    /// `application/json`: what generated SDKs send, which read one object.
    Final,
}

impl Framing {
    /// The first kind of stream in `Accept`; one object where only that is accepted; lines where nothing is known.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let kinds = accepted
            .flat_map(|value| value.split(','))
            .map(|kind| kind.split(';').next().unwrap_or("").trim());
        let known: Vec<Self> = kinds.filter_map(Self::of).collect();
        let stream = known.iter().find(|kind| **kind != Self::Final);
        stream.or(known.first()).copied().unwrap_or(Self::Lines)
    }

    fn of(kind: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().as_str() {
            "application/x-ndjson" | "application/ndjson" | "*/*" | "application/*" => {
                Some(Self::Lines)
            }
            "text/event-stream" => Some(Self::Events),
            "application/json" => Some(Self::Final),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
            Self::Final => "application/json",
        }
    }
}

/// What a job looks like on this stream.
pub(crate) type View = Box<dyn Fn(&Job) -> BackupStreamedProgress + Send + Sync>;

/// Every change of a job up to its terminal state, which is never left out and the last.
pub(crate) fn steps(
    job: watch::Receiver<Job>,
    view: View,
) -> impl Stream<Item = BackupStreamedProgress> + Send {
    let jobs = Box::pin(WatchStream::new(job));
    futures::stream::unfold((jobs, view, false), |(mut jobs, view, over)| async move {
        if over {
            return None;
        }
        let job = jobs.next().await?;
        let over = job.state.is_terminal();
        Some((view(&job), (jobs, view, over)))
    })
}

pub(crate) async fn answer(framing: Framing, job: watch::Receiver<Job>, view: View) -> Response {
    if framing == Framing::Final {
        let job = ended(job).await;
        return match job.problem.clone() {
            Some(problem) => failed(&problem).into_response(),
            None => Json(view(&job)).into_response(),
        };
    }
    let chunks = steps(job, view).map(move |step| Ok::<_, Infallible>(framed(framing, &step)));
    let no_store = (header::CACHE_CONTROL, "no-store");
    (
        [(header::CONTENT_TYPE, framing.content_type()), no_store],
        Body::from_stream(chunks),
    )
        .into_response()
}

/// The error of a job that failed, for a call that waited for it.
pub(crate) fn failed(problem: &backup_api::Problem) -> ApiError {
    let status = match problem.code.as_str() {
        "locked" | "destination-unreachable" => {
            axum::http::StatusCode::NETWORK_AUTHENTICATION_REQUIRED
        }
        "newer-layout" | "newer-library" => axum::http::StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        _ => axum::http::StatusCode::INTERNAL_SERVER_ERROR,
    };
    ApiError::new(status, &problem.code, &problem.message, &problem.fix)
}

fn framed(framing: Framing, step: &BackupStreamedProgress) -> Bytes {
    // These types hold nothing that JSON cannot.
    let text = serde_json::to_string(step).unwrap_or_default();
    match framing {
        Framing::Events => format!("data: {text}\n\n").into(),
        Framing::Lines | Framing::Final => format!("{text}\n").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_the_one_that_is_asked_for() {
        let asked = |accept: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            Framing::asked_for(&headers)
        };
        assert_eq!(asked(None), Framing::Lines);
        assert_eq!(asked(Some("*/*")), Framing::Lines);
        assert_eq!(asked(Some("application/x-ndjson")), Framing::Lines);
        assert_eq!(asked(Some("text/event-stream; q=1, */*")), Framing::Events);
        assert_eq!(asked(Some("application/json")), Framing::Final);
        assert_eq!(asked(Some("application/json, text/plain")), Framing::Final);
        for also in ["application/x-ndjson", "*/*", "application/*;q=0.5"] {
            let accept = format!("application/json, {also}");
            assert_eq!(asked(Some(&accept)), Framing::Lines, "{accept}");
        }
        assert_eq!(
            asked(Some("application/json, text/event-stream, */*")),
            Framing::Events
        );
        assert_eq!(asked(Some("image/png")), Framing::Lines);
    }
}
