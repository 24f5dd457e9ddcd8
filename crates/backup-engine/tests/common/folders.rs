//! Backups with folders, made with the repository library alone: what the engine reads is not what it wrote itself.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use backup_engine::{BackupId, export_key};
use rustic_backend::LocalBackend;
use rustic_core::repofile::{SnapshotFile, SnapshotId, SnapshotSummary};
use rustic_core::{
    BackupOptions, ConfigOptions, Credentials, KeyOptions, OpenStatus, PathList, Repository,
    RepositoryBackends, RepositoryOptions, SnapshotOptions, TreeId, last_modified_node,
};

use super::Home;

/// One source as it is to be in a backup.
pub struct Stored<'a> {
    pub id: &'a str,
    /// What goes into `files/`.
    pub files: &'a Path,
    /// What goes into `databases/`.
    pub databases: Option<&'a Path>,
}

fn closed(home: &Home, part: &str) -> (Repository<()>, Credentials) {
    let path = home.destination().join(part);
    let backend = LocalBackend::new(path.to_str().unwrap(), []).unwrap();
    let backends = RepositoryBackends::new(Arc::new(backend), None);
    let options = RepositoryOptions::default().no_cache(true);
    let key = export_key(&home.data(), None).unwrap();
    let credentials = Credentials::password(key.reveal());
    (Repository::new(&options, &backends).unwrap(), credentials)
}

pub fn repository(home: &Home, part: &str) -> Repository<OpenStatus> {
    let (repository, credentials) = closed(home, part);
    if home.destination().join(part).is_dir() {
        return repository.open(&credentials).unwrap();
    }
    std::fs::write(home.destination().join("holdfast.json"), "{\"layout\":2}").unwrap();
    let (keys, config) = (KeyOptions::default(), ConfigOptions::default());
    repository.init(&credentials, &keys, &config).unwrap()
}

fn archive(home: &Home, part: &str, folder: &Path, id: &str) -> SnapshotFile {
    let repository = repository(home, part).to_indexed_ids().unwrap();
    let options = BackupOptions::default().as_path(Path::new("/").join(id));
    let snapshot = SnapshotOptions::default().to_snapshot().unwrap();
    let source = PathList::from_iter([folder.to_owned()]);
    repository.backup(&options, &source, snapshot).unwrap()
}

fn merge(home: &Home, part: &str, trees: &[TreeId]) -> TreeId {
    let repository = repository(home, part).to_indexed().unwrap();
    let mut summary = SnapshotSummary::default();
    repository
        .merge_trees(trees, &last_modified_node, &mut summary)
        .unwrap()
}

fn save(home: &Home, part: &str, snapshot: SnapshotFile, old: &[SnapshotId]) -> SnapshotId {
    let repository = repository(home, part);
    repository.delete_snapshots(old).unwrap();
    let before: Vec<SnapshotId> = repository.list().unwrap().collect();
    repository.save_snapshots(vec![snapshot]).unwrap();
    let mut after = repository.list().unwrap();
    after.find(|id| !before.contains(id)).unwrap()
}

/// Puts folders into a backup that the engine made of its library.
pub fn put_folders(home: &Home, id: &BackupId, sources: &[Stored]) {
    let mut records = repository(home, "databases").get_all_snapshots().unwrap();
    records.retain(|record| record.description.as_ref().unwrap().contains(id.as_str()));
    let mut record = records.pop().unwrap();
    let (mut files, mut databases) = (Vec::new(), Vec::new());
    for source in sources {
        files.push(archive(home, "files", source.files, source.id));
        let folder = source.databases;
        databases.extend(folder.map(|folder| archive(home, "databases", folder, source.id)));
    }
    let ids = |snapshots: &[SnapshotFile]| -> Vec<SnapshotId> {
        snapshots.iter().map(|snapshot| snapshot.id).collect()
    };
    let trees = |snapshots: &[SnapshotFile]| -> Vec<TreeId> {
        snapshots.iter().map(|snapshot| snapshot.tree).collect()
    };
    let mut listed = files[0].clone();
    listed.label = "holdfast-files".into();
    listed.description = Some(serde_json::json!({"backup": id.as_str()}).to_string());
    listed.tree = merge(home, "files", &trees(&files));
    let listed = save(home, "files", listed, &ids(&files));

    let mut old = vec![record.id];
    old.extend(ids(&databases));
    let mut all = vec![record.tree];
    all.extend(trees(&databases));
    record.tree = merge(home, "databases", &all);
    let mut details: serde_json::Value =
        serde_json::from_str(record.description.as_ref().unwrap()).unwrap();
    details["format"] = 2.into();
    details["files"] = listed.to_hex().as_str().into();
    let named = sources.iter().map(|source| {
        serde_json::json!({"id": source.id, "kind": "folder", "path": "/somewhere", "files": 1, "folders": 1,
            "bytes": bytes(source.files) + source.databases.map_or(0, bytes), "databases": 0, "unread_count": 0})
    });
    details["sources"] = named.collect::<Vec<_>>().into();
    record.description = Some(details.to_string());
    save(home, "databases", record, &old);
}

fn bytes(folder: &Path) -> u64 {
    let each = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => bytes(&entry.path()),
            false => entry.metadata().unwrap().len(),
        }
    });
    each.sum()
}

/// A SQLite database with this many rows.
pub fn database(path: &Path, rows: u64) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)")
        .unwrap();
    let texts = (0..rows).map(|row| super::text(row, 500));
    for text in texts {
        connection
            .execute("INSERT INTO t (text) VALUES (?1)", [text])
            .unwrap();
    }
}
