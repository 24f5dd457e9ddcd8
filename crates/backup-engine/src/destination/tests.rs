//! What happens to a destination while a job works with it.

mod storage;

use std::fs;
use std::time::Duration;

use rustic_core::repofile::SnapshotFile;
use rustic_core::{FileType, WriteBackend};

use super::records::LibraryDetails;
use super::trial::World;
use super::*;
use crate::BackupId;
use crate::delete::{Removed, delete, undelete};

fn taken_over(destination: &Destination) -> Lease {
    let claimant = Claimant {
        machine: "there".into(),
        device: "there".into(),
    };
    let timing = Timing {
        renew: Duration::from_secs(3_600),
        stale: Duration::from_millis(20),
        look: Duration::from_millis(5),
    };
    let lock = tempfile::tempfile().unwrap();
    Lease::take(
        destination.root(),
        &claimant,
        lock,
        timing,
        &Watch::unwatched(),
    )
    .unwrap()
}

/// A record of a backup of nothing.
fn record(id: &BackupId, proven: bool) -> SnapshotFile {
    let details = Details {
        format: 1,
        backup: id.to_string(),
        device_name: "here".into(),
        platform: "linux".into(),
        taken: chrono::Utc::now(),
        seconds: 0.0,
        library: LibraryDetails {
            assets: 0,
            bytes: 0,
            sha256: None,
            schema: 1,
        },
        files: None,
        proven: proven.then(chrono::Utc::now),
        sources: Vec::new(),
    };
    SnapshotFile {
        label: COMMITTED.into(),
        description: Some(details.to_text().unwrap()),
        ..SnapshotFile::default()
    }
}

/// A record of a backup that has this list of files.
fn record_naming(id: &BackupId, list: &SnapshotId) -> SnapshotFile {
    let mut record = record(id, false);
    let mut details = Details::of(&record).unwrap();
    details.files = Some(list.to_hex().as_str().to_owned());
    record.description = Some(details.to_text().unwrap());
    record
}

/// A backup with a list of files, and where that lies.
fn back_up_with_list(destination: &Destination) -> (BackupId, PathBuf) {
    let watch = Watch::unwatched();
    let held = destination.hold(&watch).unwrap();
    let open = |part| destination.write(&held, part, &watch).unwrap();
    let (databases, files) = (open(Part::Databases), open(Part::Files));
    files.save(SnapshotFile::default()).unwrap();
    let list = files.snapshot_ids().unwrap()[0];
    let id = BackupId::new("1.0.0", chrono::Utc::now());
    databases.save(record_naming(&id, &list)).unwrap();
    let lists = files.folder().join("snapshots");
    (id, lists.join(list.to_hex().as_str()))
}

#[test]
fn a_deleted_backup_whose_list_could_not_be_read_comes_back_only_as_long_as_that_is_there() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let (id, list) = back_up_with_list(&destination);
    let whole = fs::read(&list).unwrap();
    let remove_badly_read = || {
        fs::write(&list, "read badly").unwrap();
        delete(&destination, &id).unwrap();
        fs::write(&list, &whole).unwrap();
    };
    remove_badly_read();
    undelete(&destination, &id).unwrap();
    assert_eq!(destination.backups().unwrap().len(), 1);
    remove_badly_read();
    // As the next backup does.
    {
        let held = destination.hold(&watch).unwrap();
        let files = destination.write(&held, Part::Files, &watch).unwrap();
        destination.tidy(&files).unwrap();
    }
    assert!(!list.exists());
    let refused = undelete(&destination, &id);
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
    assert!(world.destination().backups().unwrap().is_empty());
}

#[test]
fn a_backup_whose_list_was_gone_already_comes_back_as_it_was() {
    let world = World::new();
    let destination = world.destination();
    let (id, list) = back_up_with_list(&destination);
    fs::remove_file(list).unwrap();
    delete(&destination, &id).unwrap();
    undelete(&destination, &id).unwrap();
    assert_eq!(destination.backups().unwrap().len(), 1);
}

#[test]
fn a_backup_whose_list_cannot_be_read_at_the_moment_is_not_deleted() {
    let world = World::new();
    let destination = world.destination();
    let (id, list) = back_up_with_list(&destination);
    let away = list.with_extension("away");
    fs::rename(&list, &away).unwrap();
    // It is there, and reading it fails.
    fs::create_dir(&list).unwrap();
    let refused = delete(&destination, &id);
    assert!(matches!(refused, Err(Error::Repository(_))), "{refused:?}");
    assert_eq!(destination.backups().unwrap().len(), 1);
    fs::remove_dir(&list).unwrap();
    fs::rename(away, &list).unwrap();
    delete(&destination, &id).unwrap();
    assert!(!list.exists());
}

