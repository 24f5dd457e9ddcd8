//! What Holdfast costs, in one run and beside plain restic on the same file: time, memory, space, and how long a cancel
//! takes. Prints figures and ratios; asserts nothing, because a machine's speed is no property of the program.
#![allow(clippy::unwrap_used, clippy::panic)]

mod assets;
mod measure;
mod restic;
mod service;

use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::{Rounds, megabytes, milliseconds, timed};
use service::Service;

const ASSETS: usize = 100_000;
const ASSET_BYTES: usize = 3_000;
const CHANGED: usize = ASSETS / 100;
const CANCELS: usize = 20;
const BACKUPS_LISTED: usize = 1_000;

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    println!("collecting {ASSETS} assets from source files");
    let library = assets::collect(ASSETS, ASSET_BYTES);
    println!(
        "{} assets, {} of text\n",
        library.len(),
        megabytes(assets::bytes(&library))
    );

    compare_with_restic(folder.path(), &library, rounds);
    cancel(folder.path(), &library);
    list_many(folder.path());
}

/// First backup, backup after a 1% change, restore: Holdfast and restic take turns, each round on fresh folders.
fn compare_with_restic(folder: &Path, library: &[assets::Asset], rounds: usize) {
    let (mut ours, mut restics) = (Rounds::new("holdfast"), Rounds::new("restic"));
    for round in 0..rounds {
        let home = folder.join(format!("round-{round}"));
        let mut service = Service::start(&home);
        service.import(library);
        let idle_memory = service.memory();
        let (first, backup) = timed(|| service.back_up());
        let (first_bytes, first_memory) = (service.stored(), service.memory());
        // The library rests in one file only while no service has it open, and so do restic's copies of it.
        service.stop();
        let copy = home.join("copy");
        std::fs::create_dir_all(&copy).unwrap();
        std::fs::copy(
            home.join("data/library/library.db"),
            copy.join("library.db"),
        )
        .unwrap();
        let restic = restic::Restic::init(&home.join("restic"));
        let restic_first = restic.back_up(&copy);
        let restic_first_bytes = measure::folder_bytes(&home.join("restic"));

        let mut service = Service::start(&home);
        service.import(&assets::changed(library, CHANGED, round));
        let (second, _) = timed(|| service.back_up());
        let second_bytes = service.stored() - first_bytes;
        let (restore, ()) = timed(|| service.restore(&backup));
        let memory = service.memory().max(first_memory);
        let (undo, ()) = timed(|| service.undo());
        service.stop();
        std::fs::copy(
            home.join("data/library/library.db"),
            copy.join("library.db"),
        )
        .unwrap();
        let restic_second = restic.back_up(&copy);
        let restic_second_bytes = measure::folder_bytes(&home.join("restic")) - restic_first_bytes;
        let restic_restore = restic.restore(&home.join("restored"));

        ours.time("first backup", first);
        ours.time("backup after 1% changed", second);
        ours.time("restore", restore);
        ours.time("undo", undo);
        ours.bytes("stored by the first backup", first_bytes);
        ours.bytes("added by the second backup", second_bytes);
        ours.bytes("peak memory", memory);
        ours.bytes("memory before the first backup", idle_memory);
        restics.time("first backup", restic_first.took);
        restics.time("backup after 1% changed", restic_second.took);
        restics.time("restore", restic_restore.took);
        restics.bytes("stored by the first backup", restic_first_bytes);
        restics.bytes("added by the second backup", restic_second_bytes);
        restics.bytes(
            "peak memory",
            restic_first
                .memory
                .max(restic_second.memory)
                .max(restic_restore.memory),
        );
        std::fs::remove_dir_all(&home).unwrap();
    }
    measure::print(&ours, &restics);
}

/// From the request to cancel a job that is half done, to its terminal state.
fn cancel(folder: &Path, library: &[assets::Asset]) {
    let home = folder.join("cancel");
    let mut service = Service::start(&home);
    service.import(library);
    let creations: Vec<Duration> = (0..CANCELS)
        .map(|_| service.cancel_creation_at(50.0))
        .collect();
    assert_eq!(service.count(), 0, "a cancelled backup was listed");
    let backup = service.back_up();
    let restorations: Vec<Duration> = (0..CANCELS)
        .map(|_| service.cancel_restoration_at(&backup, 50.0))
        .collect();
    service.stop();
    println!("from a cancel at 50% to the terminal state, {CANCELS} times each");
    for (what, times) in [("creation", creations), ("restoration", restorations)] {
        let (median, worst) = (
            measure::median(&times),
            times.iter().max().copied().unwrap(),
        );
        println!(
            "  {what:<32} median {}, slowest {}",
            milliseconds(median),
            milliseconds(worst)
        );
    }
    std::fs::remove_dir_all(&home).unwrap();
}

/// How long the list takes when there are many backups.
fn list_many(folder: &Path) {
    let home: PathBuf = folder.join("many");
    let mut service = Service::start(&home);
    service.import(&assets::collect(100, 500));
    for _ in 0..BACKUPS_LISTED {
        service.back_up();
    }
    assert_eq!(service.count(), BACKUPS_LISTED);
    service.stop();
    let mut service = Service::start(&home);
    let (cold, _) = timed(|| service.count());
    let times: Vec<Duration> = (0..20).map(|_| timed(|| service.count()).0).collect();
    println!("\nGET /backups with {BACKUPS_LISTED} backups");
    println!("  first after a start             {}", milliseconds(cold));
    println!(
        "  then, median of 20              {}",
        milliseconds(measure::median(&times))
    );
    service.stop();
}
