//! Errors on their way out: a status of the contract, a text that helps, a stable code, and nothing internal.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backup_api::Problem;
use backup_engine::{Error, ErrorKind};

/// The header that carries the stable code beside a plain text.
pub(crate) const CODE_HEADER: &str = "x-holdfast-code";

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    problem: Problem,
    /// What was asked for is not there.
    unknown: bool,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str, fix: &str) -> Self {
        let problem = Problem {
            code: code.into(),
            message: message.into(),
            fix: fix.into(),
        };
        Self {
            status,
            problem,
            unknown: false,
        }
    }

    pub(crate) fn unknown_backup() -> Self {
        let error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unknown-backup",
            "There is no backup with this id.",
            "Ask for the list of backups and use an id from it.",
        );
        Self {
            unknown: true,
            ..error
        }
    }

    /// A task that did not come to its end.
    pub(crate) fn broken(why: &tokio::task::JoinError) -> Self {
        tracing::error!(%why, "a task broke down");
        Self::from(Error::Panicked(why.to_string()))
    }

    /// Whether it says that what was asked for is not there.
    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn not_found_if_unknown(self) -> Self {
        if self.unknown {
            self.with_status(StatusCode::NOT_FOUND)
        } else {
            self
        }
    }

    pub(crate) fn problem(self) -> Problem {
        self.problem
    }

    /// The same as JSON, for the calls under `/holdfast/`.
    pub(crate) fn into_json(self) -> JsonError {
        JsonError::from(self)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Locked | ErrorKind::Unreachable => {
                StatusCode::NETWORK_AUTHENTICATION_REQUIRED
            }
            ErrorKind::Newer => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            ErrorKind::NotFound | ErrorKind::Busy | ErrorKind::Failed => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        if error.kind() == ErrorKind::Failed {
            tracing::error!(%error, "a call failed");
        }
        Self {
            status,
            unknown: error.kind() == ErrorKind::NotFound,
            problem: problem_of(&error),
        }
    }
}

/// What of an error may leave the process.
pub(crate) fn problem_of(error: &Error) -> Problem {
    Problem {
        code: error.code().into(),
        message: error.message(),
        fix: error.fix(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let text = format!("{} {}", self.problem.message, self.problem.fix);
        let code =
            HeaderValue::from_str(&self.problem.code).unwrap_or(HeaderValue::from_static("failed"));
        let plain = (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        let mut response = (self.status, [plain], text).into_response();
        response.headers_mut().insert(CODE_HEADER, code);
        response
    }
}

pub(crate) struct JsonError(ApiError);

/// These calls have a word for what is not there; most of the contract's do not.
impl From<ApiError> for JsonError {
    fn from(error: ApiError) -> Self {
        Self(error.not_found_if_unknown())
    }
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        (self.0.status, Json(self.0.problem)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_path_or_cause_leaves_with_an_error() {
        let inside = std::io::Error::other("/home/somebody/secret.db: token=1234");
        let errors = [
            Error::DestinationFull(inside),
            Error::Unreachable("/mnt/disk with key abc".into()),
            Error::Locked("/home/somebody/key.txt".into()),
            Error::Repository("https://user:password@host/repo".into()),
            Error::Damaged {
                backup: None,
                detail: "/mnt/disk/databases/data/00".into(),
            },
            Error::Panicked("at /home/somebody/src".into()),
        ];
        for error in errors {
            let response = ApiError::from(error).into_response();
            let code = response.headers()[CODE_HEADER].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(response.into_body(), 10_000)
                .await
                .unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(
                !text.contains('/') && !text.contains("1234") && !text.contains("password"),
                "{code}: {text}"
            );
            assert!(text.ends_with('.') && text.len() > 30, "{code}: {text}");
        }
    }
}
