//! Reading bodies: bounded in size, time and number, and with an error that says where they are wrong.

use std::fmt::Display;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::state::App;

/// The largest body that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(60);
/// What of a reason is given back, in characters: its beginning, and its end, which says where.
const REASON: (usize, usize) = (120, 60);

/// The body, read as JSON. `None` where there is none, or it is `null`.
pub(crate) async fn body<T: DeserializeOwned>(
    app: &App,
    body: Body,
) -> Result<Option<T>, ApiError> {
    // What has no body waits for nobody's upload.
    if body.is_end_stream() {
        return Ok(None);
    }
    let _permit = app.uploads().acquire().await.map_err(|_| interrupted())?;
    let bytes = collect(body, BODY_TIME).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!(
            "The body is not what this call takes: {}. Nothing was changed.",
            briefly(&error)
        );
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-body",
            &message,
            "Correct it and send it again.",
        )
    })
}

/// The whole of a body. One that is too large is read to its end and thrown away: whoever is cut off while sending never
/// reads why.
async fn collect(mut body: Body, time: Duration) -> Result<Vec<u8>, ApiError> {
    let (mut bytes, mut fits) = (Vec::new(), true);
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            fits &= bytes.len() + data.len() <= BODY_LIMIT;
            if fits {
                bytes.extend_from_slice(&data);
            } else {
                bytes = Vec::new();
            }
        }
        Ok::<(), axum::Error>(())
    };
    let read = tokio::time::timeout(time, reading).await;
    if !fits {
        return Err(too_large());
    }
    read.map_err(|_| too_slow())?.map_err(|_| interrupted())?;
    Ok(bytes)
}

/// Why a body does not read, without the long parts of it that a reason can repeat.
pub(crate) fn briefly(reason: &impl Display) -> String {
    let reason = reason.to_string();
    let (start, end) = REASON;
    let count = reason.chars().count();
    if count <= start + end {
        return reason;
    }
    let beginning: String = reason.chars().take(start).collect();
    let rest: String = reason.chars().skip(count - end).collect();
    format!("{beginning} … {rest}")
}

fn too_large() -> ApiError {
    let message = format!(
        "The body is larger than {} MB. Nothing was changed.",
        BODY_LIMIT / 1_000_000
    );
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        &message,
        "Send it in smaller parts.",
    )
}

fn interrupted() -> ApiError {
    let message = "The body did not arrive whole. Nothing was changed.";
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "body-interrupted",
        message,
        "Send it again.",
    )
}

fn too_slow() -> ApiError {
    let message = "The body took too long to arrive. Nothing was changed.";
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        message,
        "Send it again, or in smaller parts.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use futures::{StreamExt, stream};

    async fn refusal(body: Body) -> (StatusCode, String) {
        let error = collect(body, Duration::from_millis(20)).await.unwrap_err();
        let response = error.into_response();
        let status = response.status();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(text.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let begun = stream::iter([Ok::<_, std::io::Error>("{\"iterable\":[")]);
        let (status, text) = refusal(Body::from_stream(begun.chain(stream::pending()))).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert!(text.contains("too long") && text.contains("Nothing was changed."));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
        let broken = stream::iter([Ok("{}"), Err(std::io::Error::other("reset"))]);
        let (status, text) = refusal(Body::from_stream(broken)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("did not arrive whole"));
    }

    #[test]
    fn a_long_reason_keeps_its_beginning_and_its_end() {
        let reason = format!(
            "invalid type: \"{}\" at line 3 column 7",
            "é".repeat(10_000)
        );
        let brief = briefly(&reason);
        assert!(brief.starts_with("invalid type: ") && brief.ends_with("at line 3 column 7"));
        assert!(brief.chars().count() < 200);
        assert_eq!(briefly(&"short"), "short");
    }
}
