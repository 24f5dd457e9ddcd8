//! One writer among several devices, and after a kill: another device is played by the file that it would write.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use backup_engine::{CancelFlag, Engine, EngineOptions, Error, Outcome, Step, Watch};
use common::*;

const DATA: &str = "HOLDFAST_TEST_DATA";
/// After how long without a renewal another device's lease is taken over.
const STALE: Duration = Duration::from_secs(20);

/// The lease in force, and its number.
fn lease(destination: &Path) -> (u64, PathBuf) {
    let entries = fs::read_dir(destination).unwrap();
    let numbers = entries.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_prefix("holdfast.lease.")?.parse().ok()
    });
    let number: u64 = numbers.max().unwrap();
    (number, destination.join(format!("holdfast.lease.{number}")))
}

fn next_of_another_device(destination: &Path) -> PathBuf {
    let next = destination.join(format!("holdfast.lease.{}", lease(destination).0 + 1));
    renew(&next, 0);
    next
}

fn renew(lease: &Path, count: u64) {
    let text = format!(
        "{{\"state\":\"held\",\"holder\":\"{:032x}\",\"machine\":\"{:032x}\",\"device\":\"Another\",\"count\":{count}}}",
        1, 2
    );
    // As long as every record, and over the one before: whoever looks never finds it empty.
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(lease)
        .unwrap();
    write!(file, "{text:<1024}").unwrap();
}

fn give_back(lease: &Path) {
    fs::write(lease, "{\"state\":\"free\"}").unwrap();
}

fn packs(destination: &Path) -> usize {
    let folders = fs::read_dir(destination.join("databases/data")).unwrap();
    folders
        .map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count())
        .sum()
}

#[test]
fn a_backup_whose_lease_was_taken_over_is_not_committed_and_what_it_stored_stays() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 500);
    back_up(&engine);
    fill(&engine, 3_000, 6_000);
    let (before, destination) = (packs(&home.destination()), home.destination());
    let taken = AtomicBool::new(false);
    let watch = Watch::new(CancelFlag::default(), move |step: Step| {
        if step.total > 0 && step.done > step.total / 2 && !taken.swap(true, Ordering::SeqCst) {
            next_of_another_device(&destination);
        }
    });
    let ended = engine.back_up(&engine.new_backup_id(), &watch);
    assert!(matches!(ended, Err(Error::LeaseLost)), "{ended:?}");
    assert_eq!(ended.unwrap_err().code(), "lease-lost");
    assert_eq!(engine.backups().unwrap().len(), 1);
    let after = packs(&home.destination());
    assert!(after > before);

    give_back(&lease(&home.destination()).1);
    let content = dump(&engine);
    let made = back_up(&engine);
    assert!(packs(&home.destination()) <= after + 2, "put to use");
    assert_eq!(engine.backups().unwrap().len(), 2);
    restore(&engine, &made.id);
    assert_eq!(dump(&engine), content);
}

#[test]
fn a_cancelled_backup_whose_lease_was_taken_over_removes_nothing() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 500);
    back_up(&engine);
    fill(&engine, 5_000, 12_000);
    let (before, destination, flag) = (
        packs(&home.destination()),
        home.destination(),
        CancelFlag::default(),
    );
    let canceler = flag.clone();
    let watch = Watch::new(flag, move |step: Step| {
        if step.total > 0 && step.done as f64 > step.total as f64 * 0.95 && !canceler.is_canceled()
        {
            next_of_another_device(&destination);
            canceler.cancel();
        }
    });
    let ended = engine.back_up(&engine.new_backup_id(), &watch);
    assert_eq!(ended.unwrap(), Outcome::Canceled);
    assert!(packs(&home.destination()) > before);
}

#[test]
fn a_device_that_writes_keeps_others_from_backing_up_and_deleting() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 500);
    let made = back_up(&engine);
    let other = next_of_another_device(&home.destination());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::SeqCst) {
                count += 1;
                renew(&other, count);
            }
        });
        let backed_up = engine.back_up(&engine.new_backup_id(), &Watch::unwatched());
        let deleted = engine.delete(&made.id);
        done.store(true, Ordering::SeqCst);
        assert_eq!(backed_up.unwrap_err().code(), "in-use");
        assert_eq!(deleted.unwrap_err().code(), "in-use");
    });
    assert_eq!(engine.backups().unwrap().len(), 1);
}

#[test]
fn a_device_that_went_away_is_waited_for_and_the_wait_can_be_cancelled() {
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 500);
    back_up(&engine);
    next_of_another_device(&home.destination());
    let flag = CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    let begin = Instant::now();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| engine.back_up(&engine.new_backup_id(), &watch));
        flag.cancel();
        assert_eq!(waiting.join().unwrap().unwrap(), Outcome::Canceled);
    });
    assert!(begin.elapsed() < STALE);

    let begin = Instant::now();
    back_up(&engine);
    assert!(begin.elapsed() >= STALE);
    assert!(begin.elapsed() < STALE * 3);
}

/// Backs up, says so at the first byte, and stays there.
#[test]
#[ignore = "a process of the other test"]
fn back_up_for_ever() {
    let Some(data) = std::env::var_os(DATA) else {
        return;
    };
    let data_dir = PathBuf::from(data);
    let options = EngineOptions {
        destination: data_dir.with_file_name("destination"),
        data_dir,
        passphrase: None,
        use_keychain: false,
        device_name: "Test device".into(),
    };
    let engine = Engine::open(options).unwrap();
    let watch = Watch::new(CancelFlag::default(), |step: Step| {
        if step.done > 0 {
            eprintln!("storing");
            loop {
                thread::park();
            }
        }
    });
    engine.back_up(&engine.new_backup_id(), &watch).unwrap();
}

#[test]
fn after_a_kill_the_next_backup_works_at_once() {
    let home = Home::new();
    let content = {
        let engine = home.open();
        fill(&engine, 200, 2_000);
        back_up(&engine);
        dump(&engine)
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["back_up_for_ever", "--exact", "--ignored", "--nocapture"])
        .env(DATA, home.data())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    lines.read_line(&mut said).unwrap();
    assert_eq!(said, "storing\n");
    child.kill().unwrap();
    child.wait().unwrap();
    let left = fs::read_to_string(lease(&home.destination()).1).unwrap();
    assert!(left.contains("\"held\""), "{left}");

    let begin = Instant::now();
    let engine = home.open();
    let made = back_up(&engine);
    assert!(begin.elapsed() < STALE);
    assert_eq!(engine.backups().unwrap().len(), 2);
    restore(&engine, &made.id);
    assert_eq!(dump(&engine), content);
}
