//! Cancelling at any moment leaves everything as it was, and no backup behind.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_engine::{CancelFlag, Outcome, Phase, Step, Watch};
use common::*;

/// Cancels once the job is in `phase` and has done this share of its bytes.
fn cancel_at(phase: Phase, share: f64) -> (CancelFlag, Watch) {
    let flag = CancelFlag::default();
    let cancel = flag.clone();
    let watch = Watch::new(flag.clone(), move |step: Step| {
        if step.phase == phase && step.done as f64 >= share * step.total as f64 {
            cancel.cancel();
        }
    });
    (flag, watch)
}

#[test]
fn a_creation_cancelled_anywhere_leaves_no_backup_and_the_next_one_works() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 2_000, 2_000);
    let original = dump(&engine);
    for (phase, share) in [
        (Phase::Preparing, 0.0),
        (Phase::Storing, 0.0),
        (Phase::Storing, 0.5),
        (Phase::Storing, 1.0),
    ] {
        let (flag, watch) = cancel_at(phase, share);
        let outcome = engine.back_up(&engine.new_backup_id(), &watch).unwrap();
        assert_eq!(outcome, Outcome::Canceled, "in {phase:?} at {share}");
        assert!(flag.is_canceled());
        assert!(engine.backups().unwrap().is_empty());
        assert_eq!(dump(&engine), original);
    }
    let record = back_up(&engine);
    engine.library().delete("asset-000000").unwrap();
    restore(&engine, &record.id);
    assert_eq!(dump(&engine), original);
}

#[test]
fn a_restore_cancelled_anywhere_leaves_the_library_as_it_was() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 2_000, 2_000);
    let record = back_up(&engine);
    engine.library().put(&[versioned(5, 1, 10)]).unwrap();
    let now = dump(&engine);
    for (phase, share) in [
        (Phase::Preparing, 0.0),
        (Phase::Staging, 0.0),
        (Phase::Staging, 0.5),
        (Phase::Staging, 1.0),
        (Phase::Verifying, 0.0),
    ] {
        let (_, watch) = cancel_at(phase, share);
        assert_eq!(
            engine.restore(&all_of(&record.id), &watch).unwrap(),
            Outcome::Canceled,
            "in {phase:?} at {share}"
        );
        assert_eq!(dump(&engine), now);
        assert!(!home.data().join("restore/staged").exists());
        assert_eq!(engine.undo_record(), None);
    }
    assert_sound(&home.data());
}

#[test]
fn a_commit_that_began_is_not_cancelled() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 50, 100);
    let (flag, watch) = cancel_at(Phase::Committing, 0.0);
    let outcome = engine.back_up(&engine.new_backup_id(), &watch).unwrap();
    assert!(matches!(outcome, Outcome::Completed(_)));
    assert!(!flag.is_canceled());
    assert_eq!(engine.backups().unwrap().len(), 1);
}

#[test]
fn a_cancel_at_any_moment_is_an_outcome_and_never_an_error() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 1_000, 2_000);
    let id = back_up(&engine).id;
    let original = dump(&engine);
    let mut canceled = 0;
    for trial in 0..200u32 {
        let flag = CancelFlag::default();
        let (watch, delay) = (
            Watch::new(flag.clone(), |_| {}),
            std::time::Duration::from_micros(u64::from(trial) * 120),
        );
        let canceler = std::thread::spawn(move || {
            // Spread over the whole job, its opening and its end included; any moment is a good one.
            std::thread::sleep(delay);
            flag.cancel();
        });
        let outcome = if trial % 2 == 0 {
            engine.restore(&all_of(&id), &watch).unwrap()
        } else {
            let made = engine.back_up(&engine.new_backup_id(), &watch).unwrap();
            match made {
                Outcome::Completed(_) => Outcome::Completed(()),
                Outcome::Canceled => Outcome::Canceled,
            }
        };
        canceler.join().unwrap();
        canceled += u32::from(outcome == Outcome::Canceled);
        assert_eq!(dump(&engine), original);
    }
    assert!(canceled > 10, "only {canceled} of 200 cancels came in time");
}
