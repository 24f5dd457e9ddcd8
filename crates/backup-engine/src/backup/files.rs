//! Storing the files of the sources that are no databases.

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use super::archive::{Archive, processed};
use super::{Origin, Store};
use crate::Error;
use crate::destination::{FILES, FilesDetails};
use crate::sources::FolderSources;

/// Every entry is then stored, or named in the list of its source.
pub(super) fn store(
    store: &Store,
    sources: &FolderSources,
    origin: &Origin,
    parent: Option<SnapshotId>,
) -> Result<SnapshotFile, Error> {
    let details = FilesDetails {
        backup: origin.id.to_string(),
    };
    let archive = Archive {
        store,
        origin,
        label: FILES,
        description: Some(details.to_text()?),
        parent,
        paths: sources
            .reports()
            .map(|(source, ..)| source.id.to_string())
            .collect(),
    };
    let snapshot = archive.run(sources)?;
    sources.settle()?;
    let (entries, _) = processed(&snapshot);
    sources
        .counts()
        .account(entries)
        .map_err(Error::Repository)?;
    Ok(snapshot)
}
