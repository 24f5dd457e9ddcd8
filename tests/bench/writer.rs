//! A program that keeps writing into a database while it is backed up.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::database;

/// Between two of its transactions.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Writer {
    stop: Sender<()>,
    thread: JoinHandle<u32>,
}

impl Writer {
    pub fn start(path: &Path) -> Self {
        let (stop, stopped) = mpsc::channel();
        let database = database::open(path);
        let thread = std::thread::spawn(move || {
            let mut written = 0u32;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PAUSE) {
                database
                    .execute(
                        "INSERT INTO activity (what) VALUES ('note ' || ?1 || ' was shown')",
                        [written],
                    )
                    .unwrap();
                written += 1;
            }
            written
        });
        Self { stop, thread }
    }

    /// Ends it, and returns how many transactions it made.
    pub fn stop(self) -> u32 {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}
