//! What reading costs. To be run alone: `cargo test --release -p backup-engine -- --ignored --nocapture database::tests::speed`.

use std::time::Instant;

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
        for _ in 0..2 {
            let begun = Instant::now();
            let mut reader = place.pages();
            let copied = begun.elapsed();
            let proof = reader.proof();
            let (mut part, mut all) = (vec![0; 1 << 20], 0);
            let started = Instant::now();
            loop {
                match reader.read(&mut part).unwrap() {
                    0 => break,
                    count => all += count,
                }
            }
            let read = started.elapsed();
            let found = proof.wait();
            println!(
                "{mode} {size}: begun in {copied:?}, read at {:.0} MB/s beside the check, all in {:?}: {found:?}",
                all as f64 / 1e6 / read.as_secs_f64(),
                begun.elapsed()
            );
        }
    }
}
