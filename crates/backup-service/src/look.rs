//! Looks into backups that nobody waits for any more.

use backup_engine::{CancelFlag, Watch};

/// Held by whoever waits for the answer: the look is cancelled where this is dropped before it is there.
pub(crate) struct Waiting(CancelFlag);

impl Waiting {
    /// With what the work is given, so that it ends early.
    pub(crate) fn new() -> (Self, Watch) {
        let cancel = CancelFlag::default();
        let watch = Watch::new(cancel.clone(), |_| {});
        (Self(cancel), watch)
    }

    pub(crate) fn give_up(&self) {
        self.0.cancel();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.give_up();
    }
}
