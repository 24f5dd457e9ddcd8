//! Sources over HTTP, with an engine that has them: added, backed up, looked into, compared, proven and restored.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_api::{
    BackupDetails, Change, Depth, Differences, Entries, EntryKind, Job, JobKind, JobState, Preview,
    Source, SourceKind, Sources,
};
use common::*;
use serde_json::json;

/// A service with the source `notes`: two files in two folders, and one that is left out.
async fn with_notes() -> (Service, PathBuf) {
    let service = Service::start().await;
    service.fill(20, 100);
    let notes = service.home.data().parent().unwrap().join("notes");
    fs::create_dir_all(notes.join("deep")).unwrap();
    fs::write(notes.join("today.md"), "as it was\n").unwrap();
    fs::write(notes.join("deep/large"), text(7, 300_000)).unwrap();
    fs::write(notes.join("left.tmp"), "left out").unwrap();
    let body = json!({"path": notes, "excludes": ["*.tmp"]}).to_string();
    let added = service.post_json("/holdfast/sources", body).await;
    assert_eq!(added.status, 200, "{added:?}");
    let added: Source = added.json();
    assert_eq!(
        (added.id.as_str(), added.kind),
        ("notes", SourceKind::Folder)
    );
    (service, notes)
}

async fn ended(service: &Service, path: &str, body: String) -> Job {
    let begun = service.post_json(path, body).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let begun: Job = begun.json();
    let until = async {
        loop {
            let path = format!("/holdfast/jobs/{}", begun.id);
            let job: Job = service.get(&path).await.json();
            if job.state.is_terminal() {
                return job;
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, until).await;
    ended.expect("it does not end")
}

async fn entries(service: &Service, id: &str, query: &str) -> Entries {
    let path = format!("/holdfast/backups/{id}/entries?{query}");
    let answer = service.get(&path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

async fn differences(service: &Service, query: &str) -> Differences {
    let path = format!("/holdfast/compare?{query}");
    let answer = service.get(&path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// All files under a folder, with what is in them.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn a_source_is_added_listed_once_and_removed() {
    let (service, notes) = with_notes().await;
    let sources: Sources = service.get("/holdfast/sources").await.json();
    assert_eq!(sources.items.len(), 1);
    assert_eq!(sources.items[0].excludes, ["*.tmp"]);
    assert!(sources.items[0].path.ends_with("/notes"));
    let twice = json!({ "path": notes }).to_string();
    let twice = service.post_json("/holdfast/sources", twice).await;
    assert_eq!(twice.status, 400, "{twice:?}");
    let absent = json!({"path": notes.join("absent")}).to_string();
    let absent = service.post_json("/holdfast/sources", absent).await;
    assert!(absent.status >= 400, "{absent:?}");
    let before = content(&notes);
    let removed = service.post("/holdfast/sources/notes/remove").await;
    assert_eq!(removed.status, 204, "{removed:?}");
    assert_eq!(
        service
            .get("/holdfast/sources")
            .await
            .json::<Sources>()
            .items,
        []
    );
    assert_eq!(content(&notes), before, "the folder itself was touched");
    let again = service.post("/holdfast/sources/notes/remove").await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "unknown-source")
    );
}

#[tokio::test]
async fn what_is_in_a_backup_is_listed_page_by_page_and_read_byte_for_byte() {
    let (service, notes) = with_notes().await;
    let id = service.back_up().await.id;
    let details: Vec<BackupDetails> = service.get("/holdfast/backups").await.json();
    let source = &details[0].sources[0];
    assert_eq!((source.id.as_str(), source.files), ("notes", 2));
    assert_eq!((source.unread_count, details[0].unread_count), (0, 0));

    let root = entries(&service, &id, "").await;
    let names: Vec<&str> = root.items.iter().map(|entry| entry.path.as_str()).collect();
    assert!(
        names.contains(&"notes") && names.contains(&"library"),
        "{names:?}"
    );
    let folder = entries(&service, &id, "path=notes").await;
    let found: Vec<_> = folder
        .items
        .iter()
        .map(|entry| (entry.path.as_str(), entry.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("notes/deep", EntryKind::Folder),
            ("notes/today.md", EntryKind::File)
        ]
    );
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = entries(&service, &id, &format!("path=library&limit=7{after}")).await;
        assert!(page.items.len() <= 7);
        paged.extend(page.items.into_iter().map(|entry| entry.path));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    let expected: Vec<String> = (0..20).map(|n| format!("library/asset-{n:06}")).collect();
    assert_eq!(paged, expected);

    for (path, expected) in [
        ("notes/today.md", fs::read(notes.join("today.md")).unwrap()),
        (
            "notes/deep/large",
            fs::read(notes.join("deep/large")).unwrap(),
        ),
    ] {
        let url = service.url(&format!("/holdfast/backups/{id}/content?path={path}"));
        let request = service
            .http
            .get(url)
            .header("authorization", service.authorization());
        let read = request.send().await.unwrap();
        assert_eq!(read.status(), 200, "{path}");
        assert_eq!(read.bytes().await.unwrap(), expected, "{path}");
    }
    for path in ["notes/absent", "notes/left.tmp", "elsewhere", "notes/deep"] {
        let url = format!("/holdfast/backups/{id}/content?path={path}");
        let answer = service.get(&url).await;
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_file_whose_middle_is_damaged_breaks_off_and_never_ends_like_a_whole_one() {
    let (service, notes) = with_notes().await;
    // Many chunks, so that some of it is sent before the damage is reached.
    fs::write(notes.join("deep/large"), text(9, 24_000_000)).unwrap();
    let id = service.back_up().await.id;
    let files = service.home.destination().join("files/data");
    let mut packs: Vec<_> = content(&files).into_iter().collect();
    packs.sort_by_key(|(_, bytes)| bytes.len());
    let (largest, mut bytes) = packs.pop().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(largest, bytes).unwrap();
    let path = format!("/holdfast/backups/{id}/content?path=notes/deep/large");
    let read = service.request("GET", &path).send().await.unwrap();
    // Refused at once, or broken off: but never read to an end.
    assert!(read.status() != 200 || read.bytes().await.is_err());
}

#[tokio::test]
async fn what_differs_is_told_between_backups_and_now() {
    let (service, notes) = with_notes().await;
    let older = service.back_up().await.id;
    fs::write(notes.join("today.md"), "something else\n").unwrap();
    fs::write(notes.join("new.md"), "new\n").unwrap();
    fs::remove_file(notes.join("deep/large")).unwrap();
    let newer = service.back_up().await.id;
    let expected = [
        ("notes/deep/large", Change::Removed),
        ("notes/new.md", Change::Added),
        ("notes/today.md", Change::Changed),
    ];
    for side in [newer.as_str(), "now"] {
        let query = format!("older={older}&newer={side}&scope=notes");
        let found = differences(&service, &query).await;
        let mut told: Vec<_> = found
            .items
            .iter()
            .filter(|difference| difference.kind == EntryKind::File)
            .map(|difference| (difference.path.as_str(), difference.change))
            .collect();
        told.sort_by_key(|(path, _)| *path);
        assert_eq!(told, expected, "{side}");
    }
    let same = differences(&service, &format!("older={newer}&newer={newer}")).await;
    assert_eq!((same.items, same.next), (Vec::new(), None));
}

#[tokio::test]
async fn a_sound_backup_is_proven_and_a_damaged_one_fails_with_a_report() {
    let (service, _) = with_notes().await;
    let id = service.back_up().await.id;
    for depth in ["quick", "full", "rehearsal"] {
        let body = json!({"depth": depth, "backup": id}).to_string();
        let job = ended(&service, "/holdfast/verify", body).await;
        assert_eq!(
            (job.kind, job.state),
            (JobKind::Verification, JobState::Completed)
        );
        let report = job.report.unwrap();
        assert_eq!((report.backups, report.damaged), (1, Vec::new()), "{depth}");
    }
    let packs = content(&service.home.destination().join("files/data"));
    for (path, mut bytes) in packs {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let body = json!({"depth": "full"}).to_string();
    let job = ended(&service, "/holdfast/verify", body).await;
    assert_eq!(
        job.state,
        JobState::Failed,
        "nobody must take it for good news"
    );
    let problem = job.problem.unwrap();
    assert_eq!(problem.code, "damaged");
    assert!(problem.message.contains(&id), "{problem:?}");
    let report = job.report.unwrap();
    assert_eq!((report.depth, report.damaged.len()), (Depth::Full, 1));
    assert_eq!(report.damaged[0].backup, id);
    let place = service.home.data();
    let place = place.parent().unwrap().to_str().unwrap();
    assert!(!report.damaged[0].reason.contains(place), "{report:?}");
}

#[tokio::test]
async fn a_part_is_restored_to_its_place_and_into_a_folder_and_the_rest_stays() {
    let (service, notes) = with_notes().await;
    let id = service.back_up().await.id;
    let then = content(&notes);
    service.fill(30, 100);
    fs::write(notes.join("today.md"), "something else\n").unwrap();
    fs::write(notes.join("deep/large"), "small").unwrap();
    let now = content(&notes);
    let restore = format!("/holdfast/backups/{id}/restore");

    let folder = service.home.data().parent().unwrap().join("elsewhere");
    let body = json!({"what": {"source": "notes"}, "folder": folder}).to_string();
    let job = ended(&service, &restore, body).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    assert_eq!(content(&notes), now, "what is in use was replaced");
    assert_eq!(
        fs::read_to_string(folder.join("notes/today.md")).unwrap(),
        "as it was\n"
    );

    let body = json!({"what": {"source": "notes"}}).to_string();
    let preview = format!("/holdfast/backups/{id}/preview");
    let preview: Preview = service.post_json(&preview, body.clone()).await.json();
    let part = preview
        .parts
        .iter()
        .find(|part| part.source == "notes")
        .unwrap();
    assert_eq!((part.added, part.changed, part.removed), (0, 2, 0));
    let job = ended(&service, &restore, body).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    assert_eq!(content(&notes), then);
    assert_eq!(service.engine.library().facts().unwrap().assets, 30);

    assert_eq!(service.post("/holdfast/undo").await.status, 200);
    assert_eq!(content(&notes), now, "it was not undone");
}

#[tokio::test]
async fn the_restore_of_the_backup_api_replaces_the_library_alone() {
    let (service, notes) = with_notes().await;
    let id = service.back_up().await.id;
    service.fill(30, 100);
    fs::write(notes.join("today.md"), "something else\n").unwrap();
    let now = content(&notes);
    let restored = service.post(&format!("/backup/{id}/restore")).await;
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(service.engine.library().facts().unwrap().assets, 20);
    assert_eq!(content(&notes), now);
    let preview: Preview = service
        .get(&format!("/holdfast/backups/{id}/preview"))
        .await
        .json();
    assert!(preview.parts.iter().all(|part| part.source == "library"));
}
