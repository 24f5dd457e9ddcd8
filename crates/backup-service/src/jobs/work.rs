//! What a job does: one call of the engine, and what came of it.

use backup_api::{Problem, VerifyReport};
use backup_engine::{BackupId, Engine, Error, Outcome, Watch};

use super::Request;
use crate::convert;

/// How a job ends.
pub(super) enum End {
    Completed,
    Canceled,
    Failed(Problem),
    Verified(VerifyReport),
    /// A verification that was carried out, and found what nobody must take for good news.
    Damaged(Problem, VerifyReport),
}

/// `backup` is the id that the job was given for a backup to come.
pub(super) fn run(
    engine: &Engine,
    request: Request,
    backup: &str,
    watch: &Watch,
) -> Result<End, Error> {
    match request {
        Request::Creation(upload) => {
            if watch.is_canceled() {
                return Ok(End::Canceled);
            }
            upload.put(engine)?;
            let id = BackupId::parse(backup)
                .ok_or_else(|| Error::Panicked("its own id does not read".into()))?;
            engine.back_up(&id, watch).map(end)
        }
        Request::Restoration(asked) => engine.restore(&asked, watch).map(end),
        Request::Undo => engine.undo(watch).map(end),
        Request::Verification { backup, depth } => {
            let outcome = engine.verify(backup.as_ref(), depth, watch)?;
            Ok(match outcome {
                Outcome::Completed(report) => verified(convert::verify_report(report)),
                Outcome::Canceled => End::Canceled,
            })
        }
    }
}

fn end<T>(outcome: Outcome<T>) -> End {
    match outcome {
        Outcome::Completed(_) => End::Completed,
        Outcome::Canceled => End::Canceled,
    }
}

/// How many damaged backups are named in a sentence; the report names all.
const NAMED: usize = 3;

fn verified(report: VerifyReport) -> End {
    let (code, message) = match (report.damaged.is_empty(), unreadable(&report)) {
        (true, None) => return End::Verified(report),
        (true, Some(records)) => ("damaged-records", records),
        (false, None) => ("damaged", damage(&report)),
        (false, Some(records)) => ("damaged", format!("{} {records}", damage(&report))),
    };
    let problem = Problem {
        code: code.into(),
        message,
        fix: "Check the disk of the destination, and make a new backup: it stores again what is damaged and still exists.".into(),
    };
    End::Damaged(problem, report)
}

/// In the words of the error that a list of them would be.
fn unreadable(report: &VerifyReport) -> Option<String> {
    let count = usize::try_from(report.unreadable).unwrap_or(usize::MAX);
    (count > 0).then(|| Error::DamagedRecords(count).message())
}

fn damage(report: &VerifyReport) -> String {
    let damaged = report.damaged.iter();
    let names: Vec<&str> = damaged.map(|damaged| damaged.backup.as_str()).collect();
    if let [one] = names[..]
        && report.backups <= 1
    {
        return format!("The backup {one} is damaged and cannot be restored whole.");
    }
    let count = names.len();
    let verb = if count == 1 { "is" } else { "are" };
    let more = match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{count} of {} backups {verb} damaged and cannot be restored whole: {}{more}.",
        report.backups.max(count as u64),
        names[..count.min(NAMED)].join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use backup_api::{DamagedBackup, Depth};

    fn of(damaged: usize, backups: u64) -> End {
        with_unreadable(damaged, backups, 0)
    }

    fn with_unreadable(damaged: usize, backups: u64, unreadable: u64) -> End {
        verified(VerifyReport {
            unreadable,
            depth: Depth::Full,
            backups,
            bytes_read: 7,
            damaged: (1..=damaged)
                .map(|number| DamagedBackup {
                    backup: format!("b{number}"),
                    reason: "a chunk is missing".into(),
                })
                .collect(),
        })
    }

    #[test]
    fn damage_is_a_failure_that_names_the_backups_and_keeps_the_report() {
        assert!(matches!(of(0, 5), End::Verified(_)));
        for (damaged, backups, says) in [
            (1, 1, "The backup b1 is damaged"),
            (
                1,
                5,
                "1 of 5 backups is damaged and cannot be restored whole: b1.",
            ),
            (
                3,
                5,
                "3 of 5 backups are damaged and cannot be restored whole: b1, b2, b3.",
            ),
            (5, 9, "whole: b1, b2, b3 and 2 more."),
        ] {
            let End::Damaged(problem, report) = of(damaged, backups) else {
                panic!("{damaged} damaged backups are good news");
            };
            assert!(
                problem.message.contains(says),
                "{says} is not in {problem:?}"
            );
            assert_eq!(problem.code, "damaged");
            assert!(problem.fix.contains("stores again"), "{problem:?}");
            assert_eq!((report.damaged.len(), report.bytes_read), (damaged, 7));
        }
    }

    #[test]
    fn records_that_cannot_be_read_are_damage_too() {
        for (damaged, code) in [(0, "damaged-records"), (2, "damaged")] {
            let End::Damaged(problem, report) = with_unreadable(damaged, 5, 3) else {
                panic!("records that cannot be read are good news");
            };
            assert_eq!((problem.code.as_str(), report.unreadable), (code, 3));
            let says = "The records of 3 backups cannot be read";
            assert!(problem.message.contains(says), "{problem:?}");
        }
    }
}
