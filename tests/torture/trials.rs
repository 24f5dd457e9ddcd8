//! Running many trials on all cores, and telling at the end what each that failed was about.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::judge::End;

/// How often it is told how far a long run is, in trials.
const TOLD_EVERY: usize = 200;

/// How many trials ended how.
#[derive(Default)]
pub struct Ends(Mutex<BTreeMap<String, u32>>);

impl Ends {
    pub fn count(&self, job: impl Debug, end: &End) {
        let how = match end {
            End::Completed => "completed",
            End::Failed(why) => why.split(' ').next().unwrap_or_default(),
            End::Canceled => "cancelled",
            End::Died => "died",
        };
        let mut ends = self.0.lock().unwrap();
        *ends.entry(format!("{job:?} {how}")).or_default() += 1;
    }

    pub fn print(self, what: &str) {
        println!("{what}: {:?}", self.0.into_inner().unwrap());
    }
}

/// Ends the test where one trial says that a promise was broken.
pub fn run<T: Sync + Display>(
    what: &str,
    trials: &[T],
    trial: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let (start, next, broken) = (Instant::now(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(one) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let told = catch_unwind(AssertUnwindSafe(|| trial(one)));
                    let told = told.unwrap_or_else(|panic| Err(text_of(panic.as_ref())));
                    if let Err(why) = told {
                        eprintln!("{what}: {one}: {why}");
                        broken.lock().unwrap().push(format!("{one}: {why}"));
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(TOLD_EVERY) {
                        println!("{what}: {done} of {}", trials.len());
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    let seconds = start.elapsed().as_secs();
    println!(
        "{what}: {} trials, {} broken, {seconds} s",
        trials.len(),
        broken.len()
    );
    assert!(!trials.is_empty(), "{what}: nothing was tried");
    assert!(broken.is_empty(), "{what}: {broken:#?}");
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("the trial broke down: {}", text.unwrap_or_default())
}