#[test]
fn a_device_that_was_overtaken_removes_nothing_any_more() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let held = destination.hold(&watch).unwrap();
    let session = destination.write(&held, Part::Databases, &watch).unwrap();
    let id = BackupId::new("1.0.0", chrono::Utc::now());
    session.save(record(&id, false)).unwrap();
    let snapshots = session.snapshot_ids().unwrap();
    let name = session.folder().join("index").join("a".repeat(64));
    fs::write(&name, "").unwrap();
    let other = taken_over(&destination);
    let removed =
        session
            .storage()
            .remove(FileType::Index, &"a".repeat(64).parse().unwrap(), false);
    assert!(removed.is_err() && name.exists());
    assert!(!session.discard_written(), "it may be in use by now");
    drop(other);
    assert!(!session.discard_written(), "also when the other is done");
    assert_eq!(session.snapshot_ids().unwrap(), snapshots);
}

#[test]
fn a_backup_is_deleted_with_a_record_that_another_device_wrote_meanwhile() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let id = BackupId::new("1.0.0", chrono::Utc::now());
    let write = |destination: &Destination, proven| {
        let held = destination.hold(&watch).unwrap();
        let session = destination.write(&held, Part::Databases, &watch).unwrap();
        session.save(record(&id, proven)).unwrap();
    };
    write(&destination, false);
    assert_eq!(destination.backups().unwrap().len(), 1);
    write(&world.destination(), true);
    delete(&destination, &id).unwrap();
    assert!(world.destination().backups().unwrap().is_empty());
}

#[test]
fn a_list_of_known_destinations_that_does_not_read_ends_no_job() {
    let (world, watch) = (World::new(), Watch::unwatched());
    drop(world.destination().hold(&watch).unwrap());
    let list = world.data().join("destination.json");
    fs::write(&list, "{\"places\":").unwrap();
    drop(world.destination().hold(&watch).unwrap());
    assert!(world.destination().is_known().unwrap());
}

#[test]
fn where_the_databases_have_gone_no_new_ones_are_made_by_a_job_that_runs() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let held = destination.hold(&watch).unwrap();
    let folder = destination.folder(Part::Databases);
    fs::rename(&folder, folder.with_extension("away")).unwrap();
    let refused = destination.write(&held, Part::Databases, &watch).err();
    assert!(
        matches!(refused, Some(Error::Unreachable(_))),
        "{refused:?}"
    );
    assert!(!folder.exists());
}

#[test]
fn what_was_deleted_on_another_disk_is_not_put_back_here() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    drop(destination.hold(&watch).unwrap());
    assert!(destination.backups().unwrap().is_empty());
    let id = BackupId::new("1.0.0", chrono::Utc::now());
    let removed = Removed {
        record: record(&id, false),
        files: None,
    };
    destination.catalog().note_removed(id.clone(), removed);
    destination.backups().unwrap();
    assert!(destination.catalog().removed(&id).is_some());
    fs::rename(
        destination.root(),
        destination.root().with_extension("away"),
    )
    .unwrap();
    drop(world.destination().hold(&watch));
    fs::remove_file(world.data().join("destination.json")).unwrap();
    drop(world.destination().hold(&watch).unwrap());
    destination.backups().unwrap();
    assert!(destination.catalog().removed(&id).is_none());
}

#[test]
fn a_backup_that_was_deleted_on_one_disk_is_not_put_back_on_another_under_the_same_path() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let id = BackupId::new("1.0.0", chrono::Utc::now());
    {
        let held = destination.hold(&watch).unwrap();
        let session = destination.write(&held, Part::Databases, &watch).unwrap();
        session.save(record(&id, false)).unwrap();
    }
    delete(&destination, &id).unwrap();
    let root = destination.root();
    fs::rename(root, root.with_extension("away")).unwrap();
    fs::remove_file(world.data().join("destination.json")).unwrap();
    drop(world.destination().hold(&watch).unwrap());

    let refused = undelete(&destination, &id);
    assert!(
        matches!(refused, Err(Error::NothingToUndelete(_))),
        "{refused:?}"
    );
    assert!(world.destination().backups().unwrap().is_empty());
}
