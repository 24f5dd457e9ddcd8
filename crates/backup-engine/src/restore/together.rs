//! The folders of a walk, each looked at by the next thread that is free.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::compare::THREADS;
use super::walk::{Open, Walk};
use crate::Error;

/// How many folders are held open, those that come next: a process may have so many open only.
const HELD: usize = 64;

/// Folders that are still to be looked at, the next one at the end.
#[derive(Default)]
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
        while let Some(open) = shared.next() {
            let looked = walk.folder(open);
            shared.done(&mut walk.open, looked.is_ok());
            looked?;
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
    fn next(&self) -> Option<Open> {
        let none_yet = |queue: &mut Queue| queue.open.is_empty() && queue.busy > 0;
        let waited = self.changed.wait_while(self.lock(), none_yet);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        let next = queue.open.pop()?;
        queue.busy += 1;
        Some(next)
    }

    /// A folder has been looked at, and these were in it. After an error the others have nothing left to do.
    fn done(&self, found: &mut Vec<Open>, well: bool) {
        let mut queue = self.lock();
        queue.busy -= 1;
        queue.open.append(found);
        if !well {
            queue.open.clear();
        }
        let later = queue.open.iter_mut().rev().skip(HELD);
        later.map_while(|open| open.folder.take()).for_each(drop);
        self.changed.notify_all();
    }
}
