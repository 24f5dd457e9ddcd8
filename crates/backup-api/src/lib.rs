//! The wire types of the Backup API and of Holdfast's extensions under `/holdfast/`.
//!
//! Both ends of HTTP share this crate. It does no I/O and knows neither a server nor a client; on reading, unknown
//! fields are ignored and unknown status words become [`Status::Unknown`], because other services speak this API too.

mod asset;
mod backup;
mod holdfast;
pub mod paths;
mod status;

pub use asset::{Asset, AssetError, Assets};
pub use backup::{
    Backup, Backups, EmbeddedModelSchema, GroupedTimestamp, Platform, SeededBackup, Semantic,
};
pub use holdfast::{
    BackupDetails, Capabilities, DestinationState, Imported, Job, JobKind, JobState, KeyProtection,
    LibraryState, Overview, Passphrase, Phase, Preview, Problem, Progress, ServiceFile, UndoState,
};
pub use status::{BackupStatus, BackupStreamedProgress, BackupsStreamedProgress, Status};
