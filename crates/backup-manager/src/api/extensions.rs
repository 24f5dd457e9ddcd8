//! What only a service with the newer extensions does: folders beside the library, looking into backups, proving them, and
//! restoring what is chosen of them.

use backup_api::{
    Differences, Entries, Job, NewSource, Preview, Restore, Source, SourceChange, Sources, Verify,
};

use super::Answer;

/// Jobs that begin here are told of by the overview, not by these calls.
pub trait Extensions: Send + Sync {
    /// Extension `sources`, as the three after it.
    fn sources(&self) -> Answer<'_, Sources>;
    fn add_source<'a>(&'a self, new: &'a NewSource) -> Answer<'a, Source>;
    fn change_source<'a>(&'a self, id: &'a str, change: &'a SourceChange) -> Answer<'a, Source>;
    fn remove_source<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;
    /// Extension `browse`. The root is the empty path.
    fn entries<'a>(
        &'a self,
        backup: &'a str,
        path: &'a str,
        after: Option<&'a str>,
    ) -> Answer<'a, Entries>;
    /// From the backup to what is there now. Extension `compare`.
    fn changes_since<'a>(
        &'a self,
        backup: &'a str,
        after: Option<&'a str>,
    ) -> Answer<'a, Differences>;
    /// Extension `restore-parts`, as the one after it.
    fn foresee<'a>(&'a self, backup: &'a str, restore: &'a Restore) -> Answer<'a, Preview>;
    /// Returns when it has begun.
    fn begin_restore<'a>(&'a self, backup: &'a str, restore: &'a Restore) -> Answer<'a, Job>;
    /// Returns when it has begun. Extension `verify`.
    fn begin_verify<'a>(&'a self, verify: &'a Verify) -> Answer<'a, Job>;
    /// Cancels a job by its own id; returns the job as it ended.
    fn cancel_job<'a>(&'a self, id: &'a str) -> Answer<'a, Job>;
}
