//! Running many trials on all cores, and telling at the end what each that failed was about.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Ends the test where one trial says that a promise was broken.
pub fn run<T: Sync + Display>(
    what: &str,
    trials: &[T],
    trial: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let (start, next, broken) = (Instant::now(), AtomicUsize::new(0), Mutex::new(Vec::new()));
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
