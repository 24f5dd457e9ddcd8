//! Everything that is known of the service at the moment, and the view made of it. No I/O, and no clock but the one that
//! is handed in. What is made up of jobs is in `reports.rs`.

use std::time::{Duration, Instant};

use backup_api::{
    Backup, BackupDetails, DestinationState, Job, JobState, KeyProtection, LibraryState, Overview,
    Phase, Problem, Progress, UndoState,
};
use chrono::{DateTime, Utc};

use crate::notices::Moment;
use crate::summary::{Facts, summary};
use crate::{BackupRow, Connection, ConnectionStatus, Target, View, problem};

/// The extension without which a service is followed through the plain API alone.
const OVERVIEW: &str = "overview";

#[derive(Debug)]
pub(crate) struct State {
    connection: Connection,
    features: Vec<String>,
    pub(crate) job: Option<Job>,
    pub(crate) undo: Option<UndoState>,
    library: Option<LibraryState>,
    destination: Option<DestinationState>,
    key: Option<KeyProtection>,
    last_backup: Option<LastBackup>,
    count: Option<u64>,
    revision: u64,
    /// The id of the job that is reported on by the very call that started it, so nobody else need be asked.
    pub(crate) followed: Option<String>,
    /// Where the job that runs was when it last got on, and when that was.
    mark: Option<(Mark, Instant)>,
    /// The job that its service took with it, for as long as no other one is known: the next service knows of none.
    pub(crate) gone: Option<Job>,
}

/// The newest backup, with what the service says of it.
#[derive(Clone, Debug, PartialEq)]
enum LastBackup {
    Known(BackupDetails),
    Listed(Backup),
}

/// Changes whenever a job gets on.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    job: String,
    phase: Phase,
    progress: (u64, f64),
}

impl Mark {
    fn of(job: &Job) -> Self {
        Self {
            job: job.id.clone(),
            phase: job.phase,
            progress: (job.progress.bytes_done, job.progress.percentage),
        }
    }
}

impl State {
    pub(crate) fn new(target: Target, name: &str) -> Self {
        Self {
            connection: Connection {
                target,
                name: name.to_owned(),
                address: None,
                status: ConnectionStatus::Connecting,
                problem: None,
            },
            features: Vec::new(),
            job: None,
            undo: None,
            library: None,
            destination: None,
            key: None,
            last_backup: None,
            count: None,
            revision: 0,
            followed: None,
            mark: None,
            gone: None,
        }
    }

    /// Forgets the service for another one. The revision goes on, so that its list is fetched.
    pub(crate) fn change_target(&mut self, target: Target) {
        let revision = self.revision + 1;
        let name = match &target {
            Target::Embedded => "Holdfast".to_owned(),
            Target::Address { address } => address.clone(),
        };
        *self = Self {
            revision,
            ..Self::new(target, &name)
        };
    }

    pub(crate) fn target(&self) -> &Target {
        &self.connection.target
    }

    /// It is there; nothing is known of what it holds.
    pub(crate) fn found(&mut self, name: String, address: String, features: Vec<String>) {
        self.connection.name = name;
        self.connection.address = Some(address);
        self.features = features;
    }

    pub(crate) fn connected(&mut self, now: Instant) {
        self.connection.status = ConnectionStatus::Connected;
        self.connection.problem = None;
        self.revision += 1;
        // Whether a job of before gets on is to be seen from now on.
        self.mark = self.running_job().map(|job| (Mark::of(job), now));
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connection.status == ConnectionStatus::Connected
    }

    /// Somebody asked to try again.
    pub(crate) fn retrying(&mut self) {
        if self.connection.status == ConnectionStatus::Lost {
            self.connection.status = ConnectionStatus::Connecting;
        }
    }

    pub(crate) fn lost(&mut self, problem: Problem) {
        self.connection.status = ConnectionStatus::Lost;
        self.connection.problem = Some(problem);
        self.mark = None;
    }

    pub(crate) fn offers(&self, feature: &str) -> bool {
        self.features.iter().any(|offered| offered == feature)
    }

    /// Whether jobs have to be made up from what the plain API says.
    pub(crate) fn is_plain(&self) -> bool {
        !self.offers(OVERVIEW)
    }

    pub(crate) fn list_changed(&mut self) {
        self.revision += 1;
    }

