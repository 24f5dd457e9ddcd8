//! A storage that does not do what it is asked, or too late.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::Arc;

use rustic_core::repofile::{PackId, SnapshotFile};
use rustic_core::{BackupOptions, FileType, Id, PathList, Repository};

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

/// A few packs, as a backup stores them.
fn store_packs(session: Session, source: &Path) -> HashSet<Id> {
    fs::create_dir_all(source).unwrap();
    for name in ["one", "two"] {
        fs::write(source.join(name), name.repeat(10_000)).unwrap();
    }
    let session = session.load(Repository::to_indexed_ids).unwrap();
    let paths = PathList::from_iter(Some(source));
    let snapshot = SnapshotFile::default();
    let options = BackupOptions::default();
    session
        .repository
        .backup(&options, &paths, snapshot)
        .unwrap();
    let packs = session.packs().unwrap();
    packs.into_keys().map(|pack| *pack).collect()
}

/// Which packs the index has.
fn listed(session: &Session) -> HashSet<Id> {
    let packs = session
        .index()
        .unwrap()
        .flat_map(|file| file.unwrap().packs);
    packs.map(|pack| *pack.id).collect()
}

/// What those packs hold.
fn stored(session: &Session) -> HashSet<Id> {
    let packs = session
        .index()
        .unwrap()
        .flat_map(|file| file.unwrap().packs);
    let blobs = packs.flat_map(|pack| pack.blobs);
    blobs.map(|blob| *blob.id).collect()
}

#[test]
fn a_pack_whose_size_cannot_be_told_for_a_moment_stays_in_the_index() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let held = destination.hold(&watch).unwrap();
    let open = || destination.write(&held, Part::Databases, &watch).unwrap();
    let packs = store_packs(open(), &world.data().join("source"));
    let overlooked = *packs.iter().next().unwrap();
    let session = interposed(
        &destination,
        &held,
        Part::Databases,
        move |call, _, id| match (call, *id == overlooked) {
            (Call::Size, true) => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        },
    );
    session.check_index().unwrap();
    assert_eq!(listed(&open()), packs);
    assert_eq!(session.packs().unwrap().len(), packs.len());
}

#[test]
fn a_damaged_pack_stays_where_its_copy_is_in_no_index() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let held = destination.hold(&watch).unwrap();
    let open = || destination.write(&held, Part::Databases, &watch).unwrap();
    let packs = store_packs(open(), &world.data().join("source"));
    let damaged = *packs.iter().next().unwrap();
    let path = damage(&open(), &damaged);
    let before = stored(&open());
    let known = packs.clone();
    // Of the copy, nothing can be read.
    let session = interposed(
        &destination,
        &held,
        Part::Databases,
        move |call, tpe, id| match (call, tpe) {
            (Call::Read, FileType::Pack) if !known.contains(id) => {
                Err(io::ErrorKind::TimedOut.into())
            }
            _ => Ok(()),
        },
    );
    let mended = destination.mend(&session);
    assert!(path.exists(), "{mended:?}");
    assert!(matches!(mended, Err(Error::Repository(_))), "{mended:?}");
    assert!(listed(&open()).contains(&damaged));
    destination.mend(&open()).unwrap();
    assert!(!path.exists());
    assert!(!listed(&open()).contains(&damaged));
    assert_eq!(stored(&open()), before);
}

#[test]
fn a_noted_pack_that_cannot_be_read_at_the_moment_stays_noted() {
    let (world, watch) = (World::new(), Watch::unwatched());
    let destination = world.destination();
    let held = destination.hold(&watch).unwrap();
    let open = || destination.write(&held, Part::Databases, &watch).unwrap();
    let packs = store_packs(open(), &world.data().join("source"));
    let noted = *packs.iter().next().unwrap();
    open().note_damaged(&noted.into()).unwrap();
    let session = interposed(
        &destination,
        &held,
        Part::Databases,
        move |call, _, id| match (call, *id == noted) {
            (Call::Read, true) => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        },
    );
    let mended = destination.mend(&session);
    assert_eq!(listed(&open()), packs, "{mended:?}");
    assert!(mended.is_err());
    let notes = || damaged::noted_packs(&session.folder()).unwrap();
    assert_eq!(notes(), [PackId::from(noted)]);
    // It is whole, as the next backup sees.
    destination.mend(&open()).unwrap();
    assert_eq!(listed(&open()), packs);
    assert_eq!(notes(), []);
}

/// Flips a bit in the header of a pack, which lies at its end, and notes it.
fn damage(session: &Session, pack: &Id) -> PathBuf {
    let name = pack.to_hex();
    let path = session.folder().join("data").join(&name.as_str()[..2]);
    let path = path.join(name.as_str());
    let mut content = fs::read(&path).unwrap();
    let at = content.len() - 10;
    content[at] ^= 0x10;
    fs::write(&path, content).unwrap();
    session.note_damaged(&(*pack).into()).unwrap();
    path
}
