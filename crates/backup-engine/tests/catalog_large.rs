//! Many backups in one destination. The everyday run has some hundreds; `HOLDFAST_MANY=10000 cargo test --release
//! --test catalog_large -- --nocapture` prints how long as many take.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use backup_engine::{Engine, export_key};
use common::*;
use rustic_backend::LocalBackend;
use rustic_core::repofile::SnapshotFile;
use rustic_core::{Credentials, Repository, RepositoryBackends, RepositoryOptions};

/// Commits the one backup of this home again and again, a second later each time.
fn multiply(home: &Home, count: usize) {
    let databases = home.destination().join("databases");
    let local = LocalBackend::new(databases.to_str().unwrap(), []).unwrap();
    let backends = RepositoryBackends::new(Arc::new(local), None);
    let options = RepositoryOptions::default().no_cache(true);
    let key = export_key(&home.data(), None).unwrap();
    let repository = Repository::new(&options, &backends)
        .and_then(|closed| closed.open(&Credentials::password(key.reveal())))
        .unwrap();
    let first = repository.get_all_snapshots().unwrap().remove(0);
    let id = first.description.as_deref().unwrap();
    let id = id.split_once("0.1.0_").unwrap().1[..19].to_owned();
    let again = |number: usize| {
        let (hours, minutes, seconds) = (number / 3600, number / 60 % 60, number % 60);
        let later = format!("20300101T{hours:02}{minutes:02}{seconds:02}000Z");
        SnapshotFile {
            description: first
                .description
                .as_ref()
                .map(|text| text.replace(&id, &later)),
            ..first.clone()
        }
    };
    repository
        .save_snapshots((1..count).map(again).collect())
        .unwrap();
}

fn list(engine: &Engine, what: &str) -> usize {
    let started = Instant::now();
    let count = engine.backups().unwrap().len();
    println!("{what}: {count} backups in {:?}", started.elapsed());
    count
}

#[test]
fn many_backups_are_listed_at_the_first_start_at_the_next_one_and_while_the_destination_is_away() {
    let many = std::env::var("HOLDFAST_MANY").map_or(300, |many| many.parse().unwrap());
    let home = Home::new();
    let engine = home.open();
    fill(&engine, 20, 200);
    back_up(&engine);
    drop(engine);
    multiply(&home, many);
    fs::remove_file(home.data().join("catalog.db")).unwrap();

    let engine = home.open();
    assert_eq!(list(&engine, "first listing"), many);
    assert_eq!(list(&engine, "again"), many);
    drop(engine);
    let catalog = fs::metadata(home.data().join("catalog.db")).unwrap();
    println!("the catalog has {} bytes", catalog.len());
    let engine = home.open();
    assert_eq!(list(&engine, "after a start"), many);
    let started = Instant::now();
    assert!(engine.destination_state().error.is_none());
    println!("state of the destination: {:?}", started.elapsed());
    let newest = engine.backups().unwrap()[0].clone();
    assert_eq!(newest.id.version(), "0.1.0");
    restore(&engine, &newest.id);
    engine.delete(&newest.id).unwrap();
    assert_eq!(list(&engine, "after a deletion"), many - 1);
    drop(engine);
    fs::rename(home.destination(), home.folder.path().join("away")).unwrap();
    assert_eq!(list(&home.open(), "while it is away"), many - 1);
}
