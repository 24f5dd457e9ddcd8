//! How things are, in one word and a tone. A pure function of what is known.

use backup_api::{DestinationState, Job, JobState, KeyProtection, Problem};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{ConnectionStatus, Summary, SummaryCode, Tone};

/// A last backup older than this is worth a word.
const LONG_AGO: TimeDelta = TimeDelta::days(7);
/// The code with which a service says that its key is not available.
const LOCKED: &str = "locked";
/// The codes with which it says that something in the destination cannot be read.
const DAMAGED: [&str; 2] = ["damaged", "damaged-records"];

/// What the summary is made of.
pub(crate) struct Facts<'a> {
    pub status: ConnectionStatus,
    pub problem: Option<&'a Problem>,
    pub job: Option<&'a Job>,
    /// Something to know about the job that runs.
    pub warning: Option<Problem>,
    pub key: Option<KeyProtection>,
    pub destination: Option<&'a DestinationState>,
    pub last_backup: Option<DateTime<Utc>>,
    /// Whether something could not be read for it.
    pub incomplete: bool,
    /// Whether it is known which backups there are.
    pub listed: bool,
    pub now: DateTime<Utc>,
}

pub(crate) fn summary(facts: Facts) -> Summary {
    let (code, tone, problem) = judge(&facts);
    Summary {
        code,
        tone,
        since: facts.last_backup,
        problem,
    }
}

fn judge(facts: &Facts) -> (SummaryCode, Tone, Option<Problem>) {
    use SummaryCode::*;
    match facts.status {
        ConnectionStatus::Connecting => return (Disconnected, Tone::Working, None),
        ConnectionStatus::Lost => return (Disconnected, Tone::Bad, facts.problem.cloned()),
        ConnectionStatus::Connected => (),
    }
    if facts.job.is_some_and(|job| !job.state.is_terminal()) {
        return (Working, Tone::Working, facts.warning.clone());
    }
    let unusable = facts
        .destination
        .and_then(|destination| destination.problem.as_ref());
    let locked = unusable.is_some_and(|problem| problem.code == LOCKED);
    if locked || facts.key == Some(KeyProtection::Missing) {
        return (Locked, Tone::Bad, unusable.cloned());
    }
    if let Some(problem) = unusable {
        let damaged = DAMAGED.contains(&problem.code.as_str());
        let code = if damaged {
            DestinationDamaged
        } else {
            DestinationUnreachable
        };
        return (code, Tone::Bad, Some(problem.clone()));
    }
    if let Some(job) = facts.job.filter(|job| job.state == JobState::Failed) {
        return (LastFailed, Tone::Bad, job.problem.clone());
    }
    match facts.last_backup {
        Some(made) if facts.now - made > LONG_AGO => (Stale, Tone::Attention, None),
        // What is in it is protected; what is missing is said beside it.
        Some(_) if facts.incomplete => (Protected, Tone::Attention, None),
        Some(_) => (Protected, Tone::Good, None),
        None if facts.listed => (FirstStart, Tone::Attention, None),
        // Connected, but the service cannot say what it has.
        None => (DestinationUnreachable, Tone::Bad, facts.problem.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn facts<'a>() -> Facts<'a> {
        Facts {
            status: ConnectionStatus::Connected,
            problem: None,
            job: None,
            warning: None,
            key: Some(KeyProtection::Keychain),
            destination: None,
            last_backup: None,
            incomplete: false,
            listed: true,
            now: samples::noon(),
        }
    }

    fn code(facts: Facts) -> SummaryCode {
        summary(facts).code
    }

    #[test]
    fn without_a_backup_it_is_the_first_start() {
        assert_eq!(code(facts()), SummaryCode::FirstStart);
    }

    #[test]
    fn a_backup_protects_for_a_week() {
        let made = |ago| Facts {
            last_backup: Some(samples::noon() - ago),
            ..facts()
        };
        assert_eq!(code(made(TimeDelta::days(7))), SummaryCode::Protected);
        assert_eq!(code(made(TimeDelta::days(8))), SummaryCode::Stale);
    }

    #[test]
    fn a_backup_that_lacks_something_is_worth_a_look() {
        for (incomplete, tone) in [(false, Tone::Good), (true, Tone::Attention)] {
            let made = Facts {
                last_backup: Some(samples::noon()),
                incomplete,
                ..facts()
            };
            assert_eq!(summary(made).tone, tone);
        }
    }

    #[test]
    fn a_failed_job_counts_until_another_one_ran() {
        let mut job = samples::job("b1");
        job.state = JobState::Failed;
        job.problem = Some(samples::problem("failed"));
        let failed = Facts {
            job: Some(&job),
            last_backup: Some(samples::noon()),
            ..facts()
        };
        let summary = summary(failed);
        assert_eq!(
            (summary.code, summary.tone),
            (SummaryCode::LastFailed, Tone::Bad)
        );
        assert_eq!(summary.problem, job.problem);
    }

    #[test]
    fn a_running_job_stands_before_trouble_and_carries_what_is_to_be_known_of_it() {
        let job = samples::job("b1");
        let working = Facts {
            job: Some(&job),
            warning: Some(samples::problem("stalled")),
            key: Some(KeyProtection::Missing),
            ..facts()
        };
        let summary = summary(working);
        assert_eq!(summary.code, SummaryCode::Working);
        assert_eq!(summary.problem, Some(samples::problem("stalled")));
    }

    #[test]
    fn a_destination_is_told_to_be_locked_damaged_or_not_reachable() {
        for (reason, expected) in [
            ("locked", SummaryCode::Locked),
            ("damaged-records", SummaryCode::DestinationDamaged),
            (
                "destination-unreachable",
                SummaryCode::DestinationUnreachable,
            ),
        ] {
            let destination = DestinationState {
                place: "a folder".into(),
                problem: Some(samples::problem(reason)),
                free_bytes: None,
                stored_bytes: None,
            };
            let facts = Facts {
                destination: Some(&destination),
                ..facts()
            };
            assert_eq!(code(facts), expected);
        }
    }

    #[test]
    fn without_a_connection_nothing_else_is_said() {
        let lost = Facts {
            status: ConnectionStatus::Lost,
            last_backup: Some(samples::noon()),
            ..facts()
        };
        assert_eq!(code(lost), SummaryCode::Disconnected);
    }
}
