//! Cancelling, and the truth about it: a service that says that it could not cancel is asked how the job stands.

use backup_api::{JobKind, Status};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::error::ClientError;

/// What came of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canceled {
    /// It has ended as canceled, and everything is as before it started.
    Yes,
    /// It had ended before, in this way: `Completed` or `Failed`.
    TooLate(Status),
    /// It still runs: the service did not cancel it.
    StillRuns,
}

impl Client {
    /// Cancels the creation or restoration of this backup, and returns once it is known what came of it.
    ///
    /// Errors: the service's own, where it knows of no such job or cannot be asked.
    pub async fn cancel(&self, kind: JobKind, id: &str) -> Result<Canceled, ClientError> {
        let error = match self.ask_to_cancel(kind, id).await {
            Ok(()) => return Ok(Canceled::Yes),
            Err(error) => error,
        };
        let says_little = match &error {
            ClientError::Refused { status, .. } => *status == 500,
            ClientError::TimedOut(_) | ClientError::Broken(_) => true,
            _ => false,
        };
        if !says_little {
            return Err(error);
        }
        tracing::info!(%error, "asking for the status of a job that was not cancelled");
        let until = Instant::now() + self.timeouts.call;
        loop {
            let status = match self.status(kind, id).await {
                Ok(status) => status.value.unwrap_or_default(),
                // Nothing more can be learned; the first answer is the truth there is.
                Err(_) => return Err(error),
            };
            match status {
                Status::Canceled => return Ok(Canceled::Yes),
                Status::Completed | Status::Failed => return Ok(Canceled::TooLate(status)),
                Status::Unknown | Status::Reset => return Err(error),
                // It may be ending at this moment.
                Status::Initialized | Status::InProgress if Instant::now() >= until => {
                    return Ok(Canceled::StillRuns);
                }
                Status::Initialized | Status::InProgress => sleep(self.timeouts.poll).await,
            }
        }
    }
}
