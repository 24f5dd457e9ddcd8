//! What a user does with the engine: back up, list, change, restore, undo, delete.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backup_engine::{CancelFlag, Error, Outcome, Phase, Step, Watch};
use common::*;

#[test]
fn a_restore_brings_back_exactly_what_was_backed_up_and_undo_what_it_replaced() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 300, 2_000);
    let original = dump(&engine);
    let record = back_up(&engine);
    assert_eq!(
        (record.assets, record.device_name.as_str()),
        (300, "Test device")
    );

    engine
        .library()
        .put(&[versioned(7, 1, 900), item(1_000, 50)])
        .unwrap();
    engine.library().delete("asset-000009").unwrap();
    let changed = dump(&engine);
    assert_ne!(original, changed);

    restore(&engine, &record.id);
    assert_eq!(dump(&engine), original);
    assert_sound(&home.data());
    let undo = engine.undo_record().unwrap();
    assert_eq!((undo.backup, undo.assets), (record.id, 300));

    assert_eq!(
        engine.undo(&Watch::unwatched()).unwrap(),
        Outcome::Completed(())
    );
    assert_eq!(dump(&engine), changed);
    assert_sound(&home.data());
    assert!(matches!(
        engine.undo(&Watch::unwatched()),
        Err(Error::NothingToUndo)
    ));
}

#[test]
fn undo_still_works_after_a_restart() {
    let home = Home::new();
    let (before, record);
    {
        let engine = home.open();
        fill(&engine, 20, 500);
        record = back_up(&engine);
        engine.library().put(&[item(99, 10)]).unwrap();
        before = dump(&engine);
        restore(&engine, &record.id);
    }
    let engine = home.open();
    assert_eq!(engine.undo_record().unwrap().backup, record.id);
    engine.undo(&Watch::unwatched()).unwrap();
    assert_eq!(dump(&engine), before);
}

#[test]
fn backups_are_listed_newest_first_also_after_a_restart() {
    let home = Home::new();
    let ids: Vec<_> = {
        let engine = home.open();
        assert!(engine.backups().unwrap().is_empty());
        fill(&engine, 5, 100);
        (0..3).map(|_| back_up(&engine).id).collect()
    };
    let listed: Vec<_> = home
        .open()
        .backups()
        .unwrap()
        .iter()
        .map(|record| record.id.clone())
        .collect();
    assert_eq!(listed, ids.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_second_backup_stores_only_what_changed() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 3_000, 3_000);
    let first = back_up(&engine);
    let changes: Vec<_> = (0..30)
        .map(|number| versioned(number * 97, 1, 3_000))
        .collect();
    engine.library().put(&changes).unwrap();
    let second = back_up(&engine);
    assert!(second.stored_bytes > 0);
    assert!(
        second.stored_bytes * 5 < first.stored_bytes,
        "{} of {}",
        second.stored_bytes,
        first.stored_bytes
    );
    let unchanged = back_up(&engine);
    assert!(
        unchanged.stored_bytes * 50 < first.stored_bytes,
        "{}",
        unchanged.stored_bytes
    );
}

#[test]
fn writing_goes_on_during_a_backup_which_keeps_what_was_there_when_it_began() {
    let home = Home::new();
    let engine = Arc::new(home.open());
    fill(&engine, 2_000, 2_000);
    let original = dump(&engine);
    let (writer, written) = (engine.clone(), Arc::new(Mutex::new(0)));
    let count = written.clone();
    let watch = Watch::new(CancelFlag::default(), move |step: Step| {
        let mut count = count.lock().unwrap();
        if step.phase == Phase::Storing && step.done > 0 && *count < 20 {
            *count += 1;
            writer
                .library()
                .put(&[item(5_000 + *count, 4_000)])
                .unwrap();
        }
    });
    let id = engine.new_backup_id();
    assert!(matches!(
        engine.back_up(&id, &watch).unwrap(),
        Outcome::Completed(_)
    ));
    assert!(
        *written.lock().unwrap() > 0,
        "nothing was written meanwhile"
    );
    assert_ne!(dump(&engine), original);
    restore(&engine, &id);
    assert_eq!(dump(&engine), original);
}

