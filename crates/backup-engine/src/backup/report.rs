//! What a backup says of each of its sources.

use std::path::Path;

use super::ends::Sums;
use crate::destination::{Catalog, SourceRecord, UnreadFile};
use crate::names::escape;
use crate::sources::{FolderSources, Missing};

/// Names each source that has nothing to back up and had in an earlier backup of this device: where a disk is not mounted,
/// an empty folder is in its place, which can be read as well as any other.
pub(super) fn note_emptied(sources: &FolderSources, catalog: &Catalog, device_name: &str) {
    for (source, counts, unread) in sources.reports() {
        let inside = counts.folders.saturating_sub(1);
        let entries = inside + counts.files + counts.others + counts.databases;
        if entries > 0 || unread.count() > 0 {
            continue;
        }
        let before = catalog.last_files(device_name, source.id.as_str());
        if before > 0 {
            let id = Path::new(source.id.as_str());
            let files = if before == 1 {
                "file was"
            } else {
                "files were"
            };
            let why = format!("nothing is in it, and {before} {files} before: is its disk there?");
            unread.note(id, why);
        }
    }
}

/// In the order of their ids.
pub(super) fn records(
    sources: &FolderSources,
    sums: &Sums,
    missing: &[Missing],
) -> Vec<SourceRecord> {
    let there = sources.reports().map(|(source, counts, unread)| {
        let databases = sums.of(source.id.as_str());
        let named = unread.first(SourceRecord::UNREAD_NAMED).into_iter();
        SourceRecord {
            id: source.id.to_string(),
            kind: source.kind.name().to_owned(),
            path: escape(&source.path),
            excludes: Some(source.excludes.clone()),
            files: counts.stored_files() + counts.others,
            folders: counts.folders,
            bytes: counts.bytes + databases.bytes,
            databases: databases.databases,
            unread: named
                .map(|item| UnreadFile {
                    path: item.path,
                    why: item.why,
                    missing: item.is_missing,
                })
                .collect(),
            unread_count: unread.count(),
        }
    });
    let away = missing.iter().map(|missing| SourceRecord {
        id: missing.source.id.to_string(),
        kind: missing.source.kind.name().to_owned(),
        path: escape(&missing.source.path),
        unread: vec![UnreadFile {
            path: missing.source.id.to_string(),
            why: missing.why.clone(),
            missing: true,
        }],
        unread_count: 1,
        ..SourceRecord::default()
    });
    let mut records: Vec<_> = there.chain(away).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    records
}
