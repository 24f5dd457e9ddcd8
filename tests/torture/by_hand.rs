//! Writing into a destination by hand, as another program or somebody with the key could: records and trees that the engine
//! would never write.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use backup_engine::BackupId;
use rustic_backend::LocalBackend;
use rustic_core::repofile::{Node, SnapshotFile, SnapshotId};
use rustic_core::{
    BackupOptions, Credentials, OpenStatus, ParentOptions, ReadSource, ReadSourceEntry, Repository,
    RepositoryBackends, RepositoryOptions, RusticResult, SnapshotOptions,
};
use serde_json::Value;

/// What is stored at a path: where the node says another name, that one.
pub type Entry = (PathBuf, Node, Option<Vec<u8>>);

pub fn open(home: &Path, part: &str) -> Repository<OpenStatus> {
    let folder = home.join("destination").join(part);
    let local = LocalBackend::new(folder.to_str().unwrap(), []).unwrap();
    let backends = RepositoryBackends::new(Arc::new(local), None);
    let options = RepositoryOptions::default().no_cache(true);
    let key = fs::read_to_string(home.join("data/key.txt")).unwrap();
    let repository = Repository::new(&options, &backends).unwrap();
    repository.open(&Credentials::password(key.trim())).unwrap()
}

/// Puts other details into the record of a backup.
pub fn change_record(home: &Path, id: &BackupId, change: impl Fn(&mut Value)) {
    let repository = open(home, "databases");
    let mut all = repository.get_all_snapshots().unwrap();
    all.retain(|snapshot| {
        snapshot
            .description
            .as_ref()
            .is_some_and(|text| text.contains(id.as_str()))
    });
    let mut snapshot: SnapshotFile = all.pop().unwrap();
    let before: SnapshotId = snapshot.id;
    let mut details = serde_json::from_str(snapshot.description.as_ref().unwrap()).unwrap();
    change(&mut details);
    snapshot.description = Some(details.to_string());
    repository.save_snapshots(vec![snapshot]).unwrap();
    repository.delete_snapshots(&[before]).unwrap();
}

/// Stores entries in `files/` as the files of this backup.
pub fn change_files(home: &Path, id: &BackupId, entries: Vec<Entry>) {
    let repository = open(home, "files").to_indexed_ids().unwrap();
    let mut snapshot = SnapshotOptions::default()
        .label("holdfast-files".to_owned())
        .to_snapshot()
        .unwrap();
    snapshot.description = Some(format!("{{\"backup\":\"{id}\"}}"));
    let options = BackupOptions::default().no_scan(true);
    let options = options.parent_opts(ParentOptions::default().force(true));
    let source = Made(Mutex::new(entries));
    let stored = repository.archive(&options, &source, snapshot, &[PathBuf::from("documents")]);
    let files = stored.unwrap().id.to_hex().as_str().to_owned();
    change_record(home, id, |details| details["files"] = files.clone().into());
}

struct Made(Mutex<Vec<Entry>>);

impl ReadSource for Made {
    type Open = Cursor<Vec<u8>>;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Self::Open>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entries = std::mem::take(&mut *self.0.lock().unwrap());
        let entries = entries.into_iter().map(|(path, node, content)| {
            Ok(ReadSourceEntry {
                path,
                node,
                open: content.map(Cursor::new),
            })
        });
        entries.collect::<Vec<_>>().into_iter()
    }
}