#[test]
fn a_deleted_backup_is_gone_and_can_be_put_back_until_the_restart() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 50, 300);
    let original = dump(&engine);
    let record = back_up(&engine);
    engine.delete(&record.id).unwrap();
    assert!(engine.backups().unwrap().is_empty());
    assert!(matches!(
        engine.restore(&all_of(&record.id), &Watch::unwatched()),
        Err(Error::UnknownBackup(_))
    ));
    engine.undelete(&record.id).unwrap();
    assert!(matches!(
        engine.undelete(&record.id),
        Err(Error::NothingToUndelete(_))
    ));
    engine.library().delete("asset-000001").unwrap();
    restore(&engine, &record.id);
    assert_eq!(dump(&engine), original);
}

#[test]
fn a_preview_names_what_is_newer_than_the_backup() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 10, 100);
    let record = back_up(&engine);
    assert_eq!(
        engine
            .preview(&all_of(&record.id), &Watch::unwatched())
            .unwrap()
            .newer,
        0
    );
    engine
        .library()
        .put(&[versioned(3, 1, 10), item(70, 10)])
        .unwrap();
    let preview = engine
        .preview(&all_of(&record.id), &Watch::unwatched())
        .unwrap();
    assert_eq!(preview.newer, 2);
    assert_eq!(preview.newer_names, ["Snippet 3", "Snippet 70"]);
    assert_eq!(preview.library.assets, 11);
    assert!(preview.needed_bytes >= record.bytes && preview.free_bytes > 0);
}

#[test]
fn what_is_stored_while_a_backup_prepares_is_in_it_and_not_newer() {
    let home = Home::new();
    let engine = Arc::new(home.open());
    let stores = engine.clone();
    let watch = Watch::new(CancelFlag::default(), move |step: Step| {
        if step.phase == Phase::Preparing {
            // The times of items are in whole milliseconds.
            let met = Instant::now();
            while met.elapsed() < Duration::from_millis(2) {}
            fill(&stores, 1, 10);
        }
    });
    let id = engine.new_backup_id();
    let Outcome::Completed(record) = engine.back_up(&id, &watch).unwrap() else {
        panic!("nobody cancelled")
    };
    assert_eq!(record.assets, 1);
    let preview = engine.preview(&all_of(&id), &Watch::unwatched()).unwrap();
    assert_eq!(preview.newer, 0);
}

#[test]
fn progress_never_goes_back_and_counts_every_byte() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 500, 2_000);
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let seen = steps.clone();
    let watch = Watch::new(CancelFlag::default(), move |step| {
        seen.lock().unwrap().push(step)
    });
    let id = engine.new_backup_id();
    let Outcome::Completed(record) = engine.back_up(&id, &watch).unwrap() else {
        panic!("nobody cancelled")
    };
    let seen = steps.clone();
    let watch = Watch::new(CancelFlag::default(), move |step| {
        seen.lock().unwrap().push(step)
    });
    let creation = std::mem::take(&mut *steps.lock().unwrap());
    engine.restore(&all_of(&id), &watch).unwrap();
    for steps in [&creation, &*steps.lock().unwrap()] {
        assert!(
            steps.windows(2).all(|pair| pair[0].done <= pair[1].done),
            "progress went back"
        );
        let last = steps.last().unwrap();
        assert_eq!(
            (last.done, last.total, last.phase),
            (record.bytes, record.bytes, Phase::Committing)
        );
    }
}

#[test]
fn two_engines_cannot_have_one_data_folder() {
    let home = Home::new();
    let _first = home.open();
    let second = backup_engine::Engine::open(home.options());
    assert!(matches!(second, Err(Error::InUse(_))));
}

#[test]
fn an_empty_library_can_be_backed_up_and_restored() {
    let home = Home::new();
    let engine = home.open();
    let record = back_up(&engine);
    assert_eq!(record.assets, 0);
    fill(&engine, 3, 10);
    restore(&engine, &record.id);
    assert_eq!(engine.library().facts().unwrap().assets, 0);
}
