//! (c) The memory that a database of 4 GB takes. Wanted: less than 500 MB.

use std::path::Path;
use std::rc::Rc;

use crate::child::Cost;
use crate::database;
use crate::figures::megabytes;
use crate::holdfast::{Holdfast, What};
use crate::ours::Ours;
use crate::program::{Program, Which};

/// With their embeddings, about 4 GB.
const NOTES: usize = 1_100_000;

pub fn run(folder: &Path) {
    println!("(c) The memory of backup and restore of a database of 4 GB");
    let home = folder.join("large");
    let live = home.join("live");
    std::fs::create_dir_all(&live).unwrap();
    let service = Holdfast::start(&home);
    let Some(source) = service.add_source(&live) else {
        println!("  this version of holdfast has no sources\n");
        return;
    };
    let path = live.join(database::NAME);
    database::make(&path, NOTES, false);
    println!("  {}", megabytes(std::fs::metadata(&path).unwrap().len()));
    let digest = |path: &Path| database::digest(path, &["notes", "embeddings"]);
    let first = digest(&path);

    let mut ours = Ours::new(Rc::new(service), &live, What::Source(source));
    print("first backup", ours.back_up(Which::First));
    database::change(&path, 0);
    print("backup after the change", ours.back_up(Which::Changed));
    let target = home.join("restored");
    if let Some((cost, restored)) = ours.restore_to(Which::First, &target) {
        print("full restore", cost);
        assert!(digest(&restored.join(database::NAME)) == first);
        std::fs::remove_dir_all(&target).unwrap();
    }
    if let Some(cost) = ours.restore_in_place(Which::First) {
        print("restore of 1% in place", cost);
        assert!(digest(&path) == first);
    }
    drop(ours);
    std::fs::remove_dir_all(&home).unwrap();
    println!();
}

fn print(what: &str, cost: Cost) {
    println!(
        "  {what:<26}{:>11} at most{:>9.1} s",
        megabytes(cost.memory),
        cost.took.as_secs_f64()
    );
}
