//! `kill -9` at random moments of a backup and of a restore. Afterwards the library is the old or the new one, sound, and
//! the next backup works without help.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};

use crate::process::{Service, dump};

const ASSETS: u64 = 4_000;

/// How many kills of each kind: more of them in `cargo xtask torture`.
fn trials() -> u32 {
    match std::env::var("HOLDFAST_TORTURE").as_deref() {
        Ok("long") => 200,
        _ => 20,
    }
}

/// A moment spread over the whole of a job that takes about `whole`, and a little beyond.
fn moment(random: &mut rand::rngs::StdRng, whole: Duration) -> Duration {
    whole.mul_f64(random.random_range(0.0..1.1))
}

#[test]
fn killed_in_a_backup_the_library_stays_and_only_whole_backups_are_listed() {
    let home = tempfile::tempdir().unwrap();
    let trials = trials();
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let mut service = Service::start(home.path());
    service.import(0..ASSETS, 0);
    let first = service.back_up();
    service.import(0..ASSETS, u64::from(trials) + 1);
    let start = Instant::now();
    let mut acknowledged = vec![first, service.back_up()];
    let whole = start.elapsed();
    let mut broken = 0;
    for trial in 0..trials {
        // Other content each time, so that there is something to store.
        service.import(0..ASSETS, u64::from(trial) + 1);
        let before = dump(home.path());
        let call = service.start_call("/backups/create");
        std::thread::sleep(moment(&mut random, whole));
        service.kill();
        let answer = service.result_of(call);
        broken += u32::from(answer.is_none());
        assert_eq!(dump(home.path()), before);

        service = Service::start(home.path());
        let listed = service.backups();
        assert!(
            acknowledged.iter().all(|id| listed.contains(id)),
            "an acknowledged backup is gone"
        );
        if answer == Some(200) {
            assert_eq!(
                listed.len(),
                acknowledged.len() + 1,
                "an acknowledged backup is not listed"
            );
        }
        acknowledged = listed;
        acknowledged.push(service.back_up());
        assert_eq!(service.backups().len(), acknowledged.len());
    }
    assert!(
        broken >= trials / 2,
        "only {broken} of {trials} kills met a running backup"
    );
    // Whatever is listed, restores.
    for id in service.backups().iter().take(5) {
        service.ok("POST", &format!("/backup/{id}/restore"), None);
        dump(home.path());
    }
}

#[test]
fn killed_in_a_restore_the_library_is_the_old_or_the_new_one() {
    let home = tempfile::tempdir().unwrap();
    let trials = trials();
    let mut random = rand::rngs::StdRng::seed_from_u64(2);
    let mut service = Service::start(home.path());
    service.import(0..ASSETS, 0);
    let backed_up = dump(home.path());
    let id = service.back_up();
    let start = Instant::now();
    service.ok("POST", &format!("/backup/{id}/restore"), None);
    let whole = start.elapsed();
    let (mut broken, mut restored) = (0, 0);
    for trial in 0..trials {
        service.import(0..200, u64::from(trial) + 1);
        let before = dump(home.path());
        let call = service.start_call(&format!("/backup/{id}/restore"));
        std::thread::sleep(moment(&mut random, whole));
        service.kill();
        let answer = service.result_of(call);
        broken += u32::from(answer.is_none());

        service = Service::start(home.path());
        let now = dump(home.path());
        assert!(
            now == before || now == backed_up,
            "the library is neither the old nor the new one"
        );
        if answer == Some(200) {
            assert_eq!(now, backed_up, "an acknowledged restore is gone");
        }
        restored += u32::from(now == backed_up);
        if now == backed_up {
            service.ok("POST", "/holdfast/undo", None);
            assert_eq!(
                dump(home.path()),
                before,
                "what the restore replaced did not come back"
            );
        }
        service.back_up();
    }
    println!("{broken} of {trials} kills met a running restore; {restored} had committed");
    assert!(
        broken >= trials / 2,
        "only {broken} of {trials} kills met a running restore"
    );
}
