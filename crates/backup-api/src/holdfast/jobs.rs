//! Jobs: what is done, how far it is, and how it ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Problem, Restore, VerifyReport};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    Creation,
    Restoration,
    Undo,
    /// Proving that backups can be restored.
    Verification,
}

/// Where a job stands. It reaches exactly one of the last three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    Queued,
    Running,
    Canceling,
    Completed,
    Failed,
    Canceled,
}

impl JobState {
    /// Whether nothing more will follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// What a job is doing at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Opening the destination, reading what is there.
    Preparing,
    /// Reading the library and the sources, and storing what is new of them.
    Storing,
    /// Reading the backup and writing it beside what it is to replace.
    Staging,
    /// Proving that what was written is what was meant.
    Verifying,
    /// A program has what is to be replaced open, and the job goes on once it has quit. See [`Job::waits_for`].
    Waiting,
    /// The last, short step, that can no longer be cancelled.
    Committing,
    /// Over.
    Done,
}

/// How far a job is. Bytes and percentage never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Progress {
    pub bytes_done: u64,
    /// 0 as long as it is not known.
    pub bytes_total: u64,
    /// 0 to 100; 100 only when the work is durable.
    // For the bindings a number and never null: it is always finite.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub percentage: f64,
    /// Over the last seconds; absent while too little is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
}

/// A job as it is at one moment: all that a window needs to show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Job {
    /// Unique among all jobs of a service.
    pub id: String,
    pub kind: JobKind,
    /// The id of the backup that is created, restored or proven; empty where all of them are proven.
    pub backup: String,
    pub state: JobState,
    pub phase: Phase,
    /// The program that has to quit before the job goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    pub progress: Progress,
    /// Whether a cancel would still have an effect.
    pub cancelable: bool,
    pub started: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What a restoration restores, and where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<Restore>,
    /// What a verification found. One that found damage has failed, with the code `damaged` or `damaged-records`, and says here what it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<VerifyReport>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_of_an_older_service_is_read_without_what_came_later() {
        let text = r#"{"id":"job-1","kind":"restoration","backup":"b","state":"running","phase":"staging",
            "progress":{"bytes_done":1,"bytes_total":2,"percentage":50.0},"cancelable":true,"started":"2026-01-02T03:04:05Z"}"#;
        let job: Job = serde_json::from_str(text).unwrap();
        assert_eq!(
            (job.waits_for, job.restores, job.report),
            (None, None, None)
        );
    }
}
