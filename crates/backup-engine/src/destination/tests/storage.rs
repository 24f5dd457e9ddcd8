//! A storage that does not do what it is asked, or too late.

use std::fs;
use std::sync::Arc;

use rustic_core::FileType;
use rustic_core::repofile::SnapshotFile;

use super::super::trial::{Call, World, interposed};
use super::super::*;
use super::{record_naming, taken_over};
use crate::BackupId;

/// A process that stands still just before it writes its record, until another device has taken over.
#[test]
fn a_record_that_comes_after_another_device_took_over_stays_only_where_what_it_lists_is_there() {
    for is_removed in [true, false] {
        let (world, watch) = (World::new(), Watch::unwatched());
        let destination = Arc::new(world.destination());
        let held = destination.hold(&watch).unwrap();
        let files = destination.write(&held, Part::Files, &watch).unwrap();
        files.save(SnapshotFile::default()).unwrap();
        let list = files.snapshot_ids().unwrap()[0];
        let other = destination.clone();
        let session = interposed(&destination, &held, Part::Databases, move |call, tpe, _| {
            if (call, tpe) == (Call::Write, FileType::Snapshot) {
                drop(taken_over(&other));
                if is_removed {
                    let lists = other.folder(Part::Files).join("snapshots");
                    fs::remove_file(lists.join(list.to_hex().as_str()))?;
                }
            }
            Ok(())
        });
        let id = BackupId::new("1.0.0", chrono::Utc::now());
        let saved = session.save_record(record_naming(&id, &list));
        let listed = world.destination().backups().unwrap().len();
        if is_removed {
            assert!(matches!(saved, Err(Error::LeaseLost)), "{saved:?}");
            assert_eq!(listed, 0);
        } else {
            saved.unwrap();
            assert_eq!(listed, 1);
        }
    }
}
