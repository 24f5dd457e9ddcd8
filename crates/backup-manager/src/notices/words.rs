//! The texts of notices: what happened, and what it means for the data.

use backup_api::{BackupDetails, Problem, UndoState};

use super::NoticeKind;

/// Title and body.
pub(super) fn of(
    kind: NoticeKind,
    problem: Option<&Problem>,
    made: Option<&BackupDetails>,
    undo: Option<&UndoState>,
) -> (String, String) {
    let (title, body) = match kind {
        NoticeKind::BackupDone => (
            "Backup finished",
            made.map_or("Everything in the library is in it.".to_owned(), contents),
        ),
        NoticeKind::RestoreDone => (
            "Restore finished",
            undo.map_or("The library is as it was in the backup.".to_owned(), kept),
        ),
        NoticeKind::UndoDone => (
            "Restore undone",
            "The library is as it was before the restore.".to_owned(),
        ),
        NoticeKind::BackupFailed => ("Backup failed", reason(problem)),
        NoticeKind::RestoreFailed => ("Restore failed", reason(problem)),
        NoticeKind::UndoFailed => ("The restore was not undone", reason(problem)),
        NoticeKind::VerificationFailed if damaged(problem) => {
            ("Backups are damaged", reason(problem))
        }
        NoticeKind::VerificationFailed => ("The backups were not checked", reason(problem)),
    };
    (title.to_owned(), body)
}

fn contents(made: &BackupDetails) -> String {
    format!(
        "{}, {}. It added {} to the destination.",
        items(made.assets),
        size(made.backup.bytes),
        size(made.stored_bytes)
    )
}

fn kept(undo: &UndoState) -> String {
    format!(
        "What was there before ({}) is kept and can be brought back.",
        items(undo.assets)
    )
}

fn damaged(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| problem.code == "damaged")
}

fn reason(problem: Option<&Problem>) -> String {
    match problem {
        Some(problem) => format!("{} {}", problem.message, problem.fix),
        None => "The service does not say why.".to_owned(),
    }
}

fn items(count: u64) -> String {
    let items = if count == 1 { "item" } else { "items" };
    format!("{} {items}", separated(count))
}

/// 4212 → 4,212.
fn separated(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// In powers of ten, as disks are sold.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    match unit {
        "bytes" if bytes == 1 => "1 byte".to_owned(),
        "bytes" | "kB" => format!("{value:.0} {unit}"),
        _ => format!("{value:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_finished_backup_says_what_is_in_it_and_what_it_cost() {
        let made = samples::details("b1");
        let (_, body) = of(NoticeKind::BackupDone, None, Some(&made), None);
        assert_eq!(
            body,
            "4,212 items, 312.5 MB. It added 2.1 MB to the destination."
        );
    }

    #[test]
    fn a_failure_says_why_and_what_to_do() {
        let problem = samples::problem("destination-full");
        let (_, body) = of(NoticeKind::BackupFailed, Some(&problem), None, None);
        assert_eq!(body, "What happened: destination-full. What to do.");
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        let counts = [0, 1, 999, 1000, 1_234_567].map(items);
        assert_eq!(
            counts,
            [
                "0 items",
                "1 item",
                "999 items",
                "1,000 items",
                "1,234,567 items"
            ]
        );
        let sizes = [0, 1, 999, 12_345, 5_100_000_000].map(size);
        assert_eq!(sizes, ["0 bytes", "1 byte", "999 bytes", "12 kB", "5.1 GB"]);
    }
}
