//! How a command ends badly: one line that says what happened and the way out, and an exit code that means something.

use std::fmt::Display;
use std::process::ExitCode;

use backup_api::Problem;
use backup_client::ClientError;
use backup_engine::{Error, ErrorKind};

use crate::show;

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

    /// Another service has the data folder.
    pub fn is_in_use(&self) -> bool {
        self.code == "in-use"
    }

    pub fn canceled(message: &str) -> Self {
        Self::new(CANCELED, "canceled", message, "")
    }

    /// Of a job that failed.
    pub fn of(problem: &Problem) -> Self {
        let exit = exit_of(&problem.code).unwrap_or(FAILED);
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
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            // The words may be those of a service.
            eprintln!("{}", show::safe(&line));
        }
        ExitCode::from(self.exit)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = exit_of(error.code()).unwrap_or(match error.status() {
            Some(404) => NOT_FOUND,
            Some(505) => NEWER,
            Some(511) => NOT_REACHABLE,
            _ => FAILED,
        });
        Self::new(exit, error.code(), &error.message(), &error.fix())
    }
}

/// What a code means to a script, whichever call or job it came from.
fn exit_of(code: &str) -> Option<u8> {
    let exit = match code {
        "unknown-backup"
        | "unknown-source"
        | "unknown-path"
        | "unknown-job"
        | "not-set-up"
        | "nothing-to-undo"
        | "nothing-to-undelete"
        | "nothing-to-cancel" => NOT_FOUND,
        "busy" | "in-use" | "lease-lost" => BUSY,
        "canceled" => CANCELED,
        "locked" | "wrong-passphrase" | "destination-unreachable" | "unreachable" | "timed-out" => {
            NOT_REACHABLE
        }
        "newer-layout" | "newer-library" => NEWER,
        _ => return None,
    };
    Some(exit)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_same_exit_code_whichever_way_it_came() {
        for (error, exit) in [
            (Error::InUse("another device"), BUSY),
            (Error::LeaseLost, BUSY),
            (Error::Busy, BUSY),
            (Error::NothingToUndo, NOT_FOUND),
            (Error::Locked(String::new()), NOT_REACHABLE),
            (Error::Unreachable(String::new()), NOT_REACHABLE),
            (Error::ChangedMeanwhile, FAILED),
        ] {
            let (code, message, fix) = (error.code().to_owned(), error.message(), error.fix());
            let problem = Problem {
                code: code.clone(),
                message: message.clone(),
                fix: fix.clone(),
            };
            let refused = ClientError::Refused {
                status: 500,
                code: Some(code.clone()),
                message,
                fix: Some(fix),
            };
            let exits = [
                Failure::of(&problem).exit,
                Failure::from(refused).exit,
                Failure::from(error).exit,
            ];
            assert_eq!(exits, [exit; 3], "{code}");
        }
    }
}
