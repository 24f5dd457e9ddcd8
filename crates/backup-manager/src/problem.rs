//! The problems that arise here rather than in a service, each with a stable code.

use std::time::Duration;

use backup_api::{JobKind, Problem};

/// The code of a start that may still come to something.
pub(crate) const NO_ANSWER_YET: &str = "no-answer-yet";

fn problem(code: &str, message: impl Into<String>, fix: impl Into<String>) -> Problem {
    Problem {
        code: code.to_owned(),
        message: message.into(),
        fix: fix.into(),
    }
}

pub(crate) fn disconnected() -> Problem {
    problem(
        "disconnected",
        "There is no connection to the backup service at the moment. Nothing was changed.",
        "Wait until it is there again, or choose another service in Settings.",
    )
}

pub(crate) fn unsupported(what: &str) -> Problem {
    problem(
        "unsupported",
        format!("This service cannot {what}."),
        "Holdfast's own service can; choose it in Settings.",
    )
}

pub(crate) fn unknown_backup() -> Problem {
    problem(
        "unknown-backup",
        "There is no such backup any more.",
        "Choose another one from the list.",
    )
}

pub(crate) fn nothing_runs() -> Problem {
    problem(
        "nothing-to-cancel",
        "Nothing is running that could be cancelled.",
        "The list of backups shows how the last job ended.",
    )
}

pub(crate) fn not_cancelable() -> Problem {
    problem(
        "not-cancelable",
        "This job is in its last step and can no longer be cancelled.",
        "A restore can be undone when it has ended.",
    )
}

pub(crate) fn other_restore() -> Problem {
    problem(
        "nothing-to-undo",
        "What that restore replaced is no longer kept, or was brought back already. Nothing was changed.",
        "The list of backups shows what can be restored.",
    )
}

/// The service did not answer in time.
pub(crate) fn silent(waited: Duration) -> Problem {
    problem(
        "timed-out",
        format!(
            "The backup service has not answered for {}.",
            seconds(waited)
        ),
        "It is tried again by itself. Another service can be chosen in Settings.",
    )
}

/// The service ended the connection.
pub(crate) fn closed() -> Problem {
    problem(
        "unreachable",
        "The backup service has ended the connection.",
        "It is tried again by itself. Another service can be chosen in Settings.",
    )
}

/// The service took the request and says nothing.
pub(crate) fn silent_start(kind: JobKind, waited: Duration) -> Problem {
    let what = noun(kind);
    problem(
        NO_ANSWER_YET,
        format!(
            "The service was asked for a {what} and has said nothing for {}. It may be busy with something else.",
            seconds(waited)
        ),
        "Progress is shown as soon as there is any. There is no need to start it again.",
    )
}

/// A job that runs, on a service that answers, and does not get on.
pub(crate) fn stalled(silence: Duration) -> Problem {
    problem(
        "stalled",
        format!(
            "There has been no progress for {}. The service still answers.",
            seconds(silence)
        ),
        "Wait, or cancel: nothing is lost by either.",
    )
}

/// The stream of a job ended before the job did.
pub(crate) fn broke_off(kind: JobKind) -> Problem {
    let what = noun(kind);
    problem(
        "unknown-end",
        format!("The service stopped reporting on the {what} before it ended."),
        "The list of backups and the library show how it ended.",
    )
}

/// A service of the plain API says that a job failed, and no more.
pub(crate) fn failed_without_reason(kind: JobKind) -> Problem {
    let what = noun(kind);
    problem(
        "failed-elsewhere",
        format!("The service reports that the {what} failed. It does not say why."),
        "Look into the service's own log, then try again.",
    )
}

fn noun(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Creation => "backup",
        JobKind::Restoration => "restore",
        JobKind::Undo => "undo",
        JobKind::Verification => "verification",
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        1 => "1 second".to_owned(),
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}
