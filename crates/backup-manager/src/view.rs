//! What the window shows, as it is at one moment: the seam between this crate and whatever draws it. Plain data, no
//! behaviour but what reads it; the sentences are the window's.

use backup_api::{
    Backup, BackupDetails, DestinationState, Job, JobState, KeyProtection, LibraryState, Problem,
    SourceRecord, UndoState,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Everything the window and the tray show, except the list of backups, which can be long and is fetched.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct View {
    pub connection: Connection,
    pub summary: Summary,
    /// The job that runs, or the last one that ran.
    pub job: Option<Job>,
    /// What *Undo restore* would bring back.
    pub undo: Option<UndoState>,
    pub library: Option<LibraryState>,
    pub destination: Option<DestinationState>,
    pub key: Option<KeyProtection>,
    pub last_backup: Option<BackupRow>,
    /// Absent while it is not known.
    pub backups_count: Option<u64>,
    /// Another number whenever the list of backups may have changed.
    pub backups_revision: u64,
    /// What the service can do beyond the Backup API; empty for one that has none of the extensions.
    pub features: Vec<String>,
}

impl View {
    pub fn is_connected(&self) -> bool {
        self.connection.status == ConnectionStatus::Connected
    }

    /// The job, if it has not ended yet.
    pub fn running_job(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| !job.state.is_terminal())
    }

    /// Whether a cancel would have an effect at the moment.
    pub fn can_cancel(&self) -> bool {
        self.running_job()
            .is_some_and(|job| job.cancelable && job.state != JobState::Canceling)
    }
}

/// The service that is talked to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Connection {
    pub target: Target,
    /// For a person.
    pub name: String,
    /// Absent until it is known.
    pub address: Option<String>,
    pub status: ConnectionStatus,
    /// Why there is no connection, or what does not work although there is one.
    pub problem: Option<Problem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionStatus {
    /// The first try, or the first after another target was chosen.
    Connecting,
    Connected,
    /// It will be tried again by itself.
    Lost,
}

/// Which service to talk to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// The one inside this program, or the one of another program that has the data folder.
    #[default]
    Embedded,
    /// Another one, `http://HOST:PORT`.
    Address { address: String },
}

/// A service that was found on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FoundService {
    pub name: String,
    pub address: String,
    pub version: Option<String>,
    pub kind: ServiceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    Holdfast,
    Pieces,
    Other,
}

/// How things are, for one sentence. The window writes it, because it holds a time that goes by and has a language.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Summary {
    pub code: SummaryCode,
    pub tone: Tone,
    /// When the last backup was made.
    pub since: Option<DateTime<Utc>>,
    pub problem: Option<Problem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum SummaryCode {
    /// There is no backup yet.
    FirstStart,
    Protected,
    /// The last backup was long ago.
    Stale,
    /// A job runs. With a problem: it runs, and something about it should be known.
    Working,
    DestinationUnreachable,
    /// The destination is there, and something in it cannot be read.
    DestinationDamaged,
    /// The key is not available.
    Locked,
    Disconnected,
    LastFailed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    Good,
    Working,
    Attention,
    Bad,
}

/// A backup in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BackupRow {
    pub backup: Backup,
    /// Absent where the service does not say.
    pub assets: Option<u64>,
    /// What it added to the destination; absent where the service does not say.
    pub stored_bytes: Option<u64>,
    /// What is in it beside the library. The files that could not be read are not named here: the list would be long.
    pub sources: Vec<SourceRecord>,
    /// Files of all sources together that could not be read when it was made.
    pub unread_count: u64,
    /// When it was last proven that it can be restored.
    pub proven: Option<DateTime<Utc>>,
}

impl From<BackupDetails> for BackupRow {
    fn from(details: BackupDetails) -> Self {
        Self {
            backup: details.backup,
            assets: Some(details.assets),
            stored_bytes: Some(details.stored_bytes),
            sources: details.sources.into_iter().map(without_names).collect(),
            unread_count: details.unread_count,
            proven: details.proven,
        }
    }
}

impl From<Backup> for BackupRow {
    fn from(backup: Backup) -> Self {
        Self {
            backup,
            assets: None,
            stored_bytes: None,
            sources: Vec::new(),
            unread_count: 0,
            proven: None,
        }
    }
}

fn without_names(source: SourceRecord) -> SourceRecord {
    SourceRecord {
        unread: Vec::new(),
        ..source
    }
}

/// What the window should show, because somebody asked for it outside of the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Intent {
    /// This backup in the list.
    ShowBackup {
        backup: String,
    },
    /// The restore sheet of this backup.
    Restore {
        backup: String,
    },
    Overview,
}
