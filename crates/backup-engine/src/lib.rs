//! The engine of Holdfast: the library, its backups in a destination, and restores that are transactions.
//!
//! It is synchronous at heart and knows neither HTTP nor a window; its types are not wire types. Only this crate names
//! `rustic_core` and `rusqlite`.

mod backup;
mod beside;
mod browse;
mod database;
mod delete;
mod destination;
mod durable;
mod engine;
mod error;
mod failpoint;
mod hex;
mod id;
mod journal;
mod keychain;
mod keys;
mod library;
mod names;
mod restore;
mod secret;
mod sources;
mod undo;
mod verify;
mod watch;

pub use browse::{Change, Difference, Entry, EntryKind, Page, Version};
pub use destination::{BackupRecord, DestinationReport, SourceRecord, UnreadFile};
pub use engine::{Engine, EngineOptions};
pub use error::{Error, ErrorKind};
#[cfg(feature = "failpoints")]
pub use failpoint::failpoints_passed;
pub use id::BackupId;
pub use keys::{KeyState, export_key, import_key};
pub use library::{Item, Library, LibraryFacts};
pub use restore::{PartPreview, Place, RestorePreview, RestoreRequest, What};
pub use secret::Secret;
pub use sources::{NewSource, Source, SourceId, SourceKind};
pub use undo::UndoRecord;
pub use verify::{Depth, VerifyReport};
pub use watch::{CancelFlag, Outcome, Phase, Step, Watch};

/// The semantic version that backup ids carry.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
