//! How long `GET /backups` takes with 10,000 backups: for the first time, after a start, again, and while the destination
//! is away.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::assets;
use crate::figures::{milliseconds, percentile};
use crate::holdfast::Holdfast;

const BACKUPS: usize = 10_000;

/// Each backup looks at those before it, so they are made in batches that do not see each other.
const BATCH: usize = 250;

/// What the files of a repository that only grow lie in. Their names are the hashes of their content.
const GROWING: [&str; 3] = ["data", "index", "snapshots"];

pub fn run(folder: &Path) {
    println!("GET /backups with {BACKUPS} backups");
    let home = folder.join("list");
    let service = Holdfast::start(&home);
    service.import(&assets::collect(100, 500));
    service.stop();
    make(&home);
    forget(&home.join("data"));

    let service = Holdfast::start(&home);
    show("first time", once(&service));
    service.stop();
    let service = Holdfast::start(&home);
    show("first after a start", once(&service));
    let mut times: Vec<Duration> = (0..50).map(|_| once(&service).0).collect();
    times.sort();
    for percent in [50.0, 99.0] {
        let time = milliseconds(percentile(&times, percent));
        println!("  {:<28}{time:>12}", format!("again, {percent}% of 50"));
    }
    let (here, away) = (service.destination(), home.join("away"));
    fs::rename(&here, &away).unwrap();
    show("destination away", once(&service));
    show("destination away, again", once(&service));
    fs::rename(&away, &here).unwrap();
    show("destination back", once(&service));
    service.stop();
    println!();
    fs::remove_dir_all(&home).unwrap();
}

fn once(service: &Holdfast) -> (Duration, (u16, usize, usize)) {
    let start = Instant::now();
    let answer = service.list();
    (start.elapsed(), answer)
}

fn show(what: &str, (took, (status, bytes, count)): (Duration, (u16, usize, usize))) {
    println!(
        "  {what:<28}{:>12}   status {status}, {count} backups, {bytes} bytes",
        milliseconds(took)
    );
}

/// Makes them in batches, each on a repository that holds the key alone, and puts the batches together: a repository is
/// the union of its files.
fn make(home: &Path) {
    let (start, batches) = (Instant::now(), home.join("batches"));
    let mut made = Vec::new();
    for batch in 0..BACKUPS / BATCH {
        let service = Holdfast::start(home);
        for _ in 0..BATCH {
            service.back_up();
        }
        let repository = service.destination().join("databases");
        service.stop();
        let aside = batches.join(batch.to_string());
        fs::create_dir_all(&aside).unwrap();
        for name in GROWING {
            put_aside(&repository.join(name), &aside.join(name));
        }
        made.push((aside, repository));
    }
    for (aside, repository) in made {
        merge(&aside, &repository);
    }
    println!("  made in {:.0} s", start.elapsed().as_secs_f64());
}

/// Lets the data folder know of no backup, as on another device: its catalog can be deleted at any time.
fn forget(data: &Path) {
    for entry in fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("catalog.db")
        {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Moves a folder away and leaves its folders empty.
fn put_aside(folder: &Path, aside: &Path) {
    fs::rename(folder, aside).unwrap();
    fs::create_dir(folder).unwrap();
    for entry in fs::read_dir(aside).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(folder.join(entry.file_name())).unwrap();
        }
    }
}

/// Moves every file to the same place below another folder.
fn merge(from: &Path, to: &Path) {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder)).unwrap();
        for entry in fs::read_dir(from.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                fs::rename(entry.path(), to.join(path)).unwrap();
            }
        }
    }
}
