use super::super::check::Soundness;
use super::super::connect;
use super::super::pages::pair;
use super::programs::Program;
use super::*;

#[test]
fn a_database_of_any_shape_reads_as_what_it_holds() {
    for size in [512, 1024, 4096, 16384, 65536] {
        for mode in ["DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF", "WAL"] {
            for vacuum in [0, 1, 2] {
                let place = Place::new();
                let pragmas = format!(
                    "PRAGMA page_size = {size}; PRAGMA auto_vacuum = {vacuum}; PRAGMA journal_mode = {mode}; PRAGMA synchronous = OFF;"
                );
                let program = make(&place.path(), &pragmas, 200, 700);
                program
                    .execute_batch("DELETE FROM t WHERE n % 3 = 0")
                    .unwrap();
                let before = place.listing();
                let mut reader = place.pages();
                let proof = reader.proof();
                let bytes = read(&mut reader);
                assert_eq!(proof.wait(), Soundness::Sound, "{size} {mode} {vacuum}");
                assert_eq!(
                    rows(&place.image(&bytes)),
                    rows(&program),
                    "{size} {mode} {vacuum}"
                );
                assert_eq!(place.listing(), before);
                if mode != "WAL" {
                    assert_eq!(bytes, fs::read(place.path()).unwrap());
                }
                drop(reader);
                assert_eq!(place.own.path().join("copies").exists(), mode != "WAL");
                assert!(mode == "WAL" || place.copies_left() == 0);
            }
        }
    }
}

#[test]
fn reading_one_with_a_log_that_nobody_has_open_makes_nothing_beside_it() {
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500));
    let before = place.listing();
    assert_eq!(before.len(), 1);
    let mut reader = place.pages();
    let proof = reader.proof();
    let bytes = read(&mut reader);
    assert_eq!(place.listing(), before);
    assert_eq!(proof.wait(), Soundness::Sound);
    assert_eq!(bytes, fs::read(place.path()).unwrap());
    drop(reader);
    assert_eq!((place.listing(), place.copies_left()), (before, 0));
}

#[test]
fn what_a_crashed_program_left_in_its_log_is_read() {
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500));
    Program::start("leaves its log", &place.path()).end();
    let bytes = read(&mut place.pages());
    assert_eq!(rows(&place.image(&bytes))[0].1, "in the log");
}

#[test]
fn one_without_room_for_a_copy_is_streamed_and_fails_on_a_change() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        drop(make(
            &place.path(),
            &format!("PRAGMA journal_mode = {mode}"),
            5_000,
            500,
        ));
        let none = CopyFolder::with_limit(&place.own.path().join("copies"), 1_000);
        let begin = || pages(PageReader::begin(&place.path(), &none, &Watch::unwatched()));
        let (before, mut reader) = (place.listing(), begin());
        assert_eq!(read(&mut reader), fs::read(place.path()).unwrap(), "{mode}");
        assert!(matches!(reader.proof().wait(), Soundness::Unjudged(_)));
        assert_eq!((place.listing(), place.copies_left()), (before, 0));
        drop(reader);

        let mut reader = begin();
        reader.read_exact(&mut [0; 1000]).unwrap();
        let program = Connection::open(place.path()).unwrap();
        program.execute_batch("UPDATE t SET name = 'x'").unwrap();
        drop(program);
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("changed"), "{mode}: {error}");

        // Whoever reads asks once more after the last byte.
        let mut reader = begin();
        reader
            .read_exact(&mut vec![0; reader.len() as usize])
            .unwrap();
        let program = Connection::open(place.path()).unwrap();
        program.execute_batch("UPDATE t SET name = 'y'").unwrap();
        assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0, "{mode}");
    }
}

#[test]
fn one_that_is_streamed_waits_for_a_program_that_locks_it_for_a_while() {
    let place = Place::new();
    let program = make(&place.path(), "PRAGMA journal_mode = DELETE", 5_000, 500);
    let none = CopyFolder::with_limit(&place.own.path().join("copies"), 1_000);
    let mut reader = pages(PageReader::begin(&place.path(), &none, &Watch::unwatched()));
    reader.read_exact(&mut [0; 1000]).unwrap();
    program.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let rest = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).map(|_| rest)
        });
        // Several times as long as SQLite itself waits.
        std::thread::sleep(Duration::from_millis(400));
        program.execute_batch("ROLLBACK").unwrap();
        reading.join().unwrap()
    });
    assert!(rest.unwrap() == fs::read(place.path()).unwrap()[1000..]);
}

#[test]
fn one_whose_log_was_given_up_meanwhile_is_not_read_in_one_transaction() {
    let place = Place::new();
    let program = make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500);
    let reads = || PageReader::with_log(&place.path(), &Watch::unwatched()).unwrap();
    assert!(reads().is_some());
    let mode = "PRAGMA journal_mode = DELETE";
    let mode: String = program.query_row(mode, [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    let _reader = reads();
    // Its program need not wait.
    program.busy_timeout(Duration::ZERO).unwrap();
    program.execute_batch("UPDATE t SET name = 'x'").unwrap();
}

#[test]
fn the_proof_is_of_the_version_that_is_read() {
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 200, 500));
    let writer = Program::start("commits", &place.path());
    let count = |connection: &Connection| -> i64 {
        let sql = "SELECT count(*) FROM t";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let mut paired = 0;
    for _ in 0..500 {
        let (pages, beside) = pair(&place.path()).unwrap();
        if let Some(beside) = beside {
            assert_eq!(count(pages.connection()), count(&beside));
            paired += 1;
        }
    }
    writer.end();
    assert!(paired > 100, "{paired}");
}

#[test]
fn a_cancelled_proof_says_so() {
    let place = Place::new();
    drop(make(
        &place.path(),
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF",
        40_000,
        1_500,
    ));
    let flag = crate::CancelFlag::default();
    let watch = Watch::new(flag.clone(), |_| {});
    let (pages, beside) = pair(&place.path()).unwrap();
    drop(pages);
    let check = |watch: &Watch, connection| {
        super::super::check::Proof::start(connection, super::super::check::Owner::Others, watch, ())
    };
    assert_eq!(check(&watch, beside.unwrap()).wait(), Soundness::Sound);
    let again = || connect::open(&place.path()).unwrap();
    let proof = check(&watch, again());
    flag.cancel();
    assert_eq!(proof.wait(), Soundness::Canceled);
    drop(check(&Watch::unwatched(), again()));
}

#[test]
fn what_was_read_without_a_lock_does_not_count_where_it_changed_meanwhile() {
    use super::super::begin::{Quiet, accept, unlocked};
    use super::super::connect::Trouble;
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500));
    let watch = Watch::unwatched();
    for sql in [
        "SELECT count(*) FROM t",
        "UPDATE t SET name = 'in the log'",
        "UPDATE t SET name = 'in the file'; PRAGMA wal_checkpoint(TRUNCATE)",
    ] {
        let quiet = Quiet::of(&place.path(), &watch).unwrap();
        let copied = unlocked(&place.path(), &place.copies(), &watch);
        let program = Connection::open(place.path()).unwrap();
        program.execute_batch(sql).unwrap();
        let accepted = accept(quiet, copied, &watch);
        drop(program);
        if sql.starts_with("SELECT") {
            assert!(matches!(accepted, Ok(Begun::Pages(_))), "{accepted:?}");
        } else {
            assert!(matches!(accepted, Err(Trouble::Changed)), "{accepted:?}");
        }
    }
    assert_eq!(place.copies_left(), 0);
}
