//! How creations and restorations report on themselves: the status words and the objects that carry them.

use serde::{Deserialize, Serialize};

use crate::{Backup, EmbeddedModelSchema};

/// The status words of the Backup API. A word this version does not know reads as [`Status::Unknown`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Initialized,
    #[serde(rename = "IN-PROGRESS")]
    InProgress,
    Completed,
    Failed,
    Canceled,
    Reset,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Whether nothing more will follow: completed, failed or canceled.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// The answer of the two `…/status` calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    pub backup: Backup,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Status>,
    /// 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentage: Option<f64>,
}

/// One object of a progress stream. The first names the backup, the last has a terminal status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupStreamedProgress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// 0 to 100; it never goes back, and 100 means that the work is durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentage: Option<f64>,
}

/// Every creation and restoration in progress, as `/backups/streamed/progress` sends it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupsStreamedProgress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<Vec<BackupStreamedProgress>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restorations: Option<Vec<BackupStreamedProgress>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_status_word_reads_as_unknown() {
        let read: Status = serde_json::from_str("\"PAUSED-BY-MOON\"").unwrap();
        assert_eq!(read, Status::Unknown);
    }

    #[test]
    fn every_status_word_is_the_one_of_the_contract() {
        use Status::*;
        let words = [
            Unknown,
            Initialized,
            InProgress,
            Completed,
            Failed,
            Canceled,
            Reset,
        ]
        .map(|status| serde_json::to_value(status).unwrap());
        assert_eq!(
            words,
            [
                "UNKNOWN",
                "INITIALIZED",
                "IN-PROGRESS",
                "COMPLETED",
                "FAILED",
                "CANCELED",
                "RESET"
            ]
        );
    }

    #[test]
    fn an_empty_progress_object_is_read_and_written_as_one() {
        let read: BackupStreamedProgress = serde_json::from_str(r#"{"later":1}"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "{}");
    }
}
