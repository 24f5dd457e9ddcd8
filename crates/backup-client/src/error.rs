//! What can go wrong between a client and a service, for programs (`code`) and for a person (`message`, `fix`).

use std::time::Duration;

use reqwest::StatusCode;

use crate::decode::DecodeError;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    #[error("the service did not answer within {0:?}")]
    TimedOut(Duration),
    /// The service's own words: its status, and its code where it has one.
    #[error("{status}: {message}")]
    Refused {
        status: u16,
        code: Option<String>,
        message: String,
        fix: Option<String>,
    },
    #[error("the service's answer does not read: {0}")]
    Garbled(String),
    #[error("the connection broke off: {0}")]
    Broken(String),
    #[error("this is no address of a service: {0}")]
    BadAddress(String),
    /// An id that cannot stand in a path, so no service can know it.
    #[error("this is no id")]
    BadId,
}

impl ClientError {
    /// A stable word: that of the service where it has one.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused {
                code: Some(code), ..
            } => code,
            Self::Refused { status: 404, .. } => "not-found",
            Self::Refused { status: 505, .. } => "newer",
            Self::Refused { status: 511, .. } => "locked",
            Self::Refused { status: 403, .. } => "not-allowed",
            Self::Refused { .. } => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed-out",
            Self::Garbled(_) => "garbled",
            Self::Broken(_) => "broken-off",
            Self::BadAddress(_) => "bad-address",
            Self::BadId => "unknown-backup",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Refused {
                message, status, ..
            } if message.is_empty() => {
                format!("The service refused with status {status} and said no more.")
            }
            Self::Refused { message, .. } => message.clone(),
            Self::Unreachable(_) => "The service cannot be reached.".into(),
            Self::TimedOut(after) => format!(
                "The service did not answer for {} seconds.",
                after.as_secs().max(1)
            ),
            Self::Garbled(_) => "The service gave an answer that makes no sense.".into(),
            Self::Broken(_) => "The connection to the service broke off.".into(),
            Self::BadAddress(_) => "This is no address of a service.".into(),
            Self::BadId => "There is no backup with this id.".into(),
        }
    }

    pub fn fix(&self) -> String {
        match self {
            Self::Refused { fix: Some(fix), .. } => fix.clone(),
            // Plain texts of the service already end with what to do.
            Self::Refused { .. } => String::new(),
            Self::Unreachable(_) => "Check that it runs, then try again.".into(),
            Self::TimedOut(_) => "Wait a moment, then try again.".into(),
            Self::Garbled(_) => "Check that the address is that of a backup service.".into(),
            Self::Broken(_) => "Ask for the status to see how it went on.".into(),
            Self::BadAddress(_) => "Give one like http://127.0.0.1:1000.".into(),
            Self::BadId => "Use an id from the list.".into(),
        }
    }

    /// The HTTP status, where the service answered with one.
    pub fn status(&self) -> Option<u16> {
        if let Self::Refused { status, .. } = self {
            Some(*status)
        } else {
            None
        }
    }

    /// Whether it is certain that the request had no effect: it never got to the service.
    pub fn never_arrived(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::BadAddress(_) | Self::BadId
        )
    }

    /// `limit` is the time the call had.
    pub(crate) fn of(error: reqwest::Error, limit: Duration) -> Self {
        // The address may hold what belongs in no message.
        let error = error.without_url();
        if error.is_connect() {
            Self::Unreachable(with_causes(&error))
        } else if error.is_timeout() {
            Self::TimedOut(limit)
        } else {
            // Also what reqwest calls an error of decoding: a body that did not arrive whole. What a body says is read here.
            Self::Broken(with_causes(&error))
        }
    }
}

/// An error and what is behind it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::Garbled(error.to_string())
    }
}

/// The error in an answer that is no success. `text` is its body, already bounded.
pub(crate) fn refused(status: StatusCode, code: Option<String>, text: &str) -> ClientError {
    let status = status.as_u16();
    if let Ok(problem) = serde_json::from_str::<backup_api::Problem>(text) {
        let (code, fix) = (Some(problem.code), Some(problem.fix));
        return ClientError::Refused {
            status,
            code,
            message: problem.message,
            fix,
        };
    }
    // Some services answer with a page or a dump; a person is shown its beginning.
    let message: String = text.trim().chars().take(500).collect();
    ClientError::Refused {
        status,
        code,
        message,
        fix: None,
    }
}
