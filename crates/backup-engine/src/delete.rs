//! Taking a backup off the list, and putting it back. Its record goes first and comes last: without the record there is no
//! backup, so a break in between leaves none that cannot be restored.

use rustic_core::repofile::{SnapshotFile, SnapshotId};

use crate::destination::{Destination, Details, Hold, Part, Session};
use crate::failpoint::failpoint;
use crate::{BackupId, Error, Watch};

/// A backup that was deleted since the start: all that is needed to put it back, as long as nobody cleans up.
#[derive(Clone, Debug)]
pub(crate) struct Removed {
    pub record: SnapshotFile,
    /// Absent also where it was gone already: the backup comes back as damaged as it was.
    pub files: Option<RemovedList>,
}

/// A list of files, with its name in `files/`.
#[derive(Clone, Debug)]
pub(crate) enum RemovedList {
    Read(SnapshotId, Box<SnapshotFile>),
    /// It could not be read, and is left where it is for now.
    Left(SnapshotId),
}

pub(crate) fn delete(destination: &Destination, id: &BackupId) -> Result<(), Error> {
    let hold = destination.hold(&Watch::unwatched())?;
    let open = |part| destination.write(&hold, part, &Watch::unwatched());
    let databases = open(Part::Databases)?;
    // Until it was taken, another device may have written a record of this backup anew.
    let snapshots = destination.refreshed()?.snapshots_of(id);
    if snapshots.is_empty() {
        return Err(Error::UnknownBackup(id.clone()));
    }
    for snapshot in &snapshots {
        let record = destination.known_snapshot(&databases, snapshot)?;
        let files = match files_of(&record)? {
            Some(id) => list_of(open(Part::Files), id)?,
            None => None,
        };
        let removed = Removed { record, files };
        destination.catalog().note_removed(id.clone(), removed);
    }
    databases.remove(&snapshots)?;
    failpoint("delete-removed").map_err(Error::io("deleting the backup"))?;
    destination.look_again();
    let removed = destination.catalog().removed(id);
    if let Some(RemovedList::Read(files, _)) = removed.and_then(|removed| removed.files) {
        // Without its record it is a leftover that the next backup removes as well.
        let remove = || match is_used(destination, &files)? {
            true => Ok(()),
            false => open(Part::Files)?.remove(&[files]),
        };
        if let Err(error) = remove() {
            tracing::warn!(%error, "the list of files of a deleted backup stays until the next one");
        }
    }
    Ok(())
}

/// Whether a record names this snapshot of files, or one that cannot be read or understood may.
fn is_used(destination: &Destination, files: &SnapshotId) -> Result<bool, Error> {
    let used = destination.refreshed()?.files_snapshots();
    Ok(used.is_none_or(|used| used.contains(files)))
}

pub(crate) fn undelete(destination: &Destination, id: &BackupId) -> Result<(), Error> {
    let nothing = || Error::NothingToUndelete(id.clone());
    destination.catalog().removed(id).ok_or_else(nothing)?;
    let hold = destination.hold(&Watch::unwatched())?;
    // Another disk may have come in the place of the one that it was deleted from.
    let removed = destination.refreshed()?.removed(id);
    let Removed { mut record, files } = removed.ok_or_else(nothing)?;
    if let Some(files) = files {
        let there = put_back_files(destination, (&hold, id), files)?;
        name_files(&mut record, there)?;
    }
    let databases = destination.write(&hold, Part::Databases, &Watch::unwatched())?;
    databases.save_record(record)?;
    destination.catalog().forget_removed(id);
    destination.look_again();
    Ok(())
}

/// Saves the snapshot in `files/` again, and finds out under which name: it is encrypted anew and so gets another one.
/// Errors: `Damaged` where it is gone and was not read.
fn put_back_files(
    destination: &Destination,
    (hold, id): (&Hold, &BackupId),
    files: RemovedList,
) -> Result<SnapshotId, Error> {
    let session: Session = destination.write(hold, Part::Files, &Watch::unwatched())?;
    let before = session.snapshot_ids()?;
    let files = match files {
        RemovedList::Read(name, _) | RemovedList::Left(name) if before.contains(&name) => {
            return Ok(name);
        }
        RemovedList::Read(_, files) => *files,
        RemovedList::Left(_) => {
            let detail = "its list of files could not be read when it was deleted, and is gone";
            return Err(Error::Damaged {
                backup: Some(id.clone()),
                detail: detail.into(),
            });
        }
    };
    session.save(files)?;
    let after = session.snapshot_ids()?;
    let new = after.into_iter().find(|id| !before.contains(id));
    new.ok_or_else(|| Error::Repository("a snapshot that was saved is not there".into()))
}

/// What of a list of files can be put back. A backup that is damaged can be deleted like any other. Errors: what says nothing
/// about the backup.
fn list_of(files: Result<Session, Error>, id: SnapshotId) -> Result<Option<RemovedList>, Error> {
    let left = |error: Error| {
        tracing::warn!(%error, "the list of files of a deleted backup cannot be read");
        Ok(Some(RemovedList::Left(id)))
    };
    let files = match files {
        Ok(files) => files,
        Err(error @ (Error::Damaged { .. } | Error::Repository(_))) => return left(error),
        Err(error) => return Err(error),
    };
    match files.snapshot(&id) {
        Ok(list) => Ok(Some(RemovedList::Read(id, Box::new(list)))),
        Err(Error::Damaged { .. }) if !files.snapshot_ids()?.contains(&id) => Ok(None),
        Err(error @ Error::Damaged { .. }) => left(error),
        Err(error) => Err(error),
    }
}

fn files_of(record: &SnapshotFile) -> Result<Option<SnapshotId>, Error> {
    let named = Details::of(record).and_then(|details| details.files);
    let unreadable = |_| Error::Repository("a record names no snapshot of files".into());
    named.map(|id| id.parse().map_err(unreadable)).transpose()
}

fn name_files(record: &mut SnapshotFile, files: SnapshotId) -> Result<(), Error> {
    if let Some(mut details) = Details::of(record) {
        details.files = Some(files.to_hex().as_str().to_owned());
        record.description = Some(details.to_text()?);
    }
    Ok(())
}
