use std::time::Instant;

use super::super::check::Soundness;
use super::programs::Program;
use super::*;

fn commits(said: &str) -> (u64, u64) {
    let (commits, longest) = said.split_once(' ').unwrap();
    (commits.parse().unwrap(), longest.parse().unwrap())
}

/// Reads in the pace of a backup, and until it took as long as this.
fn read_slowly(reader: &mut PageReader, pace: impl Fn()) -> Vec<u8> {
    let (mut bytes, mut part) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        match reader.read(&mut part).unwrap() {
            0 => return bytes,
            count => bytes.extend_from_slice(&part[..count]),
        }
        pace();
    }
}

#[test]
fn with_a_log_a_writer_commits_throughout_a_backup() {
    let place = Place::new();
    let program = make(
        &place.path(),
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF",
        20_000,
        3_000,
    );
    let writer = Program::start("commits", &place.path());
    let newest = || -> i64 {
        program
            .query_row("SELECT max(n) FROM t", [], |row| row.get(0))
            .unwrap()
    };
    let before = newest();
    let mut reader = place.pages();
    let (began, proof) = (newest(), reader.proof());
    // Between any two parts of the stream the writer commits.
    let bytes = read_slowly(&mut reader, || {
        let seen = newest();
        while newest() == seen {
            std::thread::yield_now();
        }
    });
    let meanwhile = newest() - began;
    let (all, longest) = commits(&writer.end());
    assert_eq!(proof.wait(), Soundness::Sound);
    let stored = i64::try_from(rows(&place.image(&bytes)).len()).unwrap();
    assert!(
        (before..=began).contains(&stored),
        "{before} {stored} {began}"
    );
    assert!(meanwhile > 50, "{meanwhile}");
    println!("{meanwhile} of {all} commits during the read, the longest took {longest} ms");
    // It never waited for the reader, which read for longer than any commit took.
}

#[test]
fn with_a_journal_a_writer_waits_for_moments_only() {
    let place = Place::new();
    let program = make(
        &place.path(),
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF",
        20_000,
        3_000,
    );
    let writer = Program::start("commits", &place.path());
    let started = Instant::now();
    let mut reader = place.pages();
    let took = started.elapsed();
    let newest = || -> i64 {
        program.busy_timeout(Duration::from_secs(5)).unwrap();
        program
            .query_row("SELECT max(n) FROM t", [], |row| row.get(0))
            .unwrap()
    };
    // The rest of the backup reads the copy: the writer goes on.
    let before = newest();
    let proof = reader.proof();
    let bytes = read(&mut reader);
    let waiting = Instant::now();
    while newest() == before {
        assert!(waiting.elapsed() < Duration::from_secs(20), "no commit");
        std::thread::yield_now();
    }
    assert_eq!(proof.wait(), Soundness::Sound);
    let (all, longest) = commits(&writer.end());
    println!(
        "copying {} MB took {took:?}; {all} commits, the longest took {longest} ms",
        bytes.len() / 1_000_000
    );
    assert!(rows(&place.image(&bytes)).len() >= 20_000);
}

#[test]
fn a_program_that_comes_and_goes_meanwhile_leaves_no_mixture() {
    let place = Place::new();
    drop(make(
        &place.path(),
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF",
        4_000,
        200,
    ));
    let program = Program::start("comes and goes", &place.path());
    let mut whole = 0;
    for _ in 0..40 {
        let mut reader = match place.begin() {
            Begun::Pages(reader) => reader,
            Begun::Unread(_) => continue,
            other => panic!("{other:?}"),
        };
        let image = place.image(&read(&mut reader));
        let names: i64 = image
            .query_row("SELECT count(DISTINCT name) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(names, 1);
        whole += 1;
    }
    let rounds: u64 = program.end().parse().unwrap();
    println!("{whole} of 40 readings, {rounds} rounds");
    assert!(whole > 0 && rounds > 0, "{whole} {rounds}");
}
