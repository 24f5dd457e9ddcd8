//! Leases among devices: each contender has a lock of its own here, as on a share where locks do not reach others.

mod processes;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::record::{self, Holder, Record};
use super::take::claim;
use super::*;
use crate::{CancelFlag, Watch};

const HOUR: Duration = Duration::from_secs(3_600);
const LIVE: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(5);

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.root().join("holdfast.json"), "{}").unwrap();
        place
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, number: u64) -> PathBuf {
        record::path(self.root(), number)
    }

    /// As a device leaves it that lost its power.
    fn leave(&self, number: u64, by: &Claimant) {
        let record = Record::Held(Holder::new(by));
        let mut file = File::create_new(self.file(number)).unwrap();
        record.write(&mut file).unwrap();
    }
}

fn device(name: &str) -> Claimant {
    let (machine, device) = (name.to_owned(), name.to_owned());
    Claimant { machine, device }
}

fn take(root: &Path, name: &str, renew: Duration, stale: Duration) -> Result<Lease, Error> {
    let (look, lock) = (LOOK, tempfile::tempfile().unwrap());
    let timing = Timing { renew, stale, look };
    Lease::take(root, &device(name), lock, timing, &Watch::unwatched())
}

fn is_in_use<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::InUse("destination")))
}

fn is_lost(lease: &Lease) -> bool {
    matches!(lease.still_ours(), Err(Error::LeaseLost))
}

