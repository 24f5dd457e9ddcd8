//! The texts of notices: what happened, and what it means for the data.

use backup_api::{BackupDetails, Depth, Problem, Restore, UndoState, VerifyReport};

use super::NoticeKind;

/// What is known of what is told.
#[derive(Clone, Copy, Default)]
pub(super) struct Told<'a> {
    pub problem: Option<&'a Problem>,
    pub made: Option<&'a BackupDetails>,
    pub undo: Option<&'a UndoState>,
    pub restores: Option<&'a Restore>,
    pub report: Option<&'a VerifyReport>,
}

/// Title and body.
pub(super) fn of(kind: NoticeKind, told: Told) -> (String, String) {
    let Told { problem, .. } = told;
    let (title, body) = match kind {
        NoticeKind::BackupDone => ("Backup finished", made(told.made)),
        NoticeKind::RestoreDone => ("Restore finished", restored(told)),
        NoticeKind::UndoDone => (
            "Restore undone",
            "Everything is as it was before the restore.".to_owned(),
        ),
        NoticeKind::VerificationDone => verified(told.report),
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

fn made(made: Option<&BackupDetails>) -> String {
    let Some(made) = made else {
        return "Everything in the library is in it.".to_owned();
    };
    match made.unread_count {
        0 => contents(made),
        unread => {
            let entries = if unread == 1 {
                "file or folder"
            } else {
                "files or folders"
            };
            let unread = separated(unread);
            format!(
                "{} {unread} {entries} could not be read whole.",
                contents(made)
            )
        }
    }
}

fn restored(told: Told) -> String {
    if let Some(folder) = told.restores.and_then(|restore| restore.folder.as_ref()) {
        return format!("It is in the folder {folder}. Nothing was replaced.");
    }
    told.undo.map_or(
        "What was restored is as it was in the backup.".to_owned(),
        kept,
    )
}

fn verified(report: Option<&VerifyReport>) -> (&'static str, String) {
    let Some(report) = report else {
        return ("Backups checked", "No damage was found.".to_owned());
    };
    let backups = match report.backups {
        1 => "1 backup".to_owned(),
        many => format!("{} backups", separated(many)),
    };
    match report.depth {
        Depth::Quick => (
            "Backups checked",
            format!("Everything is there that {backups} should hold."),
        ),
        Depth::Full => (
            "Backups checked",
            format!("Every byte of {backups} was read and is as it should be."),
        ),
        Depth::Rehearsal => (
            "Proven restorable",
            format!("The restore of {backups} was rehearsed, and every byte compared."),
        ),
    }
}

fn contents(made: &BackupDetails) -> String {
    format!(
        "{}, {}. It added {} to the destination.",
        items(made.assets),
        size(made.backup.bytes),
        size(made.stored_bytes)
    )
}

/// The number of items is that of the library, which need not be among what was replaced.
fn kept(undo: &UndoState) -> String {
    let mut parts = undo.sources.clone();
    if parts.is_empty() {
        parts.push("library".to_owned());
    }
    let named = parts.into_iter().map(|part| match part.as_str() {
        "library" => items(undo.assets),
        _ => part,
    });
    let named = named.collect::<Vec<_>>().join(", ");
    format!("What was there before ({named}) is kept and can be brought back.")
}

fn damaged(problem: Option<&Problem>) -> bool {
    let codes = ["damaged", "damaged-records"];
    problem.is_some_and(|problem| codes.contains(&problem.code.as_str()))
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
        let told = Told {
            made: Some(&made),
            ..Told::default()
        };
        let (_, body) = of(NoticeKind::BackupDone, told);
        assert_eq!(
            body,
            "4,212 items, 312.5 MB. It added 2.1 MB to the destination."
        );
    }

    #[test]
    fn a_finished_backup_says_how_many_files_it_could_not_read() {
        let made = BackupDetails {
            unread_count: 1200,
            ..samples::details("b1")
        };
        let told = Told {
            made: Some(&made),
            ..Told::default()
        };
        let (_, body) = of(NoticeKind::BackupDone, told);
        assert!(
            body.ends_with(" 1,200 files or folders could not be read whole."),
            "{body}"
        );
    }

    #[test]
    fn a_check_says_how_much_of_how_many_backups_is_proven() {
        let proven = |depth, backups| {
            let report = VerifyReport {
                depth,
                backups,
                bytes_read: 7,
                damaged: Vec::new(),
                unreadable: 0,
            };
            let told = Told {
                report: Some(&report),
                ..Told::default()
            };
            of(NoticeKind::VerificationDone, told)
        };
        let (title, body) = proven(Depth::Rehearsal, 1);
        assert_eq!(title, "Proven restorable");
        assert!(body.contains("1 backup was rehearsed"), "{body}");
        let (title, body) = proven(Depth::Full, 1234);
        assert_eq!(title, "Backups checked");
        assert!(body.contains("1,234 backups"), "{body}");
    }

    #[test]
    fn what_is_kept_is_named_and_of_the_library_counted() {
        let kept = |sources: &[&str]| {
            kept(&UndoState {
                backup: "b1".into(),
                restored: samples::noon(),
                assets: 12,
                bytes: 900,
                sources: sources.iter().map(|&source| source.into()).collect(),
            })
        };
        for sources in [&[][..], &["library"]] {
            assert!(kept(sources).contains("(12 items)"), "{sources:?}");
        }
        assert!(kept(&["library", "notes"]).contains("(12 items, notes)"));
        assert!(kept(&["notes", "music"]).contains("(notes, music)"));
    }

    #[test]
    fn a_failure_says_why_and_what_to_do() {
        let problem = samples::problem("destination-full");
        let told = Told {
            problem: Some(&problem),
            ..Told::default()
        };
        let (_, body) = of(NoticeKind::BackupFailed, told);
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
