//! `kill -9` and cancelling at random moments.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use backup_engine::{CancelFlag, Engine, Watch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::jobs::{Job, Worker, ends};
use crate::judge::{End, judge};
use crate::size::{seed, size};
use crate::trials;
use crate::world::options;

/// When a job is broken off, as a share of the whole of it.
struct Trial {
    job: Job,
    moment: f64,
    /// Much of a job is one long step; every second trial aims at the many short ones.
    in_short_steps: bool,
}

/// Where a job that is killed among its short steps waits, so that none of them is too short to be met.
const SHORT_STEPS: [&str; 12] = [
    "backend-write",
    "backend-written",
    "backup-commit",
    "backup-committed",
    "durable-rename",
    "durable-renamed",
    "lease-write",
    "restore-rename",
    "restore-renamed",
    "restore-sync-all",
    "swap-step",
    "undo-note",
];

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { job, moment, .. } = self;
        let slow = self.in_short_steps;
        write!(
            out,
            "{job:?} at {moment:.4}, among short steps: {slow} (seed {})",
            seed()
        )
    }
}

/// Moments spread over the whole of each job, and a little beyond.
fn plan(each: u32) -> Vec<Trial> {
    let mut random = StdRng::seed_from_u64(seed());
    let mut plan = Vec::new();
    for number in 0..each {
        for job in [Job::BackUp, Job::Restore] {
            plan.push(Trial {
                job,
                moment: random.random_range(0.0..1.05),
                in_short_steps: number % 2 == 1,
            });
        }
    }
    plan
}

#[test]
fn killed_at_any_moment_a_job_breaks_no_promise() {
    let wait = SHORT_STEPS.map(|point| (point.to_owned(), "sleep(3)".to_owned()));
    let points = |slow: bool| if slow { &wait[..] } else { &[] };
    let whole = |job: Job, slow: bool| {
        let world = job.world();
        let mut worker = Worker::start(job, world.home(), points(slow));
        worker.wait_for_the_job();
        let start = Instant::now();
        assert_eq!(worker.wait().end, End::Completed);
        start.elapsed()
    };
    let whole = [Job::BackUp, Job::Restore].map(|job| [false, true].map(|slow| whole(job, slow)));
    let plan = plan(size().choose(16, 1_000));
    let met = AtomicU64::new(0);
    trials::run("kill -9", &plan, |trial| {
        let world = trial.job.world();
        let slow = trial.in_short_steps;
        let mut worker = Worker::start(trial.job, world.home(), points(slow));
        worker.wait_for_the_job();
        let whole = whole[usize::from(trial.job == Job::Restore)][usize::from(slow)];
        thread::sleep(whole.mul_f64(trial.moment));
        worker.kill();
        let told = worker.wait();
        met.fetch_add(u64::from(told.end == End::Died), Ordering::Relaxed);
        judge(&world, trial.job, &told.end)
    });
    let met = met.into_inner();
    println!("kill -9: {met} of {} met a running job", plan.len());
    assert!(
        met * 3 >= plan.len() as u64,
        "only {met} of {} met one",
        plan.len()
    );
}

#[test]
fn cancelled_at_any_moment_a_job_breaks_no_promise() {
    let reports = |job: Job| {
        let world = job.world();
        let (end, count) = run_until(job, world.home(), u64::MAX);
        assert_eq!(end, End::Completed);
        count
    };
    let (backup, restore) = (reports(Job::BackUp), reports(Job::Restore));
    let plan = plan(size().choose(16, 1_000));
    let met = AtomicU64::new(0);
    trials::run("cancel", &plan, |trial| {
        let world = trial.job.world();
        let all = if trial.job == Job::BackUp {
            backup
        } else {
            restore
        };
        let moment = if trial.in_short_steps {
            // Around the commit, with which a cancel races.
            all - 1 - (trial.moment * 5.0) as u64
        } else {
            (all as f64 * trial.moment) as u64
        };
        let (end, _) = run_until(trial.job, world.home(), moment);
        met.fetch_add(u64::from(end == End::Canceled), Ordering::Relaxed);
        judge(&world, trial.job, &end)
    });
    let met = met.into_inner();
    println!("cancel: {met} of {} met a running job", plan.len());
    assert!(
        met * 3 >= plan.len() as u64,
        "only {met} of {} met one",
        plan.len()
    );
}

/// Cancels when the job has reported so often how far it is. Returns how often it did.
fn run_until(job: Job, home: &std::path::Path, moment: u64) -> (End, u64) {
    let engine = Engine::open(options(home)).unwrap();
    let ids = ends(&engine);
    job.prepare(&engine).unwrap();
    let (flag, count) = (CancelFlag::default(), Arc::new(AtomicU64::new(0)));
    let (asked, counted) = (flag.clone(), count.clone());
    let watch = Watch::new(flag, move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) >= moment {
            asked.cancel();
        }
    });
    let end = job.run(&engine, home, &ids, &watch);
    (end, count.load(Ordering::Relaxed))
}
