//! Folders beside the library, what is in backups, and checks of them, as the manager asks for them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::{
    BackupDetails, Depth, NewSource, Restore, SourceChange, SourceKind, SourceRecord, UnreadFile,
    Verify, What,
};
use common::samples::details;
use common::{Fake, connected, connected_plain, timings};

fn folder(path: &str) -> NewSource {
    NewSource {
        path: path.into(),
        kind: SourceKind::Folder,
        excludes: Vec::new(),
    }
}

fn library() -> Restore {
    Restore {
        what: What::Library,
        folder: None,
    }
}

fn of_notes() -> BackupDetails {
    let unread = |name: &str| UnreadFile {
        path: name.into(),
        why: "permission denied".into(),
    };
    BackupDetails {
        sources: vec![SourceRecord {
            id: "notes".into(),
            kind: SourceKind::Folder,
            path: "/home/ada/notes".into(),
            files: 12,
            folders: 3,
            bytes: 900,
            databases: 1,
            unread: vec![unread("a"), unread("b")],
            unread_count: 2,
        }],
        unread_count: 2,
        ..details("b1")
    }
}

#[tokio::test]
async fn the_list_counts_what_could_not_be_read_and_one_backup_names_it() {
    let fake = Fake::extended();
    fake.set(|answers| answers.details = Ok(vec![of_notes()]));
    let (desk, _overviews) = connected(&fake, timings()).await;
    let rows = desk.manager.backups().await.unwrap();
    assert_eq!(rows[0].unread_count, 2);
    assert_eq!(rows[0].sources[0].unread_count, 2);
    assert!(rows[0].sources[0].unread.is_empty());
    let sources = desk.manager.backup_sources("b1").await.unwrap();
    assert_eq!(sources, of_notes().sources);
    let unknown = desk.manager.backup_sources("b9").await.unwrap_err();
    assert_eq!(unknown.code, "unknown-backup");
}

#[tokio::test]
async fn folders_are_added_and_removed_and_a_refusal_is_told_as_the_service_says_it() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    let added = desk.manager.add_source(folder("/home/ada/code")).await;
    assert_eq!(added.unwrap().path, "/home/ada/code");
    let refused = desk.manager.add_source(folder("/refused")).await;
    assert_eq!(refused.unwrap_err().code, "bad-source");
    assert_eq!(desk.manager.sources().await.unwrap().items[0].id, "notes");
    let change = SourceChange {
        excludes: vec!["*.tmp".into()],
    };
    let changed = desk.manager.change_source("notes", change).await.unwrap();
    assert_eq!(changed.excludes, ["*.tmp"]);
    desk.manager.remove_source("notes").await.unwrap();
    assert_eq!(fake.count("remove_source"), 1);
}

#[tokio::test]
async fn a_folder_of_a_backup_is_read_page_by_page() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    let first = desk.manager.entries("b1", "notes", None).await.unwrap();
    assert_eq!(first.items[0].path, "notes");
    let next = first.next.as_deref();
    let last = desk.manager.entries("b1", "notes", next).await.unwrap();
    assert_eq!(last.next, None);
    let gone = desk.manager.entries("b1", "gone", None).await.unwrap_err();
    assert_eq!(gone.code, "no-such-path");
}

#[tokio::test]
async fn checks_and_chosen_restores_return_when_they_have_begun() {
    let fake = Fake::extended();
    let (desk, _overviews) = connected(&fake, timings()).await;
    let verify = Verify {
        backup: Some("b1".into()),
        depth: Depth::Rehearsal,
    };
    assert_eq!(desk.manager.verify(verify).await, Ok(()));
    let preview = desk.manager.preview_parts("b1", &library()).await.unwrap();
    assert_eq!(preview.details.backup.id, "b1");
    assert_eq!(desk.manager.restore_parts("b1", library()).await, Ok(()));
    assert_eq!(
        (fake.count("begin_verify"), fake.count("begin_restore")),
        (1, 1)
    );
}

#[tokio::test]
async fn a_service_without_the_extensions_is_not_asked_for_them() {
    let fake = Fake::plain();
    let (desk, _progress) = connected_plain(&fake, timings()).await;
    let manager = &desk.manager;
    let verify = Verify {
        backup: None,
        depth: Depth::Quick,
    };
    for refused in [
        manager.sources().await.map(drop),
        manager.add_source(folder("/home/ada")).await.map(drop),
        manager.remove_source("notes").await,
        manager.backup_sources("b1").await.map(drop),
        manager.entries("b1", "", None).await.map(drop),
        manager.changes_since("b1", None).await.map(drop),
        manager.verify(verify).await,
        manager.preview_parts("b1", &library()).await.map(drop),
        manager.restore_parts("b1", library()).await,
    ] {
        assert_eq!(refused.unwrap_err().code, "unsupported");
    }
    for call in ["sources", "add_source", "details", "begin_restore"] {
        assert_eq!(fake.count(call), 0, "{call}");
    }
}
