//! Reading the record of a backup, of which another device may write another one meanwhile, or remove it.

use rustic_core::repofile::SnapshotFile;

use crate::destination::{Content, Destination, Details};
use crate::{BackupId, Error};

/// The record as it is now: what is known of it may be from before another device noted a proof with it.
///
/// Errors: `UnknownBackup` where the backup is not there any more.
pub(super) fn read(
    destination: &Destination,
    databases: &Content,
    id: &BackupId,
) -> Result<(SnapshotFile, Details), Error> {
    let session = databases.session();
    let gone = || Error::UnknownBackup(id.clone());
    let known = destination.catalog().snapshots_of(id);
    let known = *known.first().ok_or_else(gone)?;
    let snapshot = match session.snapshot(&known) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let now = destination.refreshed()?.snapshots_of(id);
            let now = *now.first().ok_or_else(gone)?;
            if now == known {
                return Err(error);
            }
            session.snapshot(&now)?
        }
    };
    let details = Details::of(&snapshot).ok_or_else(gone)?;
    Ok((snapshot, details))
}
