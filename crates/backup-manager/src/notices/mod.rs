//! When to notify: one notice for each job that ended while nobody was looking, whoever started it. A state machine
//! over what is seen of jobs; it shows nothing itself.

mod answer;
mod words;

use std::collections::VecDeque;

use backup_api::{BackupDetails, Job, JobKind, JobState, Problem, Restore, UndoState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use answer::{Button, Reaction};
use words::Told;

/// As many ended jobs are remembered; a service runs one at a time.
const REMEMBERED: usize = 32;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    BackupDone,
    BackupFailed,
    RestoreDone,
    RestoreFailed,
    UndoDone,
    UndoFailed,
    VerificationDone,
    VerificationFailed,
}

/// Enough to act on a notice later, when it is clicked. Kept with the notification as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub kind: NoticeKind,
    /// The backup that was made or restored.
    pub backup: Option<String>,
    /// Of a restore that can be undone: when it was, so that no later one is undone in its place.
    pub restored: Option<DateTime<Utc>>,
}

/// Something to tell a person outside of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub subject: Subject,
    pub title: String,
    pub body: String,
    pub button: Option<Button>,
}

/// What is known at the moment at which a job is looked at.
#[derive(Clone, Copy, Default)]
pub(crate) struct Moment<'a> {
    pub job: Option<&'a Job>,
    pub last_backup: Option<&'a BackupDetails>,
    pub undo: Option<&'a UndoState>,
    /// The window is open and has the focus: whatever ends is seen there.
    pub watched: bool,
}

/// A job, whatever its service calls it: the numbers of jobs begin again when a service is started again.
type Incident = (JobKind, String, DateTime<Utc>);

/// What has been told, or need not be.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    told: VecDeque<Incident>,
    /// Whether this service has been looked at before. What ended before that is no news.
    acquainted: bool,
}

impl Notices {
    /// Another service is looked at from now on.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Looks at the job and says what is to be told, if anything.
    pub(crate) fn observe(&mut self, moment: Moment) -> Option<Notice> {
        let acquainted = std::mem::replace(&mut self.acquainted, true);
        let job = moment.job.filter(|job| job.state.is_terminal())?;
        let incident = (job.kind, job.backup.clone(), job.started);
        if self.told.contains(&incident) {
            return None;
        }
        self.told.push_front(incident);
        self.told.truncate(REMEMBERED);
        if !acquainted || moment.watched {
            return None;
        }
        notice(job, moment)
    }
}

fn notice(job: &Job, moment: Moment) -> Option<Notice> {
    let kind = match (job.kind, job.state) {
        (JobKind::Creation, JobState::Completed) => NoticeKind::BackupDone,
        (JobKind::Creation, JobState::Failed) => NoticeKind::BackupFailed,
        (JobKind::Restoration, JobState::Completed) => NoticeKind::RestoreDone,
        (JobKind::Restoration, JobState::Failed) => NoticeKind::RestoreFailed,
        (JobKind::Undo, JobState::Completed) => NoticeKind::UndoDone,
        (JobKind::Undo, JobState::Failed) => NoticeKind::UndoFailed,
        (JobKind::Verification, JobState::Completed) => NoticeKind::VerificationDone,
        (JobKind::Verification, JobState::Failed) => NoticeKind::VerificationFailed,
        // A cancel was somebody's own wish.
        _ => return None,
    };
    let made = moment
        .last_backup
        .filter(|details| details.backup.id == job.backup);
    // A restore into a folder replaced nothing, nor did one that found all as it is in the backup: then what is kept is of
    // an earlier one.
    let in_place = |restore: &Restore| restore.folder.is_none();
    let undo = moment
        .undo
        .filter(|undo| undo.backup == job.backup && undo.restored >= job.started)
        .filter(|_| job.restores.as_ref().is_none_or(in_place));
    let told = Told {
        problem: job.problem.as_ref(),
        made,
        undo,
        restores: job.restores.as_ref(),
        report: job.report.as_ref(),
    };
    let (title, body) = words::of(kind, told);
    let restored = undo
        .filter(|_| kind == NoticeKind::RestoreDone)
        .map(|undo| undo.restored);
    let button = match kind {
        NoticeKind::BackupDone => Some(Button::Restore),
        NoticeKind::BackupFailed => Some(Button::Retry),
        NoticeKind::RestoreDone => restored.map(|_| Button::Undo),
        _ => None,
    };
    let subject = Subject {
        kind,
        backup: Some(job.backup.clone()),
        restored,
    };
    Some(Notice {
        subject,
        title,
        body,
        button,
    })
}