#[test]
fn of_devices_that_come_at_once_exactly_one_gets_it() {
    let (devices, place) = (8, Place::new());
    for round in 0..100 {
        let barrier = Barrier::new(devices);
        let results: Vec<_> = thread::scope(|scope| {
            let contend = |number: usize| {
                barrier.wait();
                take(place.root(), &number.to_string(), LIVE, HOUR)
            };
            let threads: Vec<_> = (0..devices)
                .map(|number| scope.spawn(move || contend(number)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.iter().partition(|result| result.is_ok());
        assert_eq!(won.len(), 1, "round {round}");
        assert!(lost.into_iter().all(is_in_use));
    }
}

#[test]
fn a_stale_lease_is_taken_over_and_its_holder_finds_out() {
    let place = Place::new();
    let asleep = take(place.root(), "asleep", HOUR, HOUR).ok().unwrap();
    assert!(asleep.still_ours().is_ok() && !asleep.claim().is_lost());
    let taker = take(place.root(), "taker", LIVE, Duration::from_millis(100));
    let taker = taker.ok().unwrap();
    assert!(asleep.claim().is_lost());
    assert!(is_lost(&asleep));
    drop(asleep);
    assert!(taker.still_ours().is_ok());
    assert_eq!(record::numbers(place.root()).unwrap(), [2]);
}

#[test]
fn a_live_holder_is_recognised_by_its_renewal() {
    let place = Place::new();
    let holder = take(place.root(), "holder", LIVE, HOUR).ok().unwrap();
    assert!(is_in_use(&take(place.root(), "other", LIVE, HOUR)));
    assert!(holder.still_ours().is_ok());
}

#[test]
fn times_of_files_say_nothing() {
    let place = Place::new();
    let future = SystemTime::now() + 1_000 * HOUR;
    let at = |number, time| {
        let file = File::options().write(true).open(place.file(number));
        file.unwrap().set_modified(time).unwrap();
    };
    place.leave(1, &device("gone"));
    at(1, future);
    let stale = Duration::from_millis(100);
    let holder = take(place.root(), "holder", LIVE, stale).ok().unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| take(place.root(), "other", LIVE, HOUR));
        while !other.is_finished() {
            at(2, SystemTime::UNIX_EPOCH);
        }
        assert!(is_in_use(&other.join().unwrap()));
    });
    assert!(holder.still_ours().is_ok());
}

#[test]
fn a_holder_that_wakes_up_before_the_takeover_is_complete_keeps_the_taker_out() {
    let place = Place::new();
    let holder = take(place.root(), "holder", HOUR, HOUR).ok().unwrap();
    let seen = record::in_force(place.root()).unwrap();
    assert!(holder.still_ours().is_ok(), "just before its commit");
    let claimed = claim(place.root(), seen.as_ref(), &device("taker")).unwrap();
    assert!(claimed.is_none());
    // The taker was seen, so the holder cannot know: it gives up as well, and nobody has to wait.
    assert!(is_lost(&holder));
    assert!(take(place.root(), "third", HOUR, HOUR).is_ok());
}

#[test]
fn one_who_slept_between_looking_and_taking_disturbs_nobody() {
    let place = Place::new();
    place.leave(7, &device("gone"));
    let seen = record::in_force(place.root()).unwrap();
    let first = take(place.root(), "first", LIVE, Duration::from_millis(50));
    drop(first.ok().unwrap());
    let second = take(place.root(), "second", HOUR, HOUR).ok().unwrap();
    assert_eq!(record::numbers(place.root()).unwrap(), [9]);
    // The second never saw a lease at all.
    for seen in [seen.as_ref(), None] {
        let claimed = claim(place.root(), seen, &device("late")).unwrap();
        assert!(claimed.is_none(), "{seen:?}");
        assert!(second.still_ours().is_ok());
    }
}

#[test]
fn a_lease_with_the_record_of_another_is_lost_and_left_alone() {
    let place = Place::new();
    let lease = take(place.root(), "x", HOUR, HOUR).ok().unwrap();
    fs::remove_file(place.file(1)).unwrap();
    place.leave(1, &device("another"));
    let left = fs::read(place.file(1)).unwrap();
    assert!(is_lost(&lease));
    drop(lease);
    assert_eq!(fs::read(place.file(1)).unwrap(), left);
}

#[test]
fn a_leftover_of_the_same_device_is_taken_at_once_and_that_of_a_copied_data_folder_is_not() {
    let place = Place::new();
    place.leave(3, &device("this"));
    let lease = take(place.root(), "this", HOUR, HOUR).ok().unwrap();
    let mut copied = device("this");
    copied.device = "another".into();
    let flag = CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    let timing = Timing {
        renew: HOUR,
        stale: HOUR,
        look: LOOK,
    };
    flag.cancel();
    let lock = tempfile::tempfile().unwrap();
    assert!(is_in_use(&Lease::take(
        place.root(),
        &copied,
        lock,
        timing,
        &watch
    )));
    assert!(lease.still_ours().is_ok());
}

#[test]
fn a_job_that_waits_can_be_cancelled() {
    let place = Place::new();
    place.leave(1, &device("gone"));
    let flag = CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    let timing = Timing {
        renew: HOUR,
        stale: HOUR,
        look: LOOK,
    };
    let (watch, lock) = (&watch, tempfile::tempfile().unwrap());
    thread::scope(|scope| {
        let waiting =
            scope.spawn(move || Lease::take(place.root(), &device("x"), lock, timing, watch));
        flag.cancel();
        assert!(is_in_use(&waiting.join().unwrap()));
    });
}

#[test]
fn a_lease_is_given_back_promptly_and_its_number_is_not_used_again() {
    let place = Place::new();
    for number in 1..4 {
        let lease = take(place.root(), &number.to_string(), HOUR, HOUR)
            .ok()
            .unwrap();
        let (other, end) = (lease.clone(), Instant::now());
        drop(lease);
        assert!(other.still_ours().is_ok(), "a clone is the same lease");
        drop(other);
        assert!(end.elapsed() < HOUR / 60);
        assert_eq!(record::numbers(place.root()).unwrap(), [number]);
        assert_eq!(fs::metadata(place.file(number)).unwrap().len(), 1024);
    }
}

#[test]
fn what_is_no_lease_is_waited_for_and_then_passed_over() {
    type Make = fn(&Path);
    let make: [(&str, Make); 8] = [
        ("empty", |path| fs::write(path, "").unwrap()),
        ("cut", |path| {
            fs::write(path, "{\"state\":\"held\",\"hol").unwrap()
        }),
        ("binary", |path| fs::write(path, [0xFF; 1024]).unwrap()),
        ("long", |path| {
            fs::write(path, " ".repeat(1 << 20) + "{\"state\":\"free\"}").unwrap()
        }),
        ("strange", |path| {
            fs::write(path, "{\"state\":\"held\",\"count\":-1}").unwrap()
        }),
        ("a folder", |path| fs::create_dir_all(path).unwrap()),
        ("a full folder", |path| {
            fs::create_dir_all(path.join("x")).unwrap()
        }),
        ("a link or pipe", |path| {
            #[cfg(unix)]
            {
                let name = path.parent().unwrap().join("pipe");
                let made = std::process::Command::new("mkfifo").arg(&name).status();
                assert!(made.unwrap().success());
                std::os::unix::fs::symlink(name, path).unwrap();
            }
            #[cfg(not(unix))]
            fs::create_dir(path).unwrap();
        }),
    ];
    for (what, make) in make {
        let place = Place::new();
        make(&place.file(4));
        let (begin, stale) = (Instant::now(), Duration::from_millis(60));
        let lease = take(place.root(), "x", LIVE, stale);
        let lease = lease.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(begin.elapsed() >= stale, "{what}");
        assert!(lease.still_ours().is_ok(), "{what}");
        assert_eq!(
            record::highest(place.root()).unwrap(),
            Some(5),
            "{what}: left in force"
        );
    }
}

#[test]
fn names_that_only_look_like_a_lease_are_passed_over() {
    let place = Place::new();
    for end in [
        "",
        "x",
        "-1",
        "+3",
        "007",
        "1.old",
        "99999999999999999999",
        "1000000000000000",
    ] {
        fs::write(
            place.root().join(format!("holdfast.lease.{end}")),
            "{\"state\":\"held\"}",
        )
        .unwrap();
    }
    assert!(take(place.root(), "x", HOUR, HOUR).is_ok());
    assert_eq!(record::numbers(place.root()).unwrap(), [1]);
    let mut file = File::create(place.file(record::HIGHEST)).unwrap();
    Record::Free.write(&mut file).unwrap();
    assert!(matches!(
        take(place.root(), "x", HOUR, HOUR),
        Err(Error::Damaged { .. })
    ));
}

#[test]
fn a_disk_that_is_away_for_a_moment_does_not_lose_the_lease_and_a_removed_one_does() {
    let place = Place::new();
    let root = place.root().join("disk");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("holdfast.json"), "{}").unwrap();
    let lease = take(&root, "x", HOUR, HOUR).ok().unwrap();
    let away = place.root().join("away");
    fs::rename(&root, &away).unwrap();
    assert!(matches!(lease.still_ours(), Err(Error::Unreachable(_))));
    fs::rename(&away, &root).unwrap();
    assert!(lease.still_ours().is_ok());
    fs::remove_file(record::path(&root, 1)).unwrap();
    assert!(is_lost(&lease));
}

#[test]
fn a_data_folder_keeps_its_name_and_gets_a_new_one_for_what_does_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = || Claimant::of(folder.path(), "Laptop").unwrap().machine;
    let first = name();
    assert_eq!(first.len(), 32);
    assert_eq!(name(), first);
    for broken in ["", "{\"machine\":\"short\"}", "[]"] {
        fs::write(folder.path().join("machine.json"), broken).unwrap();
        let next = name();
        assert_ne!(next, first);
        assert_eq!(name(), next);
    }
    let long = Claimant::of(folder.path(), &"\u{1}".repeat(5_000)).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let record = Record::Held(Holder::new(&long));
    record.write(&mut file.reopen().unwrap()).unwrap();
    assert_eq!(file.as_file().metadata().unwrap().len(), 1024);
}
