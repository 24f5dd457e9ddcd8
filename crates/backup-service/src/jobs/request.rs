//! What a job is asked to do, and what comes with the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backup_engine::{BackupId, Depth, Engine, Error, Item, RestoreRequest};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// With what is put into the library first.
    Creation(Upload),
    Restoration(RestoreRequest),
    Undo,
    Verification {
        /// All of them where there is none.
        backup: Option<BackupId>,
        depth: Depth,
    },
}

/// What came with a call for a backup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    items: Vec<Item>,
    in_library: Arc<AtomicBool>,
}

/// Whether an upload got into the library, whatever became of the backup.
pub(crate) struct Fate(Arc<AtomicBool>);

impl Upload {
    pub(crate) fn new(items: Vec<Item>) -> (Self, Fate) {
        let in_library = Arc::new(AtomicBool::new(false));
        let fate = Fate(in_library.clone());
        (Self { items, in_library }, fate)
    }

    pub(super) fn put(self, engine: &Engine) -> Result<(), Error> {
        if !self.items.is_empty() {
            engine.library().put(&self.items)?;
            self.in_library.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl Fate {
    pub(crate) fn in_library(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
