use super::super::{in_use, locks};
use super::programs::Program;
use super::*;

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_has_a_file_of_the_folder_open_is_named() {
    let place = Place::new();
    drop(make(&place.path(), "", 5, 50));
    let folder = place.folder.path();
    let own = fs::File::open(place.path()).unwrap();
    assert_eq!(
        in_use::holders(folder).unwrap(),
        [],
        "this process does not count"
    );
    let program = Program::start("holds a file", &place.path());
    for path in [
        folder,
        place.path().as_path(),
        folder.join("their folder/../their folder").as_path(),
    ] {
        let holders = in_use::holders(path).unwrap();
        assert_eq!(holders.len(), 1, "{holders:?}");
        assert_eq!(holders[0].process, Some(program.id()));
        let own_name = std::env::current_exe().unwrap();
        let own_name = own_name.file_name().unwrap().to_str().unwrap();
        assert!(own_name.starts_with(&holders[0].program), "{holders:?}");
    }
    // A name that only begins alike is another folder.
    fs::create_dir(folder.join("their")).unwrap();
    assert_eq!(in_use::holders(&folder.join("their")).unwrap(), []);
    program.end();
    assert_eq!(in_use::holders(folder).unwrap(), []);
    drop(own);
}

#[test]
fn locks_tell_of_a_program_and_asking_changes_nothing() {
    let place = Place::new();
    drop(make(&place.path(), "PRAGMA journal_mode = WAL", 50, 500));
    let folder = place.folder.path();
    let unchanged = |held: bool, what: &str| {
        let before = (place.listing(), fs::read(place.path()).unwrap());
        assert_eq!(locks::any_locked(folder).unwrap(), held, "{what}");
        assert!(
            before == (place.listing(), fs::read(place.path()).unwrap()),
            "{what}"
        );
    };
    unchanged(false, "nobody has it open");
    let program = Program::start("has it open", &place.path());
    unchanged(true, "a reader");
    program.end();
    Program::start("leaves its log", &place.path()).end();
    unchanged(false, "a log of a program that crashed");
    let log = rows(&Connection::open(place.path()).unwrap());
    assert_eq!(log[0].1, "in the log");
    Connection::open(place.path())
        .unwrap()
        .execute_batch("PRAGMA journal_mode = DELETE; UPDATE t SET body = randomblob(3000)")
        .unwrap();
    unchanged(false, "nobody has it open, without a log");
    let program = Program::start("locks it", &place.path());
    unchanged(true, "a lock");
    program.end();
    Program::start("breaks off", &place.path()).end();
    unchanged(false, "a hot journal");
}
