//! Made-up values for the tests of this crate.

use backup_api::{
    Backup, BackupDetails, GroupedTimestamp, Job, JobKind, JobState, Phase, Platform, Problem,
    Progress,
};
use chrono::{DateTime, TimeZone, Utc};

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap()
}

pub(crate) fn problem(code: &str) -> Problem {
    Problem {
        code: code.into(),
        message: format!("What happened: {code}."),
        fix: "What to do.".into(),
    }
}

pub(crate) fn job(backup: &str) -> Job {
    Job {
        id: "job-1".into(),
        kind: JobKind::Creation,
        backup: backup.into(),
        state: JobState::Running,
        phase: Phase::Storing,
        waits_for: None,
        progress: Progress::default(),
        cancelable: true,
        started: noon(),
        ended: None,
        problem: None,
        restores: None,
        report: None,
    }
}

pub(crate) fn backup(id: &str) -> Backup {
    Backup {
        schema: None,
        id: id.into(),
        version: "0.1.0".into(),
        timestamp: "20260504T120000000Z".into(),
        bytes: 312_500_000,
        device_name: "desk".into(),
        platform: Platform::Linux,
        created: GroupedTimestamp::from(noon()),
    }
}

pub(crate) fn details(id: &str) -> BackupDetails {
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
