use std::collections::HashSet;
use std::time::Instant;

use super::super::beside;
use super::super::check::Soundness;
use super::programs::Program;
use super::*;

/// How many there were, how long the longest took in milliseconds, and how often one tried in vain to get a lock.
fn commits(said: &str) -> [u64; 3] {
    let numbers: Vec<u64> = said
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    numbers.try_into().unwrap()
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

/// Waits for the next commit.
fn until_more_than(before: i64, newest: impl Fn() -> i64) {
    let waiting = Instant::now();
    while newest() == before {
        assert!(waiting.elapsed() < Duration::from_secs(20), "no commit");
        std::thread::yield_now();
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
        until_more_than(newest(), newest);
    });
    let meanwhile = newest() - began;
    let [all, longest, tries] = commits(&writer.end());
    assert_eq!(proof.wait(), Soundness::Sound);
    let stored = i64::try_from(rows(&place.image(&bytes)).len()).unwrap();
    assert!(
        (before..=began).contains(&stored),
        "{before} {stored} {began}"
    );
    assert!(meanwhile > 50, "{meanwhile}");
    println!("{meanwhile} of {all} commits during the read, the longest took {longest} ms");
    // It never waited for the reader.
    assert_eq!(tries, 0);
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
    until_more_than(before, newest);
    assert_eq!(proof.wait(), Soundness::Sound);
    let [all, longest, tries] = commits(&writer.end());
    println!(
        "copying {} MB took {took:?}; {all} commits, the longest took {longest} ms, with {tries} tries",
        bytes.len() / 1_000_000
    );
    assert!(rows(&place.image(&bytes)).len() >= 20_000);
    // The copy in one transaction gives up after three seconds.
    assert!(tries < 400, "{tries}");
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
    let changed = || fs::metadata(place.path()).unwrap().modified().unwrap();
    let is_open = || beside(&place.path(), "-wal").exists();
    let (mut readings, mut whole, mut versions) = (0, 0, HashSet::new());
    let started = Instant::now();
    while whole <= 20 || versions.len() <= 5 {
        let late = started.elapsed() > Duration::from_secs(300);
        assert!(!late, "{whole} of {readings} readings, {versions:?}");
        readings += 1;
        let (open, before) = (is_open(), changed());
        let mut reader = match place.begin() {
            Begun::Pages(reader) => reader,
            Begun::Unread(why) => {
                assert!(open || changed() != before, "nobody came, but {why}");
                continue;
            }
            other => panic!("{other:?}"),
        };
        let image = place.image(&read(&mut reader));
        let (names, version): (i64, String) = image
            .query_row("SELECT count(DISTINCT name), min(name) FROM t", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(names, 1);
        versions.insert(version);
        whole += 1;
    }
    let rounds: usize = program.end().parse().unwrap();
    println!(
        "{whole} of {readings} readings, {} of {rounds} rounds",
        versions.len()
    );
    assert!(whole * 2 > readings && rounds >= versions.len(), "{rounds}");
}
