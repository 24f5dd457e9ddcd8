//! Sources, what is in a backup, and how two versions differ.

use std::path::Path;

use backup_api::{
    BackupDetails, Change, Difference, Differences, Entries, Entry, EntryKind, NewSource, Source,
    SourceKind, SourceRecord, UnreadFile,
};
use backup_engine::{BackupRecord, Page};

pub(crate) fn details(record: &BackupRecord) -> BackupDetails {
    let unread = record.sources.iter().map(|source| source.unread_count);
    BackupDetails {
        backup: super::backup(record),
        assets: record.assets,
        stored_bytes: record.stored_bytes,
        seconds: record.seconds,
        sources: record.sources.iter().map(source_record).collect(),
        unread_count: unread.sum(),
        proven: record.proven,
    }
}

fn source_record(record: &backup_engine::SourceRecord) -> SourceRecord {
    let unread = record.unread.iter().map(|file| UnreadFile {
        path: file.path.clone(),
        why: file.why.clone(),
    });
    SourceRecord {
        id: record.id.clone(),
        // What a later version made is a folder as well.
        kind: if record.kind == "pieces" {
            SourceKind::Pieces
        } else {
            SourceKind::Folder
        },
        path: record.path.clone(),
        files: record.files,
        folders: record.folders,
        bytes: record.bytes,
        databases: record.databases,
        unread: unread.collect(),
        unread_count: record.unread_count,
    }
}

pub(crate) fn source(source: &backup_engine::Source) -> Source {
    Source {
        id: source.id.as_str().to_owned(),
        kind: kind_of_source(source.kind),
        path: shown(&source.path),
        excludes: source.excludes.clone(),
    }
}

pub(crate) fn new_source(new: &backup_engine::NewSource) -> NewSource {
    NewSource {
        path: shown(&new.path),
        kind: kind_of_source(new.kind),
        excludes: new.excludes.clone(),
    }
}

fn kind_of_source(kind: backup_engine::SourceKind) -> SourceKind {
    match kind {
        backup_engine::SourceKind::Folder => SourceKind::Folder,
        backup_engine::SourceKind::Pieces => SourceKind::Pieces,
    }
}

pub(crate) fn source_kind(kind: SourceKind) -> backup_engine::SourceKind {
    match kind {
        SourceKind::Folder => backup_engine::SourceKind::Folder,
        SourceKind::Pieces => backup_engine::SourceKind::Pieces,
    }
}

/// A path of this machine, for a person.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

pub(crate) fn entries(page: Page<backup_engine::Entry>) -> Entries {
    let entry = |entry: backup_engine::Entry| Entry {
        name: entry.name,
        path: entry.path,
        kind: kind(entry.kind),
        bytes: entry.bytes,
        modified: entry.modified,
        title: entry.title,
    };
    Entries {
        items: page.items.into_iter().map(entry).collect(),
        next: page.next,
    }
}

pub(crate) fn differences(page: Page<backup_engine::Difference>) -> Differences {
    Differences {
        items: page.items.into_iter().map(difference).collect(),
        next: page.next,
    }
}

pub(super) fn difference(difference: backup_engine::Difference) -> Difference {
    Difference {
        path: difference.path,
        title: difference.title,
        kind: kind(difference.kind),
        change: match difference.change {
            backup_engine::Change::Added => Change::Added,
            backup_engine::Change::Changed => Change::Changed,
            backup_engine::Change::Removed => Change::Removed,
        },
        bytes_before: difference.bytes_before,
        bytes_after: difference.bytes_after,
    }
}

fn kind(kind: backup_engine::EntryKind) -> EntryKind {
    match kind {
        backup_engine::EntryKind::Folder => EntryKind::Folder,
        backup_engine::EntryKind::File => EntryKind::File,
        backup_engine::EntryKind::Database => EntryKind::Database,
        backup_engine::EntryKind::Link => EntryKind::Link,
        backup_engine::EntryKind::Special => EntryKind::Special,
        backup_engine::EntryKind::Item => EntryKind::Item,
    }
}
