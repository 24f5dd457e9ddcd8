//! Running the repository library's archiver over something that can be read.

use std::path::Path;

use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{
    BackupOptions, ParentOptions, ReadSource, SnapshotGroupCriterion, SnapshotOptions,
};

use super::{Origin, Store};
use crate::Error;

/// One snapshot to be made.
pub(super) struct Archive<'a> {
    pub store: &'a Store,
    pub origin: &'a Origin<'a>,
    pub label: &'a str,
    pub description: Option<String>,
    /// An earlier snapshot: what has the same size, times and number as there is not read again.
    pub parent: Option<SnapshotId>,
    /// What is in it, for other programs that list it.
    pub paths: Vec<String>,
}

impl Archive<'_> {
    /// Stores all of `source`. A file that cannot be read is left out without a word by the repository library: the caller has
    /// to ask its readers how they ended, and compare the sums.
    pub(super) fn run<R>(self, source: &R) -> Result<SnapshotFile, Error>
    where
        R: ReadSource + 'static,
        R::Open: Send,
        R::Iter: Send,
    {
        let time = self
            .origin
            .time()?
            .to_zoned(rustic_core::jiff::tz::TimeZone::UTC);
        let mut snapshot = SnapshotOptions::default()
            .label(self.label.to_owned())
            .host(self.origin.device_name.to_owned())
            .time(time)
            .to_snapshot()
            .map_err(self.store.explain())?;
        snapshot.description = self.description;
        let parent = ParentOptions::default()
            .force(self.parent.is_none())
            .parents(
                self.parent
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
            )
            .group_by(SnapshotGroupCriterion::new());
        let options = BackupOptions::default().no_scan(true).parent_opts(parent);
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| Path::new(path).into())
            .collect();
        self.store
            .repository
            .archive(&options, source, snapshot, &paths)
            .map_err(self.store.explain())
    }
}

/// How much of it the repository library says it has stored: entries that are no folders, and their bytes.
pub(super) fn processed(snapshot: &SnapshotFile) -> (u64, u64) {
    snapshot.summary.as_ref().map_or((0, 0), |summary| {
        (summary.total_files_processed, summary.total_bytes_processed)
    })
}
