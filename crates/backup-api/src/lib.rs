//! The wire types of the Backup API and of Holdfast's extensions under `/holdfast/`.
//!
//! Both ends of HTTP share this crate. It does no I/O and knows neither a server nor a client; on reading, unknown
//! fields are ignored and unknown status words become [`Status::Unknown`], because other services speak this API too. Only requests that no
//! other service knows, and in which a field that is not understood could do harm, are read strictly.

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
    BackupDetails, Capabilities, Change, DamagedBackup, Depth, DestinationState, Difference,
    Differences, Entries, Entry, EntryKind, Imported, Job, JobKind, JobState, KeyProtection,
    LibraryState, NewSource, Overview, PartPreview, Passphrase, Phase, Preview, Problem, Progress,
    Restore, ServiceFile, Source, SourceChange, SourceKind, SourceRecord, Sources, UndoState,
    UnreadFile, Verify, VerifyReport, What,
};
pub use status::{BackupStatus, BackupStreamedProgress, BackupsStreamedProgress, Status};