    /// Takes over what a service with the extensions says of itself.
    pub(crate) fn overview(&mut self, overview: Overview, now: Instant) {
        let last = overview.last_backup.map(LastBackup::Known);
        if (overview.backups, &last) != (self.count, &self.last_backup) {
            self.revision += 1;
        }
        self.count = overview.backups;
        self.last_backup = last;
        self.undo = overview.undo;
        self.library = Some(overview.library);
        self.destination = Some(overview.destination);
        self.key = Some(overview.key);
        if overview.job.is_some() {
            self.gone = None;
        }
        let job = overview.job.or_else(|| self.gone.clone());
        self.set_job(job, now);
    }

    /// Takes over the list of a service without the extensions.
    pub(crate) fn list(&mut self, listed: Result<Vec<Backup>, Problem>) {
        self.revision += 1;
        match listed {
            Ok(list) => {
                self.connection.problem = None;
                self.count = Some(list.len() as u64);
                let newest = list.into_iter().max_by_key(|backup| backup.created.value);
                self.last_backup = newest.map(LastBackup::Listed);
            }
            // What was known before stays.
            Err(problem) => self.connection.problem = Some(problem),
        }
    }

    pub(crate) fn set_job(&mut self, job: Option<Job>, now: Instant) {
        let running = job.as_ref().filter(|job| !job.state.is_terminal());
        let mark = running.map(Mark::of);
        self.mark = match (mark, self.mark.take()) {
            (Some(mark), Some((before, since))) if mark == before => Some((mark, since)),
            (mark, _) => mark.map(|mark| (mark, now)),
        };
        let ended = |job: &Option<Job>| {
            let terminal = job.as_ref().filter(|job| job.state.is_terminal());
            terminal.map(|job| (job.id.clone(), job.started))
        };
        if ended(&job).is_some() && ended(&job) != ended(&self.job) {
            self.revision += 1;
        }
        self.job = job;
    }

    pub(crate) fn running_job(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| !job.state.is_terminal())
    }

    /// The job with this id, if it runs.
    pub(crate) fn running(&self, id: &str) -> Option<&Job> {
        self.running_job().filter(|job| job.id == id)
    }

    /// Between *running* and *canceling*, for this job.
    pub(crate) fn set_job_state(&mut self, id: &str, state: JobState) {
        let running = self.job.as_mut().filter(|job| !job.state.is_terminal());
        if let Some(job) = running.filter(|job| job.id == id) {
            job.state = state;
        }
    }

    /// For how long the job that runs has not got on.
    pub(crate) fn silence(&self, now: Instant) -> Option<Duration> {
        let (mark, since) = self.mark.as_ref()?;
        // That nothing happens before the program has quit is as it should be.
        (mark.phase != Phase::Waiting).then(|| now.duration_since(*since))
    }

    pub(crate) fn moment(&self, watched: bool) -> Moment<'_> {
        let last_backup = match &self.last_backup {
            Some(LastBackup::Known(details)) => Some(details),
            _ => None,
        };
        Moment {
            job: self.job.as_ref(),
            last_backup,
            undo: self.undo.as_ref(),
            watched,
        }
    }

    /// `stall`: a job that has not got on for so long is worth a word.
    pub(crate) fn view(&self, now: (DateTime<Utc>, Instant), stall: Duration) -> View {
        let connected = self.is_connected();
        let silence = self.silence(now.1).filter(|silence| *silence >= stall);
        let last_backup: Option<BackupRow> = self.last_backup.clone().map(Into::into);
        let summary = summary(Facts {
            status: self.connection.status,
            problem: self.connection.problem.as_ref(),
            job: self.job.as_ref(),
            warning: silence.map(problem::stalled),
            key: self.key,
            destination: self.destination.as_ref(),
            last_backup: last_backup.as_ref().map(|row| row.backup.created.value),
            incomplete: matches!(&self.last_backup, Some(LastBackup::Known(made)) if made.unread_count > 0),
            listed: self.count.is_some(),
            now: now.0,
        });
        let mut job = self.job.clone();
        if let Some(job) = &mut job {
            job.cancelable &= connected;
            if silence.is_some() || !connected {
                // They were true when there was progress.
                job.progress = Progress {
                    bytes_per_second: None,
                    seconds_left: None,
                    ..job.progress
                };
            }
        }
        View {
            connection: self.connection.clone(),
            summary,
            job,
            undo: self.undo.clone(),
            library: self.library.clone(),
            destination: self.destination.clone(),
            key: self.key,
            last_backup,
            backups_count: self.count,
            backups_revision: self.revision,
            features: self.features.clone(),
        }
    }
}

impl From<LastBackup> for BackupRow {
    fn from(last: LastBackup) -> Self {
        match last {
            LastBackup::Known(details) => details.into(),
            LastBackup::Listed(backup) => backup.into(),
        }
    }
}
