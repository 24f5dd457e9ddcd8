//! What reading costs. To be run alone: `cargo test --release -p backup-engine --lib -- --ignored --nocapture speed`.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::super::check::Soundness;
use super::*;

#[test]
#[ignore = "a measurement"]
fn speed() {
    for (mode, size) in [("WAL", 16_384), ("WAL", 4_096), ("DELETE", 4_096)] {
        let place = Place::new();
        let pragmas = format!(
            "PRAGMA page_size = {size}; PRAGMA journal_mode = {mode}; PRAGMA synchronous = OFF"
        );
        let program = make(&place.path(), &pragmas, 112_000, 3_000);
        program
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        for round in 0..4 {
            let begun = Instant::now();
            let mut reader = place.pages();
            let copied = begun.elapsed();
            let mut proof = Some(reader.proof());
            // As it was: first the check, then the pages.
            let first = (round % 2 == 0).then(|| proof.take().map(|proof| proof.wait()));
            let (mut part, mut all, mut hash) = (vec![0; 1 << 20], 0, Sha256::new());
            let started = Instant::now();
            loop {
                match reader.read(&mut part).unwrap() {
                    0 => break,
                    count => {
                        all += count;
                        hash.update(&part[..count]);
                    }
                }
            }
            let read = started.elapsed();
            let found = first.flatten().or_else(|| proof.map(|proof| proof.wait()));
            assert_eq!(found, Some(Soundness::Sound));
            println!(
                "{mode} {size}, check {}: begun in {copied:?}, {:.0} MB/s with SHA-256, all in {:?}",
                if round % 2 == 0 { "before" } else { "beside" },
                all as f64 / 1e6 / read.as_secs_f64(),
                begun.elapsed()
            );
        }
    }
}
