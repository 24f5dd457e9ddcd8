//! How a command ends badly: one line that says what happened and the way out, and an exit code that means something.

use std::fmt::Display;
use std::process::ExitCode;

use backup_api::Problem;
use backup_client::ClientError;
use backup_engine::{Error, ErrorKind};

pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const NOT_FOUND: u8 = 3;
pub const BUSY: u8 = 4;
pub const NOT_REACHABLE: u8 = 5;
pub const NEWER: u8 = 6;
/// Backed up or restored, but not all that was to be.
pub const INCOMPLETE: u8 = 7;
pub const CANCELED: u8 = 130;

#[derive(Debug)]
pub struct Failure {
    exit: u8,
    code: String,
    message: String,
    fix: String,
}

impl Failure {
    pub fn new(exit: u8, code: &str, message: &str, fix: &str) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            fix: fix.into(),
        }
    }

    pub fn internal(error: &dyn Display) -> Self {
        Self::new(
            FAILED,
            "failed",
            &format!("It could not be done: {error}."),
            "Try again.",
        )
    }

    pub fn canceled(message: &str) -> Self {
        Self::new(CANCELED, "canceled", message, "")
    }

    /// Of a job that failed.
    pub fn of(problem: &Problem) -> Self {
        let exit = match problem.code.as_str() {
            "locked" | "destination-unreachable" => NOT_REACHABLE,
            "newer-layout" | "newer-library" => NEWER,
            "unknown-source" | "unknown-path" => NOT_FOUND,
            _ => FAILED,
        };
        Self::new(exit, &problem.code, &problem.message, &problem.fix)
    }

    /// Says it, and gives the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        if json {
            let problem =
                serde_json::json!({"code": self.code, "message": self.message, "fix": self.fix});
            eprintln!("{}", serde_json::json!({ "error": problem }));
        } else {
            let line = format!("holdfast: {} {}", self.message, self.fix);
            eprintln!("{}", line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        ExitCode::from(self.exit)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match (error.code(), error.status()) {
            ("unknown-backup" | "nothing-to-undo" | "nothing-to-cancel", _) | (_, Some(404)) => {
                NOT_FOUND
            }
            ("busy" | "in-use", _) => BUSY,
            ("canceled", _) => CANCELED,
            (_, Some(505)) => NEWER,
            (_, Some(511)) => NOT_REACHABLE,
            ("unreachable" | "timed-out", _) => NOT_REACHABLE,
            _ => FAILED,
        };
        Self::new(exit, error.code(), &error.message(), &error.fix())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::NotFound => NOT_FOUND,
            ErrorKind::Busy => BUSY,
            ErrorKind::Locked | ErrorKind::Unreachable => NOT_REACHABLE,
            ErrorKind::Newer => NEWER,
            ErrorKind::Invalid | ErrorKind::Failed => FAILED,
        };
        Self::new(exit, error.code(), &error.message(), &error.fix())
    }
}
