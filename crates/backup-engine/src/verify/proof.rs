//! Noting with a backup that it was restored, or that this holds no more: its record is written anew, and the old one removed.

use chrono::{DateTime, Utc};

use crate::destination::{Destination, Details, Part};
use crate::{BackupId, Error, Watch};

/// `None`: what was proven holds no more. Both records are there for a moment, which is one backup all the same.
pub(super) fn note(
    destination: &Destination,
    id: &BackupId,
    proven: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let hold = destination.hold(&Watch::unwatched())?;
    let session = destination.write(&hold, Part::Databases, &Watch::unwatched())?;
    // Until it was taken, another device may have written here.
    let old = destination.refreshed()?.snapshots_of(id);
    let gone = || Error::UnknownBackup(id.clone());
    let mut snapshot = session.snapshot(old.first().ok_or_else(gone)?)?;
    let mut details = Details::of(&snapshot).ok_or_else(gone)?;
    details.proven = proven;
    snapshot.description = Some(details.to_text()?);
    session.save_record(snapshot)?;
    if let Err(error) = session.remove(&old) {
        tracing::warn!(%error, "the record of a backup from before its proof stays");
    }
    Ok(())
}
