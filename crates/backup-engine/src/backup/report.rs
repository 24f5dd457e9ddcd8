//! What a backup says of each of its sources.

use super::ends::Sums;
use crate::destination::{SourceRecord, UnreadFile};
use crate::names::escape;
use crate::sources::{FolderSources, Missing};

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
            files: counts.stored_files() + counts.others,
            folders: counts.folders,
            bytes: counts.bytes + databases.bytes,
            databases: databases.databases,
            unread: named
                .map(|item| UnreadFile {
                    path: item.path,
                    why: item.why,
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
        }],
        unread_count: 1,
        ..SourceRecord::default()
    });
    let mut records: Vec<_> = there.chain(away).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    records
}
