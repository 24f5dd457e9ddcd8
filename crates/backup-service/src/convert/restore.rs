//! Restores, what they would do, and what a verification found.

use backup_api::{
    DamagedBackup, Depth, PartPreview, Preview, Restore, UndoState, VerifyReport, What,
};
use backup_engine::{Place, RestorePreview, RestoreRequest, UndoRecord};

use super::content::{difference, shown};
use crate::error::problem_of;

pub(crate) fn undo(record: UndoRecord) -> UndoState {
    UndoState {
        backup: record.backup.to_string(),
        restored: record.restored,
        assets: record.assets,
        bytes: record.bytes,
        sources: record.sources,
    }
}

pub(crate) fn preview(preview: RestorePreview) -> Preview {
    let problem = (preview.free_bytes < preview.needed_bytes).then(|| {
        let (needed, free) = (preview.needed_bytes, preview.free_bytes);
        problem_of(&backup_engine::Error::NoSpace { needed, free })
    });
    Preview {
        details: super::details(&preview.record),
        library: super::library(preview.library),
        newer: preview.newer,
        newer_names: preview.newer_names,
        needed_bytes: preview.needed_bytes,
        free_bytes: preview.free_bytes,
        parts: preview.parts.into_iter().map(part).collect(),
        in_use_by: preview.in_use_by,
        problem,
    }
}

fn part(part: backup_engine::PartPreview) -> PartPreview {
    PartPreview {
        source: part.source,
        moved_to: part.moved_to,
        added: part.added,
        changed: part.changed,
        removed: part.removed,
        fetched_bytes: part.fetched_bytes,
        examples: part.examples.into_iter().map(difference).collect(),
    }
}

/// A restore as it was asked for.
pub(crate) fn restores(request: &RestoreRequest) -> Restore {
    Restore {
        what: match &request.what {
            backup_engine::What::Everything => What::Everything,
            backup_engine::What::Library => What::Library,
            backup_engine::What::Source(id) => What::Source(id.clone()),
            backup_engine::What::Paths(paths) => What::Paths(paths.clone()),
        },
        folder: match &request.place {
            Place::InPlace => None,
            Place::Folder(folder) => Some(shown(folder)),
        },
    }
}

pub(crate) fn depth(depth: Depth) -> backup_engine::Depth {
    match depth {
        Depth::Quick => backup_engine::Depth::Quick,
        Depth::Full => backup_engine::Depth::Full,
        Depth::Rehearsal => backup_engine::Depth::Rehearsal,
    }
}

pub(crate) fn verify_report(report: backup_engine::VerifyReport) -> VerifyReport {
    let damaged = report.damaged.into_iter();
    VerifyReport {
        depth: match report.depth {
            backup_engine::Depth::Quick => Depth::Quick,
            backup_engine::Depth::Full => Depth::Full,
            backup_engine::Depth::Rehearsal => Depth::Rehearsal,
        },
        backups: report.backups,
        bytes_read: report.bytes_read,
        damaged: damaged
            .map(|(backup, reason)| DamagedBackup {
                backup: backup.to_string(),
                reason: discreet(&reason),
            })
            .collect(),
        unreadable: report.unreadable,
    }
}

/// A reason without the places of this machine that are in it: those are for the log.
fn discreet(reason: &str) -> String {
    let is_place = |word: &str| {
        let word =
            word.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '/');
        let drive = word.as_bytes().get(1..3);
        word.starts_with('/') || word.contains("://") || matches!(drive, Some(b":\\" | b":/"))
    };
    let words = reason.split(' ');
    let words: Vec<&str> = words
        .map(|word| if is_place(word) { "…" } else { word })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_what_is_in_a_backup_and_no_place_of_this_machine() {
        for (reason, told) in [
            (
                "notes/a.txt: a chunk is missing",
                "notes/a.txt: a chunk is missing",
            ),
            ("reading `/mnt/disk/data/00` failed", "reading … failed"),
            ("https://user:password@host/repo", "…"),
            ("(C:\\backups\\data) is gone", "… is gone"),
        ] {
            assert_eq!(discreet(reason), told);
        }
    }

    #[test]
    fn records_that_cannot_be_read_are_told() {
        let found = backup_engine::VerifyReport {
            depth: backup_engine::Depth::Full,
            backups: 3,
            bytes_read: 7,
            damaged: Vec::new(),
            unreadable: 2,
        };
        assert_eq!(verify_report(found).unreadable, 2);
    }
}
