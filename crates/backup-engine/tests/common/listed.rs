//! Homes with a list of backups in the catalog, and a destination that comes and goes.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use backup_engine::{BackupRecord, Engine};

use super::common::*;

pub fn catalog(home: &Home) -> PathBuf {
    home.data().join("catalog.db")
}

pub fn snapshots(destination: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(destination.join("databases/snapshots")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A home with backups whose list is in the catalog, newest first, and no engine.
pub fn warm(home: &Home, backups: usize) -> Vec<BackupRecord> {
    let engine = home.open();
    fill(&engine, 20, 200);
    let mut made: Vec<_> = (0..backups).map(|_| back_up(&engine)).collect();
    made.reverse();
    assert_eq!(*engine.backups().unwrap(), made);
    made
}

pub fn away(home: &Home) -> PathBuf {
    home.folder.path().join("away")
}

pub fn unplug(home: &Home) {
    fs::rename(home.destination(), away(home)).unwrap();
}

pub fn plug_in(home: &Home) {
    fs::rename(away(home), home.destination()).unwrap();
}

pub fn state(engine: &Engine) -> Option<&'static str> {
    engine.destination_state().error.map(|error| error.code())
}
