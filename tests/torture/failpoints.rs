//! Every failpoint of the engine, in every job that passes it, with an error and with an abort of the process there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use crate::jobs::{Job, Worker};
use crate::judge::{End, judge};
use crate::size::size;
use crate::trials;

#[derive(Clone, Debug)]
struct Trial {
    job: Job,
    point: String,
    action: &'static str,
    /// How often the job passes it before.
    after: u64,
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(
            out,
            "{:?}, {} at {} after {}",
            self.job, self.action, self.point, self.after
        )
    }
}

#[test]
fn an_error_and_an_abort_at_every_failpoint_break_no_promise() {
    let passed: BTreeMap<_, _> = Job::ALL
        .map(|job| (format!("{job:?}"), (job, passed_by(job))))
        .into();
    let mut plan = Vec::new();
    for (job, points) in passed.values() {
        for (point, times) in points {
            for after in moments(*times) {
                for action in ["return", "return(abort)"] {
                    let (job, point) = (*job, point.clone());
                    plan.push(Trial {
                        job,
                        point,
                        action,
                        after,
                    });
                }
            }
        }
    }
    let met: BTreeSet<String> = plan.iter().map(|trial| trial.point.clone()).collect();
    let never: Vec<_> = names_in_sources().difference(&met).cloned().collect();
    assert!(never.is_empty(), "no job passes the failpoints {never:?}");
    let ends = trials::Ends::default();
    trials::run("failpoints", &plan, |trial| {
        let world = trial.job.world();
        let actions = format!("{}*off->1*{}->off", trial.after, trial.action);
        let point = (trial.point.clone(), actions);
        let told = Worker::start(trial.job, world.home(), &[point]).wait();
        ends.count(trial.action, &told.end);
        if (told.end == End::Died) != (trial.action == "return(abort)") {
            return Err(format!("the job ended with {:?}", told.end));
        }
        judge(&world, trial.job, &told.end)
    });
    ends.print("failpoints");
}

/// How often the undisturbed job passes each failpoint.
fn passed_by(job: Job) -> BTreeMap<String, u64> {
    let world = job.world();
    let mut told = Worker::start(job, world.home(), &[]).wait();
    assert_eq!(told.end, End::Completed, "{job:?}");
    judge(&world, job, &told.end).unwrap();
    told.passed.retain(|_, times| *times > 0);
    told.passed
}

/// Which of so many passes are tried: the last; in the long run more of them, evenly spread from the first on.
fn moments(times: u64) -> BTreeSet<u64> {
    let most = size().choose(1, 24).min(times);
    let last = times - 1;
    let spread = (1..most).map(|at| (at - 1) * last / (most - 1));
    spread.chain([last]).collect()
}

fn names_in_sources() -> BTreeSet<String> {
    fn scan(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scan(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                for call in ["failpoint(\"", "fault_at(\""] {
                    let names = text
                        .split(call)
                        .skip(1)
                        .filter_map(|rest| rest.split_once('"'));
                    found.extend(names.map(|(name, _)| name.to_owned()));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    scan(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/backup-engine/src"),
        &mut found,
    );
    assert!(found.len() > 20, "{found:?}");
    found
}
