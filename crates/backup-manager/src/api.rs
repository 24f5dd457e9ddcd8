//! What this crate needs of a service: the one way out of it, so that everything in it is tested against a service that
//! a test makes up. `http.rs` holds the real one.

mod extensions;

use std::sync::Arc;

use backup_api::{
    Backup, BackupDetails, BackupStatus, BackupStreamedProgress, BackupsStreamedProgress,
    Capabilities, Job, JobKind, Overview, Preview, Problem,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use extensions::Extensions;

use crate::{FoundService, Target};

/// An answer that comes, or a problem that does, within a time that the implementation sets.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Problem>>;
/// Values as they come. After an error nothing follows.
pub type Updates<T> = BoxStream<'static, Result<T, Problem>>;

/// A service behind the Backup API, with or without the extensions.
pub trait Api: Extensions {
    /// Fails when the service does not answer.
    fn check(&self) -> Answer<'_, ()>;
    fn version(&self) -> Answer<'_, String>;
    /// `None` from a service without the extensions.
    fn capabilities(&self) -> Answer<'_, Option<Capabilities>>;
    /// One at once, then one for every change. Extension `overview`.
    fn watch_overview(&self) -> Updates<Overview>;
    fn backups(&self) -> Answer<'_, Vec<Backup>>;
    /// Extension `details`.
    fn details(&self) -> Answer<'_, Vec<BackupDetails>>;
    /// Extension `preview`.
    fn preview<'a>(&'a self, backup: &'a str) -> Answer<'a, Preview>;
    /// Starts a creation and follows it to its end, through stalls and cuts.
    fn create(&self) -> Updates<BackupStreamedProgress>;
    /// Starts a restore and follows it to its end, through stalls and cuts.
    fn restore(&self, backup: &str) -> Updates<BackupStreamedProgress>;
    /// Every creation and restore in progress, whoever started it.
    fn watch_progress(&self) -> Updates<BackupsStreamedProgress>;
    /// `None` when the service knows of no such job.
    fn status<'a>(&'a self, kind: JobKind, backup: &'a str) -> Answer<'a, Option<BackupStatus>>;
    /// Returns when the job has ended.
    fn cancel<'a>(&'a self, kind: JobKind, backup: &'a str) -> Answer<'a, ()>;
    fn delete<'a>(&'a self, backup: &'a str) -> Answer<'a, ()>;
    /// Extension `undelete`.
    fn undelete<'a>(&'a self, backup: &'a str) -> Answer<'a, ()>;
    /// Extension `passphrase`.
    fn give_passphrase(&self, passphrase: String) -> Answer<'_, ()>;
    /// Returns when it is done. Extension `undo`.
    fn undo(&self) -> Answer<'_, Job>;
}

/// A service that can be talked to.
#[derive(Clone)]
pub struct Service {
    pub api: Arc<dyn Api>,
    /// For a person, until the service has said more about itself.
    pub name: String,
    pub address: String,
}

/// The way to a service.
pub trait Connector: Send + Sync {
    /// Fails for a target that can be no service, whether it runs or not.
    fn accepts(&self, target: &Target) -> Result<(), Problem>;
    /// Fails when there is nothing to talk to at the moment; it is asked again after a while.
    fn open<'a>(&'a self, target: &'a Target) -> Answer<'a, Service>;
    /// The services found on this machine.
    fn find(&self) -> Answer<'_, Vec<FoundService>>;
}
