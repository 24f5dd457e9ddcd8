//! From the request to cancel a job to its end: at random moments of every phase of a backup and of a restore.
//! Wanted: 99 of 100 within 500 ms.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::assets;
use crate::figures::{milliseconds, percentile};
use crate::holdfast::Holdfast;
use crate::library_case::{ASSET_BYTES, ASSETS};

/// Of each kind of job, so many that come before its end is settled.
const CANCELS: usize = 100;

/// From the start of a job: when each of its phases was first seen, and its end.
struct Course {
    phases: Vec<(String, Duration)>,
    end: Duration,
}

impl Course {
    /// Watches a job that nobody cancels.
    fn watch(service: &Holdfast, job: &str, start: Instant) -> Self {
        let mut phases: Vec<(String, Duration)> = Vec::new();
        let end = service.watch(job, |now| {
            let known = phases.last().is_some_and(|(phase, _)| *phase == now.phase);
            if !known && !now.is_over() {
                phases.push((now.phase.clone(), start.elapsed()));
            }
        });
        assert_eq!(end.state, "completed");
        Self {
            phases,
            end: start.elapsed(),
        }
    }

    /// A phase, each in turn, and a random time since its beginning.
    fn moment(&self, number: usize) -> (&str, Duration) {
        let number = number % self.phases.len();
        let (phase, begin) = &self.phases[number];
        let end = self.phases.get(number + 1).map_or(self.end, |next| next.1);
        let within = (end - *begin).mul_f64(rand::rng().random_range(0.0..1.0));
        (phase, within)
    }
}

/// How one cancel ended.
struct Cancel {
    phase: String,
    took: Duration,
    state: String,
}

impl Cancel {
    fn is_in_time(&self) -> bool {
        self.state == "canceled"
    }
}

/// Lets the job come to that phase, lets it run for so long, cancels it, and watches it to its end.
fn cancel(service: &Holdfast, job: &str, (phase, within): (&str, Duration)) -> Cancel {
    service.watch_until(job, |now| now.phase == phase);
    // The moment itself is what is random, so nothing can be waited for but time.
    std::thread::sleep(within);
    let phase = service.job(job).phase;
    let asked = Instant::now();
    service.cancel(job);
    let end = service.watch(job, |_| {});
    let took = asked.elapsed();
    assert!(end.state != "failed", "a cancelled job failed");
    Cancel {
        phase,
        took,
        state: end.state,
    }
}

pub fn run(folder: &Path) {
    println!(
        "From a cancel to the end of the job, {CANCELS} of each kind in time, on {ASSETS} assets"
    );
    let home = folder.join("cancel");
    let service = Holdfast::start(&home);
    service.import(&assets::collect(ASSETS, ASSET_BYTES));
    service.stop();
    print("backup", &backups(&home));
    print("restore", &restores(&home));
    println!();
    std::fs::remove_dir_all(&home).unwrap();
}

/// Of first backups, which have the most to store and to take back.
fn backups(home: &Path) -> Vec<Cancel> {
    let (start, service, job) = first_backup(home);
    let course = Course::watch(&service, &job, start);
    service.stop();
    let mut service = Holdfast::start_with(home, &fresh(home));
    let mut cancels = Vec::new();
    while are_too_few(&cancels) {
        let job = service.start_backup();
        let end = cancel(&service, &job, course.moment(cancels.len()));
        // What came too late has stored everything: the next one would not be a first backup.
        if end.state == "completed" {
            service.stop();
            service = Holdfast::start_with(home, &fresh(home));
        }
        cancels.push(end);
    }
    assert!(service.list().2 <= 1, "a cancelled backup is listed");
    service.stop();
    cancels
}

fn first_backup(home: &Path) -> (Instant, Holdfast, String) {
    let service = Holdfast::start_with(home, &fresh(home));
    let start = Instant::now();
    let job = service.start_backup();
    (start, service, job)
}

fn restores(home: &Path) -> Vec<Cancel> {
    let service = Holdfast::start_with(home, &fresh(home));
    let backup = service.back_up();
    let start = Instant::now();
    let job = service.start_library_restore(&backup);
    let course = Course::watch(&service, &job, start);
    let mut cancels = Vec::new();
    while are_too_few(&cancels) {
        let job = service.start_library_restore(&backup);
        cancels.push(cancel(&service, &job, course.moment(cancels.len())));
    }
    service.stop();
    cancels
}

fn are_too_few(cancels: &[Cancel]) -> bool {
    let in_time = cancels.iter().filter(|cancel| cancel.is_in_time()).count();
    assert!(
        in_time * 10 >= cancels.len().saturating_sub(CANCELS),
        "{in_time} of {} cancels came in time",
        cancels.len()
    );
    in_time < CANCELS
}

/// A destination that does not exist yet, in place of the one before.
fn fresh(home: &Path) -> PathBuf {
    let mut destinations = (0..).map(|number| home.join(format!("destination-{number}")));
    let free = destinations.find(|path| !path.exists());
    free.expect("there are enough numbers")
}

fn print(kind: &str, cancels: &[Cancel]) {
    let row = |what: &str, cancels: &[&Cancel]| {
        let mut times: Vec<Duration> = cancels.iter().map(|cancel| cancel.took).collect();
        times.sort();
        let late = cancels.iter().filter(|cancel| !cancel.is_in_time());
        print!("  {:<24}{:>4} times", format!("{kind} {what}"), times.len());
        for percent in [50.0, 90.0, 99.0, 100.0] {
            let time = milliseconds(percentile(&times, percent));
            print!("   {percent}% {time}");
        }
        println!("   ({} came too late)", late.count());
    };
    let mut phases: Vec<&str> = Vec::new();
    for cancel in cancels {
        if !phases.contains(&cancel.phase.as_str()) {
            phases.push(&cancel.phase);
        }
    }
    for phase in phases {
        let of_it: Vec<&Cancel> = cancels.iter().filter(|c| c.phase == phase).collect();
        row(phase, &of_it);
    }
    let in_time: Vec<&Cancel> = cancels.iter().filter(|c| c.is_in_time()).collect();
    row("in time", &in_time);
}
