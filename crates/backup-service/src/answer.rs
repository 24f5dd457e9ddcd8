//! Reading bodies: bounded in size, time and number, and with an error that says where they are wrong.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::state::App;

/// The largest body that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(60);

/// The body, read as JSON. `None` where there is none, or it is `null`.
pub(crate) async fn body<T: DeserializeOwned>(
    app: &App,
    body: Body,
) -> Result<Option<T>, ApiError> {
    let _permit = app.uploads().acquire().await.map_err(|_| interrupted())?;
    let bytes = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_LIMIT)).await;
    let bytes = bytes
        .map_err(|_| too_slow())?
        .map_err(|error| not_read(&error))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let message =
            format!("The body is not what this call takes: {error}. Nothing was changed.");
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-body",
            &message,
            "Correct it and send it again.",
        )
    })
}

fn not_read(error: &axum::Error) -> ApiError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            let message = format!(
                "The body is larger than {} MB. Nothing was changed.",
                BODY_LIMIT / 1_000_000
            );
            return ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                &message,
                "Send it in smaller parts.",
            );
        }
        cause = error.source();
    }
    interrupted()
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
