//! Why a job cannot be started.

use axum::http::StatusCode;
use backup_api::{Job, JobKind};

use crate::error::ApiError;

/// Of what was not begun, or was cancelled because the service ends.
pub(crate) fn stopping() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "stopping",
        "The service is stopping. Nothing was changed.",
        "Start it again, then try again.",
    )
}

/// Another one runs.
pub(super) fn busy(job: &Job) -> ApiError {
    let what = match job.kind {
        JobKind::Creation => "The backup",
        JobKind::Restoration => "The restore of the backup",
        JobKind::Undo => "The undoing of the restore of the backup",
        JobKind::Verification if job.backup.is_empty() => "The verification of all backups",
        JobKind::Verification => "The verification of the backup",
    };
    let message = format!("{what} {} is running. Nothing was changed.", job.backup);
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "busy",
        &message.replace("  ", " "),
        "Wait until it is done, or cancel it.",
    )
}