/// A job that was asked for outside of the window and could not even start.
pub(crate) fn refused(kind: JobKind, problem: &Problem) -> Notice {
    let (kind, button) = match kind {
        JobKind::Creation => (NoticeKind::BackupFailed, Some(Button::Retry)),
        JobKind::Restoration => (NoticeKind::RestoreFailed, None),
        JobKind::Undo => (NoticeKind::UndoFailed, None),
        JobKind::Verification => (NoticeKind::VerificationFailed, None),
    };
    let told = Told {
        problem: Some(problem),
        ..Told::default()
    };
    let (title, body) = words::of(kind, told);
    let subject = Subject {
        kind,
        backup: None,
        restored: None,
    };
    Notice {
        subject,
        title,
        body,
        button,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use backup_api::What;
    use chrono::TimeDelta;

    fn ended(kind: JobKind, state: JobState) -> Job {
        Job {
            kind,
            state,
            ended: Some(samples::noon()),
            ..samples::job("b1")
        }
    }

    fn see(notices: &mut Notices, job: &Job) -> Option<Notice> {
        notices.observe(Moment {
            job: Some(job),
            ..Moment::default()
        })
    }

    /// Notices of a service that has been looked at while nothing ran.
    fn acquainted() -> Notices {
        let mut notices = Notices::default();
        assert_eq!(notices.observe(Moment::default()), None);
        notices
    }

    #[test]
    fn each_way_to_end_has_its_notice() {
        for (kind, state, expected) in [
            (
                JobKind::Creation,
                JobState::Completed,
                Some((NoticeKind::BackupDone, Some(Button::Restore))),
            ),
            (
                JobKind::Creation,
                JobState::Failed,
                Some((NoticeKind::BackupFailed, Some(Button::Retry))),
            ),
            (JobKind::Creation, JobState::Canceled, None),
            (
                JobKind::Restoration,
                JobState::Completed,
                Some((NoticeKind::RestoreDone, None)),
            ),
            (
                JobKind::Restoration,
                JobState::Failed,
                Some((NoticeKind::RestoreFailed, None)),
            ),
            (JobKind::Restoration, JobState::Canceled, None),
            (
                JobKind::Undo,
                JobState::Completed,
                Some((NoticeKind::UndoDone, None)),
            ),
            (
                JobKind::Undo,
                JobState::Failed,
                Some((NoticeKind::UndoFailed, None)),
            ),
            (
                JobKind::Verification,
                JobState::Completed,
                Some((NoticeKind::VerificationDone, None)),
            ),
            (
                JobKind::Verification,
                JobState::Failed,
                Some((NoticeKind::VerificationFailed, None)),
            ),
            (JobKind::Verification, JobState::Canceled, None),
        ] {
            let notice = see(&mut acquainted(), &ended(kind, state));
            let told = notice.map(|notice| (notice.subject.kind, notice.button));
            assert_eq!(told, expected, "{kind:?} {state:?}");
        }
    }

    #[test]
    fn a_job_is_told_once_however_often_it_is_seen() {
        let mut notices = acquainted();
        assert_eq!(see(&mut notices, &samples::job("b1")), None);
        let done = ended(JobKind::Creation, JobState::Completed);
        assert!(see(&mut notices, &done).is_some());
        assert_eq!(see(&mut notices, &done), None);
    }

    #[test]
    fn a_job_that_was_never_seen_running_is_told_all_the_same() {
        let done = ended(JobKind::Creation, JobState::Completed);
        assert!(see(&mut acquainted(), &done).is_some());
    }

    #[test]
    fn what_ended_before_the_service_was_known_is_no_news() {
        let done = ended(JobKind::Creation, JobState::Completed);
        let mut notices = Notices::default();
        assert_eq!(see(&mut notices, &done), None);
        let mut notices = acquainted();
        notices.forget();
        assert_eq!(see(&mut notices, &done), None);
    }

    #[test]
    fn nothing_is_told_to_somebody_who_looks_at_it_not_even_later() {
        let done = ended(JobKind::Creation, JobState::Completed);
        let mut notices = acquainted();
        let watched = Moment {
            job: Some(&done),
            watched: true,
            ..Moment::default()
        };
        assert_eq!(notices.observe(watched), None);
        assert_eq!(see(&mut notices, &done), None);
    }

    #[test]
    fn the_same_backup_restored_again_is_another_incident() {
        let mut notices = acquainted();
        let first = ended(JobKind::Restoration, JobState::Completed);
        let again = Job {
            started: first.started + TimeDelta::minutes(1),
            ..first.clone()
        };
        assert!(see(&mut notices, &first).is_some());
        assert!(see(&mut notices, &again).is_some());
    }

    fn undo_at_noon() -> UndoState {
        UndoState {
            backup: "b1".into(),
            restored: samples::noon(),
            assets: 12,
            bytes: 900,
            sources: Vec::new(),
        }
    }

    #[test]
    fn a_restore_that_can_be_undone_says_which_one_it_was() {
        let done = ended(JobKind::Restoration, JobState::Completed);
        let undo = undo_at_noon();
        let moment = Moment {
            job: Some(&done),
            undo: Some(&undo),
            ..Moment::default()
        };
        let notice = acquainted().observe(moment).unwrap();
        assert_eq!(notice.button, Some(Button::Undo));
        assert_eq!(notice.subject.restored, Some(samples::noon()));
        assert!(notice.body.contains("12 items"), "{}", notice.body);
    }

    #[test]
    fn a_restore_that_replaced_nothing_offers_no_undo_of_an_earlier_one() {
        let done = ended(JobKind::Restoration, JobState::Completed);
        let earlier = UndoState {
            restored: done.started - TimeDelta::hours(1),
            ..undo_at_noon()
        };
        let moment = Moment {
            job: Some(&done),
            undo: Some(&earlier),
            ..Moment::default()
        };
        let notice = acquainted().observe(moment).unwrap();
        assert_eq!((notice.button, notice.subject.restored), (None, None));
        assert!(!notice.body.contains("12 items"), "{}", notice.body);
    }

    #[test]
    fn a_restore_into_a_folder_says_where_and_offers_no_undo_of_another_one() {
        let done = Job {
            restores: Some(Restore {
                what: What::Everything,
                folder: Some("/tmp/looked-at".into()),
            }),
            ..ended(JobKind::Restoration, JobState::Completed)
        };
        let earlier = undo_at_noon();
        let moment = Moment {
            job: Some(&done),
            undo: Some(&earlier),
            ..Moment::default()
        };
        let notice = acquainted().observe(moment).unwrap();
        assert_eq!((notice.button, notice.subject.restored), (None, None));
        assert!(notice.body.contains("/tmp/looked-at"), "{}", notice.body);
    }
}
