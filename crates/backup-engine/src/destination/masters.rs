//! The keys that a destination's data is encrypted with. Each is derived from the password, which is dear on purpose: a third of
//! a second and 130 MB, and not to be broken off. So it is done once, one at a time, and in a thread that a cancelled job
//! does not wait for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustic_core::repofile::MasterKey;

use super::Part;
use crate::beside::beside;
use crate::engine::guarded;
use crate::{Error, Watch};

/// The key of each part, once it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Masters(Arc<Known>);

#[derive(Default)]
struct Known {
    keys: [Mutex<Option<MasterKey>>; 2],
    /// Held while one is derived.
    deriving: Mutex<()>,
}

/// Without the keys, which the repository library would write out.
impl fmt::Debug for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Masters {
    pub(super) fn get(&self, part: Part) -> Option<MasterKey> {
        lock(self.of(part)).clone()
    }

    pub(super) fn set(&self, part: Part, key: Option<MasterKey>) {
        *lock(self.of(part)) = key;
    }

    /// Of another repository, that of the other part will not open it either.
    pub(super) fn forget(&self) {
        for part in [Part::Databases, Part::Files] {
            self.set(part, None);
        }
    }

    fn of(&self, part: Part) -> &Mutex<Option<MasterKey>> {
        let [databases, files] = &self.0.keys;
        match part {
            Part::Databases => databases,
            Part::Files => files,
        }
    }

    /// Runs `derive`, and waits for it unless the job is cancelled.
    pub(super) fn derive<T: Send + 'static>(
        &self,
        watch: &Watch,
        derive: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let masters = self.clone();
        let work = move || {
            guarded(|| {
                let _one_at_a_time = lock(&masters.0.deriving);
                Ok(derive(&masters))
            })
        };
        beside("key", watch, work).map_err(Error::io(DERIVING))?
    }
}

const DERIVING: &str = "deriving the key";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::CancelFlag;

    #[test]
    fn a_cancelled_job_does_not_wait_for_its_key_which_is_kept_for_the_next_one() {
        let masters = Masters::default();
        let cancel = CancelFlag::default();
        let watch = Watch::new(cancel.clone(), |_| {});
        let (go_on, gone_on) = channel::<()>();
        assert!(cancel.cancel());
        let result = masters.derive(&watch, move |masters| {
            // It ends only after the job.
            gone_on.recv().unwrap();
            masters.set(Part::Files, Some(MasterKey::new()));
        });
        assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
        assert!(masters.get(Part::Files).is_none());
        go_on.send(()).unwrap();
        // One at a time: this one begins when that one has ended.
        let known = masters.derive(&Watch::unwatched(), |masters| masters.get(Part::Files));
        assert!(known.unwrap().is_some());
    }

    #[test]
    fn a_key_is_not_in_what_is_written_of_it_for_a_log() {
        let (masters, key) = (Masters::default(), MasterKey::new());
        masters.set(Part::Databases, Some(key.clone()));
        let text = format!("{masters:?}");
        for secret in [&key.encrypt, &key.mac.k, &key.mac.r] {
            let part = format!("{secret:?}");
            assert!(!text.contains(&part), "a part of the key is there");
        }
        assert_eq!(text, format!("{:?}", Masters::default()));
    }

    #[test]
    fn a_key_that_cannot_be_derived_ends_the_job_with_an_error() {
        let broken =
            Masters::default().derive(&Watch::unwatched(), |_| -> () { panic!("out of memory") });
        assert!(matches!(broken, Err(Error::Panicked(_))), "{broken:?}");
    }
}
