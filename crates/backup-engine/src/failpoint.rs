//! Failpoints: named places where a test has the storage fail, be slow, or end the process. Without the feature
//! `failpoints`, which no program is built with, they are nothing. `tests/torture` goes through all of them.

use std::io;

/// Fails, waits or aborts here when a test asked for it by this name. It stands where the storage could fail as well, so
/// that what follows is what would follow then.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn failpoint(_name: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(name: &'static str) -> io::Result<()> {
    count(name);
    fail::fail_point!(name, |action| match action.as_deref() {
        Some("abort") => std::process::abort(),
        Some("full") => Err(io::ErrorKind::StorageFull.into()),
        _ => Err(io::Error::other(format!("the failpoint {name}"))),
    });
    Ok(())
}

#[cfg(feature = "failpoints")]
mod passed {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    static PASSED: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

    pub(super) fn count(name: &'static str) {
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        *passed.entry(name).or_default() += 1;
    }

    /// How often this process has passed each failpoint: a plan of where a job can be met.
    pub fn failpoints_passed() -> BTreeMap<&'static str, u64> {
        PASSED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(feature = "failpoints")]
use passed::count;
#[cfg(feature = "failpoints")]
pub use passed::failpoints_passed;
