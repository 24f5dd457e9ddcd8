//! The manager as the app holds it: what is shown, what can be asked for, and what is to be told.

use std::sync::Arc;

use backup_api::{JobKind, JobState, Preview, Problem};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::DropGuard;
use tokio_util::task::AbortOnDropHandle;

use crate::api::{Api, Connector};
use crate::desk::{Desk, Timings};
use crate::line::Line;
use crate::notices::{Notice, Subject, refused};
use crate::session::{self, Again};
use crate::throttle::throttled;
use crate::{BackupRow, FoundService, Target, View, problem, start};

/// Talks to one service at a time for as long as it lives. Cheap to clone.
#[derive(Clone)]
pub struct Manager(Arc<Inner>);

struct Inner {
    desk: Arc<Desk>,
    connector: Arc<dyn Connector>,
    again: Arc<Again>,
    views: watch::Receiver<View>,
    _session: AbortOnDropHandle<()>,
    /// Ends what follows jobs.
    _gone: DropGuard,
}

impl Manager {
    /// Begins to talk to the target. What comes out of the receiver should be shown as notifications.
    ///
    /// Needs a tokio runtime around it.
    pub fn start(
        connector: Arc<dyn Connector>,
        target: Target,
        timings: Timings,
    ) -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (desk, notices) = Desk::new(target, timings);
        let views = throttled(desk.views(), timings.publish);
        let again = Arc::<Again>::default();
        let session = session::run(desk.clone(), connector.clone(), again.clone());
        let inner = Inner {
            _gone: desk.gone.clone().drop_guard(),
            desk,
            connector,
            again,
            views,
            _session: AbortOnDropHandle::new(tokio::spawn(session)),
        };
        (Self(Arc::new(inner)), notices)
    }

    /// What the window shows, now and whenever it changes, at most ten times a second.
    pub fn view(&self) -> watch::Receiver<View> {
        self.0.views.clone()
    }

    /// Whether somebody looks at the window at the moment: then no notice is raised about what is seen there.
    pub fn set_watched(&self, watched: bool) {
        self.0.desk.set_watched(watched);
    }

    /// The services found on this machine.
    pub async fn services(&self) -> Result<Vec<FoundService>, Problem> {
        self.0.connector.find().await
    }

    /// Talks to another service from now on. A job that runs on the one before goes on there. Fails, and changes
    /// nothing, for what can be no service.
    pub fn connect(&self, target: Target) -> Result<(), Problem> {
        self.0.connector.accepts(&target)?;
        self.0.desk.choose(target);
        self.0.again.ask();
        Ok(())
    }

    /// Tries at once what would be tried again after a while.
    pub fn retry(&self) {
        self.0.desk.change(|state| state.retrying());
        self.0.again.ask();
    }

    /// Newest first.
    pub async fn backups(&self) -> Result<Vec<BackupRow>, Problem> {
        let (api, line) = self.service()?;
        let mut rows: Vec<BackupRow> = if offers(&line, "details") {
            let details = api.details().await?;
            details.into_iter().map(BackupRow::from).collect()
        } else {
            let backups = api.backups().await?;
            backups.into_iter().map(BackupRow::from).collect()
        };
        rows.sort_by_key(|row| std::cmp::Reverse(row.backup.created.value));
        Ok(rows)
    }

    /// Starts a backup and returns its id as soon as there is one.
    pub async fn back_up(&self) -> Result<String, Problem> {
        let (api, line) = self.service()?;
        start::start(line, &api, start::Request::Creation).await
    }

    /// Returns as soon as the restore has started.
    pub async fn restore(&self, backup: &str) -> Result<(), Problem> {
        let (api, line) = self.service()?;
        let request = start::Request::Restoration(backup.to_owned());
        start::start(line, &api, request).await.map(drop)
    }

    /// What a restore would do.
    pub async fn preview(&self, backup: &str) -> Result<Preview, Problem> {
        self.extension("preview", "say what a restore would change")?
            .preview(backup)
            .await
    }

    /// Cancels the job that runs; returns when it has ended, however it did.
    pub async fn cancel(&self) -> Result<(), Problem> {
        let (api, line) = self.service()?;
        start::cancel(&line, api.as_ref()).await
    }

    /// Brings back what the last restore replaced; returns when that is done.
    pub async fn undo(&self) -> Result<(), Problem> {
        let api = self.extension("undo", "undo a restore")?;
        // A task of its own: it goes on when nobody waits for it any more.
        let undo = tokio::spawn(async move { api.undo().await });
        let ended = undo.await.map_err(|_| problem::disconnected())??;
        ended.problem.map_or(Ok(()), Err)
    }

    pub async fn delete(&self, backup: &str) -> Result<(), Problem> {
        self.service()?.0.delete(backup).await?;
        self.relist();
        Ok(())
    }

    pub async fn undelete(&self, backup: &str) -> Result<(), Problem> {
        self.extension("undelete", "bring back a deleted backup")?
            .undelete(backup)
            .await?;
        self.relist();
        Ok(())
    }

    /// Protects the key with a passphrase, or opens it with the one that protects it.
    pub async fn give_passphrase(&self, passphrase: String) -> Result<(), Problem> {
        self.extension("passphrase", "keep its key under a passphrase")?
            .give_passphrase(passphrase)
            .await
    }

    /// [`Manager::back_up`] for somebody who does not look at the window: a refusal becomes a notice, once it is one.
    pub async fn back_up_unseen(&self) {
        if let Err(problem) = self.back_up().await
            && problem.code != problem::NO_ANSWER_YET
        {
            self.tell(JobKind::Creation, &problem);
        }
    }

    /// Undoes the restore that a notice was about, and no other; a refusal becomes a notice.
    pub async fn undo_unseen(&self, subject: &Subject) {
        let kept = self.0.desk.read(|state| state.undo.clone());
        let same = kept.is_some_and(|undo| {
            Some(&undo.backup) == subject.backup.as_ref() && Some(undo.restored) == subject.restored
        });
        if !same {
            return self.tell(JobKind::Undo, &problem::other_restore());
        }
        let before = self.0.desk.read(|state| state.job.clone());
        if let Err(problem) = self.undo().await
            && !self.fails_as_job(before.map(|job| job.id)).await
        {
            self.tell(JobKind::Undo, &problem);
        }
    }

    /// Whether what was refused had started and is a failed job, which is told as that. `before`: the last job until then.
    async fn fails_as_job(&self, before: Option<String>) -> bool {
        let mut views = self.0.desk.views();
        let failed = views.wait_for(|view| {
            view.job.as_ref().is_some_and(|job| {
                Some(&job.id) != before.as_ref()
                    && (job.kind, job.state) == (JobKind::Undo, JobState::Failed)
            })
        });
        let limit = self.0.desk.timings.tick;
        tokio::time::timeout(limit, failed).await.is_ok()
    }

    fn tell(&self, kind: JobKind, problem: &Problem) {
        tracing::warn!(code = problem.code, problem = %problem.message, "refused");
        self.0.desk.notify(refused(kind, problem));
    }

    fn relist(&self) {
        self.0.desk.relist.notify_one();
        self.0.desk.change(|state| state.list_changed());
    }

    fn service(&self) -> Result<(Arc<dyn Api>, Line), Problem> {
        self.0.desk.service().ok_or_else(problem::disconnected)
    }

    /// The service, if it has this extension. `what`: what it could do then.
    pub(crate) fn extension(&self, feature: &str, what: &str) -> Result<Arc<dyn Api>, Problem> {
        let (api, line) = self.service()?;
        if offers(&line, feature) {
            Ok(api)
        } else {
            Err(problem::unsupported(what))
        }
    }
}

fn offers(line: &Line, feature: &str) -> bool {
    line.read(|state| state.offers(feature)).unwrap_or(false)
}
