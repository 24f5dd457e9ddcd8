//! The folders of a walk, each looked at by the next thread that is free.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::compare::THREADS;
use super::walk::{Open, Walk};
use crate::Error;

/// How many folders are held open, those that come next: a process may have so many open only.
const HELD: usize = 64;

/// Lets go of those that do not come soon any more, when so many have been added at the end.
pub(super) fn hold_few(open: &mut [Open], added: usize) {
    for later in open.iter_mut().rev().skip(HELD).take(added) {
        later.folder = None;
    }
}

/// Folders that are still to be looked at, the next one at the end.
struct Queue {
    open: Vec<Open>,
    /// Threads that look at one now, and may add those in it.
    busy: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Looks at these folders and all that are in them. Returns what each of the threads found.
pub(super) fn walk_together<'a>(walk: &Walk<'a>, open: Vec<Open>) -> Result<Vec<Walk<'a>>, Error> {
    let shared = Shared {
        queue: Mutex::new(Queue { open, busy: 0 }),
        changed: Condvar::new(),
    };
    let run = || {
        let mut walk = walk.another();
        while let Some((open, mut turn)) = shared.next() {
            walk.folder(open)?;
            turn.found = std::mem::take(&mut walk.open);
            turn.went_well = true;
        }
        Ok(walk)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        let ends = threads.into_iter().map(|thread| {
            let panicked = |_| Error::Panicked("a thread that looks at folders".into());
            thread.join().map_err(panicked)?
        });
        ends.collect()
    })
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next folder; waits while others may still find some. `None`: there is none any more.
    fn next(&self) -> Option<(Open, Turn<'_>)> {
        let none_yet = |queue: &mut Queue| queue.open.is_empty() && queue.busy > 0;
        let waited = self.changed.wait_while(self.lock(), none_yet);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        let next = queue.open.pop()?;
        queue.busy += 1;
        let turn = Turn {
            shared: self,
            found: Vec::new(),
            went_well: false,
        };
        Some((next, turn))
    }
}

/// One look at a folder. Its end is told however it ends, also by a panic: the others wait for it.
struct Turn<'a> {
    shared: &'a Shared,
    /// The folders in it.
    found: Vec<Open>,
    went_well: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.busy -= 1;
        let added = self.found.len();
        queue.open.append(&mut self.found);
        if !self.went_well {
            // The others have nothing left to do.
            queue.open.clear();
        }
        hold_few(&mut queue.open, added);
        self.shared.changed.notify_all();
    }
}
