//! Sizes, times and lists for a person.

mod content;

use backup_api::{Backup, BackupDetails, Job, JobKind, Overview, UndoState};
use chrono::{DateTime, Local, Utc};

pub use content::{difference, entry, preview, sources, unread};

/// In powers of ten, as disks are sold and file managers count.
pub fn size(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        (value, unit) = (value / 1_000.0, unit + 1);
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// With separators: 4,212.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With their number: 1 item, 4,212 items.
pub fn items(number: u64) -> String {
    counted(number, "item")
}

pub fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

/// A name from elsewhere, without what would change more of a terminal than one line.
pub fn safe(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        // The marks that turn the direction of what follows are no control characters.
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    safe
}

pub fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    match seconds as u64 {
        0..=9 => format!("{seconds:.1} s"),
        10..=119 => format!("{seconds:.0} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// `details` says which of them have been proven.
pub fn backups(backups: &[Backup], details: &[BackupDetails]) -> String {
    if backups.is_empty() {
        return "There are no backups yet. Make one with: holdfast backup\n".into();
    }
    let width = backups
        .iter()
        .map(|backup| backup.id.len())
        .max()
        .unwrap_or(0);
    let line = |backup: &Backup| {
        let (at, bytes) = (time(backup.created.value), size(backup.bytes));
        let found = details
            .iter()
            .find(|details| details.backup.id == backup.id);
        let proven = found.and_then(|details| details.proven);
        let proven = proven.map_or(String::new(), |at| format!("  proven {}", time(at)));
        format!(
            "{:width$}  {at}  {bytes:>9}  {}{proven}\n",
            safe(&backup.id),
            safe(&backup.device_name)
        )
    };
    backups.iter().map(line).collect()
}

pub fn backup(backup: &Backup, details: Option<&BackupDetails>) -> String {
    let mut text = format!(
        "{}\n  made      {}\n  by        {} ({:?}), version {}\n  restores  {}\n",
        safe(&backup.id),
        time(backup.created.value),
        safe(&backup.device_name),
        backup.platform,
        safe(&backup.version),
        size(backup.bytes)
    );
    if let Some(details) = details {
        text += &format!(
            "  items     {}\n  stored    {} new\n",
            count(details.assets),
            size(details.stored_bytes)
        );
        text += &format!("  took      {}\n", duration(details.seconds));
        if let Some(at) = details.proven {
            text += &format!("  proven    {}\n", time(at));
        }
        for source in &details.sources {
            text += &content::source_record(source);
        }
    }
    text
}

pub fn overview(overview: &Overview) -> String {
    let last = match &overview.last_backup {
        Some(details) => format!(
            "{}, {}",
            safe(&details.backup.id),
            time(details.backup.created.value)
        ),
        None => "none yet".into(),
    };
    let mut text = format!(
        "library      {}, {}\nlast backup  {last}\ndestination  {}\n",
        items(overview.library.assets),
        size(overview.library.bytes),
        safe(&overview.destination.place)
    );
    if let Some(backups) = overview.backups {
        let stored = overview.destination.stored_bytes.unwrap_or(0);
        text += &format!(
            "             {} in {}\n",
            counted(backups, "backup"),
            size(stored)
        );
    }
    if let Some(problem) = &overview.destination.problem {
        let (message, fix) = (safe(&problem.message), safe(&problem.fix));
        text += &format!("             {message} {fix}\n");
    }
    if let Some(free) = overview.destination.free_bytes {
        text += &format!("             {} free\n", size(free));
    }
    text += &format!("key          {}\n", key(overview.key));
    if let Some(undo) = &overview.undo {
        text += &format!(
            "undo         brings back {} from before the restore\n",
            self::undo(undo)
        );
    }
    if let Some(job) = overview.job.as_ref().filter(|job| !job.state.is_terminal()) {
        text += &format!("running      {}\n", running(job));
    }
    text
}

/// What it would bring back. The number of items is that of the library, which need not be among it.
fn undo(undo: &UndoState) -> String {
    let named = undo.sources.iter().map(|source| match source.as_str() {
        "library" => items(undo.assets),
        source => safe(source),
    });
    match undo.sources.as_slice() {
        [] => items(undo.assets),
        _ => named.collect::<Vec<_>>().join(", "),
    }
}

fn running(job: &Job) -> String {
    let what = match job.kind {
        JobKind::Creation => "backup",
        JobKind::Restoration => "restore of",
        JobKind::Undo => "undoing the restore of",
        JobKind::Verification if job.backup.is_empty() => "verification of all backups",
        JobKind::Verification => "verification of",
    };
    let percentage = job.progress.percentage;
    let (backup, id) = (safe(&job.backup), safe(&job.id));
    format!("{what} {backup}, {percentage:.0}% ({id})").replace(" ,", ",")
}

fn key(key: backup_api::KeyProtection) -> &'static str {
    use backup_api::KeyProtection::{Keychain, Missing, NotYet, Passphrase, Unprotected};
    match key {
        Keychain => "in the keychain",
        Passphrase => "protected with a passphrase",
        Unprotected => "The key is not protected: set a passphrase with --passphrase-file",
        Missing => "not available",
        NotYet => "made with the first backup",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_undo_brings_back_is_named() {
        let undo = |sources: &[&str]| {
            undo(&UndoState {
                backup: "b1".into(),
                restored: Utc::now(),
                assets: 12,
                bytes: 900,
                sources: sources.iter().map(|&source| source.into()).collect(),
            })
        };
        assert_eq!(undo(&[]), "12 items");
        assert_eq!(undo(&["library"]), "12 items");
        assert_eq!(undo(&["library", "notes"]), "12 items, notes");
        assert_eq!(undo(&["notes", "music"]), "notes, music");
    }

    #[test]
    fn sizes_and_counts_are_those_a_person_expects() {
        assert_eq!(
            [0, 999, 1_000, 999_499, 999_950, 5_100_000_000].map(size),
            [
                "0 bytes",
                "999 bytes",
                "1.0 kB",
                "999 kB",
                "1.0 MB",
                "5.1 GB"
            ]
        );
        assert_eq!(
            [0, 999, 4_212, 1_234_567].map(count),
            ["0", "999", "4,212", "1,234,567"]
        );
    }
}
