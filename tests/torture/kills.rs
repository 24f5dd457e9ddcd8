//! `kill -9` and cancelling at random moments.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(
            out,
            "{:?} at {:.4} (seed {})",
            self.job,
            self.moment,
            seed()
        )
    }
}

/// Moments spread over the whole of each job, and a little beyond.
fn plan(jobs: &[Job], each: u32) -> Vec<Trial> {
    let mut random = StdRng::seed_from_u64(seed());
    let mut plan = Vec::new();
    for _ in 0..each {
        for job in jobs {
            let moment = random.random_range(0.0..1.05);
            plan.push(Trial { job: *job, moment });
        }
    }
    plan
}

#[test]
fn killed_at_any_moment_a_job_breaks_no_promise() {
    let whole = |job: Job| {
        let world = job.world();
        let mut worker = Worker::start(job, world.home(), &[]);
        worker.wait_for_the_job();
        let start = Instant::now();
        assert_eq!(worker.wait().end, End::Completed);
        start.elapsed()
    };
    let (backup, restore) = (whole(Job::BackUp), whole(Job::Restore));
    let plan = plan(&[Job::BackUp, Job::Restore], size().choose(15, 1_000));
    let met = AtomicU64::new(0);
    trials::run("kill -9", &plan, |trial| {
        let world = trial.job.world();
        let mut worker = Worker::start(trial.job, world.home(), &[]);
        worker.wait_for_the_job();
        let whole: Duration = if trial.job == Job::BackUp {
            backup
        } else {
            restore
        };
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
    let plan = plan(&[Job::BackUp, Job::Restore], size().choose(15, 1_000));
    let met = AtomicU64::new(0);
    trials::run("cancel", &plan, |trial| {
        let world = trial.job.world();
        let all = if trial.job == Job::BackUp {
            backup
        } else {
            restore
        };
        let (end, _) = run_until(trial.job, world.home(), (all as f64 * trial.moment) as u64);
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
