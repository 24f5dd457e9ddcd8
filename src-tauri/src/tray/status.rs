//! The first line of the tray's menu: how things are, in a few words.

use backup_api::{Job, JobKind, JobState, Phase};
use backup_manager::{ConnectionStatus, SummaryCode, Tone, View};
use chrono::{DateTime, TimeZone, Utc};

/// In the time zone of the user.
pub fn line<Z: TimeZone>(view: &View, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    let summary = &view.summary;
    let since = summary.since.map(|since| local(since, zone));
    match (summary.code, since) {
        (SummaryCode::Working, _) => view.running_job().map_or("Working".to_owned(), working),
        (SummaryCode::FirstStart, _) => "Not backed up yet".to_owned(),
        (SummaryCode::Protected, Some(since)) if summary.tone == Tone::Attention => {
            format!("Last backup {since}, not all could be read")
        }
        (SummaryCode::Protected, Some(since)) => format!("Protected, last backup {since}"),
        (SummaryCode::Protected, None) => "Protected".to_owned(),
        (SummaryCode::Stale, Some(since)) => format!("Not backed up since {since}"),
        (SummaryCode::Stale, None) => "Not backed up for long".to_owned(),
        (SummaryCode::DestinationUnreachable, _) => "The destination cannot be used".to_owned(),
        (SummaryCode::DestinationDamaged, _) => "Backups cannot be read".to_owned(),
        (SummaryCode::Locked, _) => "The key is not available".to_owned(),
        (SummaryCode::LastFailed, _) => failed(view.job.as_ref()).to_owned(),
        (SummaryCode::Disconnected, _) => match view.connection.status {
            ConnectionStatus::Connecting => "Connecting…".to_owned(),
            _ => "No connection to the service".to_owned(),
        },
    }
}

fn working(job: &Job) -> String {
    let what = match (job.kind, job.state) {
        (_, JobState::Canceling) => return "Cancelling…".to_owned(),
        _ if job.phase == Phase::Waiting => return waiting(job),
        (JobKind::Creation, _) => "Backing up",
        (JobKind::Restoration, _) => "Restoring",
        (JobKind::Undo, _) => return "Undoing the restore…".to_owned(),
        (JobKind::Verification, _) => "Checking the backups",
    };
    format!("{what}, {:.0} %", job.progress.percentage.floor())
}

fn waiting(job: &Job) -> String {
    match &job.waits_for {
        Some(program) => format!("Waiting until {program} has quit"),
        None => "Waiting until a program has quit".to_owned(),
    }
}

fn failed(job: Option<&Job>) -> &'static str {
    match job.map(|job| job.kind) {
        Some(JobKind::Restoration) => "The last restore failed",
        Some(JobKind::Undo) => "The restore was not undone",
        Some(JobKind::Verification) => "The last check of the backups failed",
        _ => "The last backup failed",
    }
}

/// An absolute time: a relative one would be wrong a minute later, and nobody redraws a menu for that.
fn local<Z: TimeZone>(moment: DateTime<Utc>, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    moment
        .with_timezone(zone)
        .format("%-d %b %H:%M")
        .to_string()
}
