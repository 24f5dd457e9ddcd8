//! Engine types to wire types, in one place; here those of the Backup API, of jobs and of the overview.

mod content;
mod restore;

use backup_api::{
    Asset, Backup, BackupStatus, BackupStreamedProgress, DestinationState, GroupedTimestamp, Job,
    JobState, KeyProtection, LibraryState, Phase, Platform, Status,
};
use backup_engine::{BackupId, BackupRecord, DestinationReport, Item, KeyState, LibraryFacts};

pub(crate) use content::{details, differences, entries, new_source, source, source_kind};
pub(crate) use restore::{depth, preview, restores, undo, verify_report};

use crate::error::problem_of;

pub(crate) fn backup(record: &BackupRecord) -> Backup {
    Backup {
        schema: None,
        id: record.id.to_string(),
        version: record.version.clone(),
        timestamp: record.id.timestamp().to_owned(),
        bytes: record.bytes,
        device_name: record.device_name.clone(),
        platform: platform(&record.platform),
        created: GroupedTimestamp::from(record.created),
    }
}

/// A backup that is being made, as far as it is known.
pub(crate) fn coming_backup(id: &BackupId, bytes: u64, device_name: &str) -> Backup {
    Backup {
        schema: None,
        id: id.to_string(),
        version: id.version().to_owned(),
        timestamp: id.timestamp().to_owned(),
        bytes,
        device_name: device_name.to_owned(),
        platform: Platform::current(),
        created: GroupedTimestamp::from(id.created()),
    }
}

fn platform(os: &str) -> Platform {
    match os {
        "linux" => Platform::Linux,
        "macos" => Platform::Macos,
        "windows" => Platform::Windows,
        "android" => Platform::Android,
        "ios" => Platform::Ios,
        "fuchsia" => Platform::Fuchsia,
        _ => Platform::Unknown,
    }
}

pub(crate) fn library(facts: LibraryFacts) -> LibraryState {
    LibraryState {
        assets: facts.assets,
        bytes: facts.bytes,
        updated: facts.updated,
    }
}

pub(crate) fn destination(report: &DestinationReport) -> DestinationState {
    DestinationState {
        place: report.place.clone(),
        problem: report.error.as_ref().map(problem_of),
        free_bytes: report.free_bytes,
        stored_bytes: report.stored_bytes,
    }
}

pub(crate) fn key(state: KeyState) -> KeyProtection {
    match state {
        KeyState::Keychain => KeyProtection::Keychain,
        KeyState::Passphrase => KeyProtection::Passphrase,
        KeyState::Unprotected => KeyProtection::Unprotected,
        KeyState::Missing => KeyProtection::Missing,
        KeyState::NotYet => KeyProtection::NotYet,
    }
}

pub(crate) fn item(asset: &Asset) -> Item {
    Item {
        id: asset.id().to_owned(),
        name: asset.name().map(str::to_owned),
        created: asset.created().to_owned(),
        updated: asset.updated().to_owned(),
        json: asset.json().to_owned(),
    }
}

pub(crate) fn phase(phase: backup_engine::Phase) -> Phase {
    match phase {
        backup_engine::Phase::Preparing => Phase::Preparing,
        backup_engine::Phase::Storing => Phase::Storing,
        backup_engine::Phase::Staging => Phase::Staging,
        backup_engine::Phase::Verifying => Phase::Verifying,
        backup_engine::Phase::Waiting => Phase::Waiting,
        backup_engine::Phase::Committing => Phase::Committing,
    }
}

/// The status word of the Backup API for a job.
pub(crate) fn status(job: &Job) -> Status {
    match job.state {
        JobState::Queued => Status::Initialized,
        JobState::Running | JobState::Canceling => Status::InProgress,
        JobState::Completed => Status::Completed,
        JobState::Failed => Status::Failed,
        JobState::Canceled => Status::Canceled,
    }
}

pub(crate) fn job_status(job: &Job, backup: Backup) -> BackupStatus {
    BackupStatus {
        schema: None,
        backup,
        value: Some(status(job)),
        percentage: Some(job.progress.percentage),
    }
}

/// Status and percentage, without the backup.
pub(crate) fn progress_words(job: &Job) -> BackupStreamedProgress {
    let (status, percentage) = (Some(status(job)), Some(job.progress.percentage));
    BackupStreamedProgress {
        schema: None,
        backup: None,
        status,
        percentage,
    }
}

pub(crate) fn progress(job: &Job, backup: Backup) -> BackupStreamedProgress {
    BackupStreamedProgress {
        backup: Some(backup),
        ..progress_words(job)
    }
}
