//! The wish to cancel the job that is followed: kept until it is known what to cancel, asked for once, and answered each
//! time that it comes again.

use backup_client::Client;
use indicatif::ProgressBar;
use tokio::task::JoinHandle;

/// Which call cancels it.
#[derive(Clone, Copy)]
pub enum By {
    /// The two of the Backup API, with the id of a backup.
    Creation,
    Restoration,
    /// With the id of a job.
    Job,
}

pub struct Cancel {
    client: Client,
    by: By,
    pub bar: ProgressBar,
    /// Standard error is for a program.
    quiet: bool,
    wanted: bool,
    /// The question to the service.
    asking: Option<JoinHandle<()>>,
}

impl Cancel {
    pub fn new(client: &Client, by: By, bar: ProgressBar, quiet: bool) -> Self {
        Self {
            client: client.clone(),
            by,
            bar,
            quiet,
            wanted: false,
            asking: None,
        }
    }

    /// The user wants it, perhaps not for the first time.
    pub fn told(&mut self, id: Option<&str>) {
        self.wanted = true;
        let in_vain = self.asking.as_ref().is_some_and(JoinHandle::is_finished);
        if in_vain {
            // The job goes on all the same: it is asked for again.
            self.asking = None;
        }
        self.say(match (&self.asking, id) {
            (Some(_), _) => "It is being cancelled already. This takes a moment.",
            (None, Some(_)) => "Cancelling.",
            (None, None) => "Cancelling, as soon as the service has said what it started.",
        });
        self.ask_if_wanted(id);
    }

    /// From a task of its own, so that the job's end is seen meanwhile.
    pub fn ask_if_wanted(&mut self, id: Option<&str>) {
        let (true, None, Some(id)) = (self.wanted, &self.asking, id) else {
            return;
        };
        let (client, by, id) = (self.client.clone(), self.by, id.to_owned());
        self.asking = Some(tokio::spawn(async move {
            let canceled = match by {
                By::Creation => client.cancel_creation(&id).await,
                By::Restoration => client.cancel_restoration(&id).await,
                By::Job => client.cancel_job(&id).await.map(drop),
            };
            if let Err(error) = canceled {
                tracing::info!(%error, "the job was not cancelled");
            }
        }));
    }

    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
}
