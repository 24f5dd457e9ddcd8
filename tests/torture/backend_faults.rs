//! A storage that fails, is slow, or says that it failed when it did not, wherever a seed has it so.

use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use backup_engine::Engine;

use crate::jobs::{Job, Worker};
use crate::judge::{End, judge, restores_to};
use crate::size::{seed, size};
use crate::trials;
use crate::world::options;

/// Those of writing and removing fail before and after it is done. What is written most is met most.
const POINTS: [&str; 11] = [
    "backend-list",
    "backend-list-with-size",
    "backend-read-full",
    "backend-read-partial",
    "backend-write",
    "backend-write",
    "backend-write",
    "backend-written",
    "backend-written",
    "backend-remove",
    "backend-removed",
];
const JOBS: [Job; 5] = [
    Job::First,
    Job::BackUp,
    Job::Restore,
    Job::Delete,
    Job::Undelete,
];

struct Trial {
    seed: u64,
    job: Job,
    points: Vec<(String, String)>,
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(
            out,
            "seed {}: {:?} with {:?}",
            self.seed, self.job, self.points
        )
    }
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let job = JOBS[(seed % JOBS.len() as u64) as usize];
        // Few, so that a job comes as far as one that nothing else has ended.
        let points = (0..random.random_range(1..3)).map(|_| {
            let point = POINTS[random.random_range(0..POINTS.len())];
            (point.to_owned(), actions(&mut random))
        });
        let points = points.collect();
        Self { seed, job, points }
    }
}

/// A few times nothing, then a failure or a delay, and again.
fn actions(random: &mut StdRng) -> String {
    let mut actions = Vec::new();
    for number in 0..random.random_range(1..4) {
        if number > 0 || random.random_bool(0.7) {
            actions.push(format!("{}*off", random.random_range(1..7)));
        }
        let times = random.random_range(1..4);
        actions.push(match random.random_range(0..4) {
            0 => format!("{times}*delay({})", random.random_range(1..40)),
            1 => format!("{times}*return(full)"),
            _ => format!("{times}*return"),
        });
    }
    actions.push("off".into());
    actions.join("->")
}

/// A backup that failed is listed where its record cannot be removed. It has to be whole then.
#[test]
fn what_a_record_that_cannot_be_removed_lists_stays() {
    let job = Job::BackUp;
    let world = job.world();
    let passed = Worker::start(job, world.home(), &[]).wait().passed;
    // The last that is written is the record.
    let record = passed["backend-written"] - 1;
    let world = job.world();
    let points = [
        ("backend-written", format!("{record}*off->1*return->off")),
        ("durable-remove", "1*return->off".to_owned()),
    ];
    let points = points.map(|(name, actions)| (name.to_owned(), actions));
    let told = Worker::start(job, world.home(), &points).wait();
    assert!(matches!(told.end, End::Failed(_)), "{:?}", told.end);
    let engine = Engine::open(options(world.home())).unwrap();
    let listed = engine.backups().unwrap();
    let left = listed
        .iter()
        .find(|record| !world.known.contains_key(&record.id));
    let left = left.expect("the record was removed, so nothing is shown by this");
    restores_to(&world, &engine, &left.id, &world.now).unwrap();
}

#[test]
fn a_faulty_storage_breaks_no_promise() {
    let first = seed() * 1_000_000;
    let plan: Vec<Trial> = (0..size().choose(50, 1_000))
        .map(|more| Trial::new(first + more))
        .collect();
    let ends = trials::Ends::default();
    trials::run("faulty storage", &plan, |trial| {
        let world = trial.job.world();
        let told = Worker::start(trial.job, world.home(), &trial.points).wait();
        ends.count(trial.job, &told.end);
        if told.end == End::Died {
            return Err("its process died".into());
        }
        judge(&world, trial.job, &told.end)
    });
    ends.print("faulty storage");
}
