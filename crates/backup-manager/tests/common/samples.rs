//! Made-up values.

use backup_api::*;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};

pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap()
}

pub fn problem(code: &str) -> Problem {
    Problem {
        code: code.into(),
        message: format!("What happened: {code}."),
        fix: "What to do.".into(),
    }
}

pub fn backup(id: &str) -> Backup {
    backup_of(id, noon())
}

pub fn backup_of(id: &str, made: DateTime<Utc>) -> Backup {
    Backup {
        schema: None,
        id: id.into(),
        version: "0.1.0".into(),
        timestamp: "20260504T120000000Z".into(),
        bytes: 312_500_000,
        device_name: "desk".into(),
        platform: Platform::Linux,
        created: made.into(),
    }
}

/// The n-th of a list in which each is an hour newer than the one before.
pub fn nth(n: i64) -> Backup {
    backup_of(&format!("b{n}"), noon() + TimeDelta::hours(n))
}

pub fn details(id: &str) -> BackupDetails {
    BackupDetails {
        backup: backup(id),
        assets: 4212,
        stored_bytes: 2_100_000,
        seconds: 3.5,
        sources: Vec::new(),
        unread_count: 0,
        proven: None,
    }
}

/// A job as a service with the extensions reports it, with an id that names it and its state.
pub fn job(backup: &str, kind: JobKind, state: JobState) -> Job {
    let ended = state.is_terminal();
    Job {
        id: format!("job-{backup}"),
        kind,
        backup: backup.into(),
        state,
        phase: if ended { Phase::Done } else { Phase::Storing },
        waits_for: None,
        progress: Progress::default(),
        cancelable: !ended,
        started: noon(),
        ended: ended.then(noon),
        problem: (state == JobState::Failed).then(|| problem("destination-full")),
        restores: None,
        report: None,
    }
}

pub fn creation(backup: &str, state: JobState) -> Job {
    job(backup, JobKind::Creation, state)
}

pub fn overview(job: Option<Job>) -> Overview {
    Overview {
        version: "0.1.0".into(),
        device_name: "desk".into(),
        library: library(12),
        destination: DestinationState {
            place: "a folder".into(),
            problem: None,
            free_bytes: Some(1),
            stored_bytes: Some(2),
        },
        key: KeyProtection::Keychain,
        backups: Some(1),
        last_backup: Some(details("b0")),
        undo: None,
        job,
    }
}

pub fn library(assets: u64) -> LibraryState {
    LibraryState {
        assets,
        bytes: 900,
        updated: None,
    }
}

pub fn undo(backup: &str, restored: DateTime<Utc>) -> UndoState {
    UndoState {
        backup: backup.into(),
        restored,
        assets: 12,
        bytes: 900,
        sources: Vec::new(),
    }
}

pub fn preview(id: &str) -> Preview {
    Preview {
        details: details(id),
        library: library(12),
        newer: 1,
        newer_names: vec!["A snippet".into()],
        needed_bytes: 1,
        free_bytes: 2,
        parts: Vec::new(),
        in_use_by: None,
        problem: None,
    }
}

/// What a service says of one job.
pub fn step(id: &str, status: Status, percentage: f64) -> BackupStreamedProgress {
    BackupStreamedProgress {
        schema: None,
        backup: Some(backup(id)),
        status: Some(status),
        percentage: Some(percentage),
    }
}

/// What runs on a service: creations.
pub fn creations(steps: &[BackupStreamedProgress]) -> BackupsStreamedProgress {
    BackupsStreamedProgress {
        schema: None,
        backups: Some(steps.to_vec()),
        restorations: Some(Vec::new()),
    }
}

/// What runs on a service: restores.
pub fn restorations(steps: &[BackupStreamedProgress]) -> BackupsStreamedProgress {
    BackupsStreamedProgress {
        schema: None,
        backups: None,
        restorations: Some(steps.to_vec()),
    }
}
