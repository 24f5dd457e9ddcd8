//! How far a job is, a line of JSON each, for a script.

use serde::Serialize;

use crate::commands::write;
use crate::fail::Failure;

/// A job goes on to its end although what is said of it cannot be written; that is said afterwards.
#[derive(Default)]
pub struct Lines {
    /// Nothing more is written.
    closed: bool,
    failed: Option<Failure>,
}

impl Lines {
    pub fn write(&mut self, object: &impl Serialize) {
        if self.closed {
            return;
        }
        let text = serde_json::to_string(object).map_err(|error| Failure::internal(&error));
        match text.and_then(|text| write((text + "\n").as_bytes())) {
            Ok(read) => self.closed = !read,
            Err(failure) => (self.closed, self.failed) = (true, Some(failure)),
        }
    }

    /// Errors: why a line could not be written. That nobody read them is none.
    pub fn end(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), Err)
    }
}
