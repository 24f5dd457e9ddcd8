//! Jobs under `/holdfast/`: starting those that the Backup API does not have, cancelling any, and following one to its end.

use std::time::Duration;

use backup_api::{Job, Restore, Verify, paths};
use tokio::time::sleep;

use crate::client::Client;
use crate::error::ClientError;

/// Between the first two questions for a job; then twice as long each time, up to [`SELDOM`].
const OFTEN: Duration = Duration::from_millis(20);
const SELDOM: Duration = Duration::from_millis(250);
/// How many questions may fail in a row before the job is given up as unknown.
const PATIENCE: u32 = 10;

impl Client {
    /// `GET /holdfast/jobs`, newest first.
    pub async fn jobs(&self) -> Result<Vec<Job>, ClientError> {
        self.get(&[paths::JOBS]).await
    }

    /// `GET /holdfast/jobs/{job}`.
    pub async fn job_by_id(&self, id: &str) -> Result<Job, ClientError> {
        self.get(&[paths::JOBS, id]).await
    }

    /// `POST /holdfast/jobs/{job}/cancel`: returns when it has ended, with the job as it ended.
    pub async fn cancel_job(&self, id: &str) -> Result<Job, ClientError> {
        let limit = self.timeouts.cancel;
        let path = [paths::JOBS, id, "cancel"];
        let request = self.request(reqwest::Method::POST, &path)?.timeout(limit);
        self.json(self.send(request).await?, limit).await
    }

    /// `POST /holdfast/undo`: returns when it is done.
    pub async fn undo(&self) -> Result<Job, ClientError> {
        let response = self.job(&[paths::UNDO], None::<&()>).await?;
        self.json(response, self.timeouts.job).await
    }

    /// `POST /holdfast/backups/{backup}/restore`: returns when it has begun.
    pub async fn begin_restore(&self, id: &str, restore: &Restore) -> Result<Job, ClientError> {
        let path = [paths::DETAILS, id, "restore"];
        let response = self.job(&path, Some(restore)).await?;
        self.json(response, self.timeouts.call).await
    }

    /// `POST /holdfast/verify`: returns when it has begun.
    pub async fn begin_verify(&self, verify: &Verify) -> Result<Job, ClientError> {
        let response = self.job(&[paths::VERIFY], Some(verify)).await?;
        self.json(response, self.timeouts.call).await
    }

    /// A job that was begun, followed to its end.
    pub fn follow(&self, begun: Job) -> Followed {
        Followed {
            client: self.clone(),
            last: begun,
            told: false,
            over: false,
            failures: 0,
            pause: OFTEN,
        }
    }
}

/// A job under `/holdfast/` on its way. Ends after a terminal state, or after an error when it is not known how the job went
/// on.
pub struct Followed {
    client: Client,
    last: Job,
    told: bool,
    over: bool,
    failures: u32,
    pause: Duration,
}

impl Followed {
    /// The job at the moment, each time that something about it is new. `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Job, ClientError>> {
        if self.over {
            return None;
        }
        while self.told {
            let limit = SELDOM.min(self.client.timeouts.poll);
            sleep(self.pause.min(limit)).await;
            self.pause = (self.pause * 2).min(limit);
            match self.client.job_by_id(&self.last.id).await {
                Ok(job) => {
                    self.failures = 0;
                    self.told = job == self.last;
                    self.last = job;
                }
                Err(error) if self.is_lost(&error) => {
                    self.over = true;
                    return Some(Err(of_a_begun_job(error)));
                }
                Err(error) => tracing::info!(%error, "asking again for a job"),
            }
        }
        self.told = true;
        self.over = self.last.state.is_terminal();
        Some(Ok(self.last.clone()))
    }

    /// A service that does not know the job was started after it; others are asked again.
    fn is_lost(&mut self, error: &ClientError) -> bool {
        self.failures += 1;
        error.status() == Some(404) || self.failures > PATIENCE
    }
}

/// The job was begun, so it is never certain that nothing happened.
fn of_a_begun_job(error: ClientError) -> ClientError {
    match error {
        ClientError::Unreachable(why) => ClientError::Broken(why),
        ClientError::Refused { status: 404, .. } => {
            ClientError::Broken("the service no longer knows the job".into())
        }
        other => other,
    }
}
