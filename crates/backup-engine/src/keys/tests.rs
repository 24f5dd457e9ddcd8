//! How the key of a data folder is kept, found and protected.

use std::thread;

use super::*;
use crate::durable::write_private;

fn store(folder: &Path, passphrase: Option<&str>) -> KeyStore {
    KeyStore::new(
        folder,
        passphrase.map(|text| Secret::new(text.into())),
        false,
    )
}

#[test]
fn without_keychain_and_passphrase_the_key_is_kept_private_and_said_to_be_unprotected() {
    let folder = tempfile::tempdir().unwrap();
    let keys = store(folder.path(), None);
    assert_eq!(keys.state(), KeyState::NotYet);
    let key = keys.load_or_create().unwrap();
    assert_eq!(keys.state(), KeyState::Unprotected);
    assert_eq!(key.reveal().len(), 64);
    assert_eq!(store(folder.path(), None).load_or_create().unwrap(), key);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join("key.txt"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_passphrase_set_later_encrypts_the_key_and_removes_the_open_copy() {
    let folder = tempfile::tempdir().unwrap();
    let key = store(folder.path(), None).load_or_create().unwrap();
    let protected = store(folder.path(), Some("correct horse"));
    assert_eq!(protected.load(Ask::Again).unwrap(), key);
    assert_eq!(protected.state(), KeyState::Passphrase);
    assert!(!folder.path().join("key.txt").exists());
    let on_disk = fs::read(folder.path().join("key.age")).unwrap();
    assert!(
        !on_disk
            .windows(16)
            .any(|window| key.reveal().as_bytes().starts_with(window))
    );
}

#[test]
fn a_passphrase_can_be_given_while_the_key_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let secret = |text: &str| Secret::new(text.into());
    let keys = store(folder.path(), None);
    let key = keys.load_or_create().unwrap();
    let short = keys.give_passphrase(secret("short"));
    assert!(matches!(short, Err(Error::BadPassphrase)));
    assert_eq!(keys.state(), KeyState::Unprotected);
    keys.give_passphrase(secret("correct horse")).unwrap();
    assert_eq!(keys.state(), KeyState::Passphrase);
    assert!(!folder.path().join("key.txt").exists());

    let later = store(folder.path(), None);
    assert!(later.load(Ask::Again).is_err());
    let wrong = later.give_passphrase(secret("battery staple"));
    assert!(matches!(wrong, Err(Error::WrongPassphrase)));
    assert_eq!(later.state(), KeyState::Missing);
    later.give_passphrase(secret("correct horse")).unwrap();
    assert_eq!(later.load(Ask::Once).unwrap(), key);
}

#[test]
fn a_passphrase_that_comes_first_protects_the_key_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let keys = store(folder.path(), None);
    keys.give_passphrase(Secret::new("correct horse".into()))
        .unwrap();
    assert_eq!(keys.state(), KeyState::Passphrase);
    assert!(!folder.path().join("key.txt").exists());
}

#[test]
fn a_wrong_or_missing_passphrase_locks_and_never_makes_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = store(folder.path(), Some("correct horse"))
        .load_or_create()
        .unwrap();
    for wrong in [None, Some("battery staple")] {
        let keys = store(folder.path(), wrong);
        assert!(matches!(keys.load_or_create(), Err(Error::Locked(_))));
        assert_eq!(keys.state(), KeyState::Missing);
    }
    assert_eq!(
        store(folder.path(), Some("correct horse"))
            .load(Ask::Again)
            .unwrap(),
        key
    );
}

#[test]
fn looking_for_the_key_changes_nothing_of_how_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let key = store(folder.path(), None).load_or_create().unwrap();
    let passphrase = Secret::new("correct horse".into());
    assert_eq!(export_key(folder.path(), Some(&passphrase)).unwrap(), key);
    assert_eq!(store(folder.path(), None).state(), KeyState::Unprotected);
    let names = fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 1, "something beside key.txt");
    assert_eq!(export_key(folder.path(), None).unwrap(), key);
}

#[test]
fn an_open_copy_that_a_crash_left_is_said_and_removed_once_the_protected_one_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("key.txt");
    let key = store(folder.path(), Some("correct horse"))
        .load_or_create()
        .unwrap();
    write_private(&left, key.reveal().as_bytes()).unwrap();
    let keys = store(folder.path(), Some("correct horse"));
    assert_eq!(keys.state(), KeyState::Unprotected);
    assert_eq!(keys.load(Ask::Again).unwrap(), key);
    assert!(!left.exists());
    assert_eq!(keys.state(), KeyState::Passphrase);
}

#[test]
fn another_key_beside_the_protected_one_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("key.txt");
    let keys = store(folder.path(), Some("correct horse"));
    let key = keys.load_or_create().unwrap();
    write_private(&left, b"another").unwrap();
    assert_eq!(keys.load(Ask::Again).unwrap(), key);
    assert_eq!(fs::read(&left).unwrap(), b"another");
    assert_eq!(keys.state(), KeyState::Unprotected);
}

#[test]
fn whatever_becomes_of_an_open_copy_the_key_that_was_had_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("key.txt");
    let key = store(folder.path(), Some("correct horse"))
        .load_or_create()
        .unwrap();
    for unreadable in [false, true] {
        if unreadable {
            fs::remove_file(&left).unwrap();
            fs::create_dir(&left).unwrap();
        } else {
            write_private(&left, b"\xff\xfe").unwrap();
        }
        let keys = store(folder.path(), Some("correct horse"));
        assert_eq!(keys.load(Ask::Again).unwrap(), key);
        assert_eq!(keys.load(Ask::Once).unwrap(), key);
        assert!(left.exists());
        assert_eq!(keys.state(), KeyState::Unprotected);
        let given = Secret::new("correct horse".into());
        keys.give_passphrase(given).unwrap();
    }
}

/// As on a disk that is full.
#[test]
fn a_key_that_cannot_be_protected_now_is_given_and_protected_later() {
    let folder = tempfile::tempdir().unwrap();
    let key = store(folder.path(), None).load_or_create().unwrap();
    let in_the_way = folder.path().join("key.new");
    fs::create_dir(&in_the_way).unwrap();
    let keys = store(folder.path(), Some("correct horse"));
    assert_eq!(keys.load(Ask::Again).unwrap(), key);
    assert_eq!(keys.state(), KeyState::Unprotected);
    // Who asks for just that is told.
    let given = keys.give_passphrase(Secret::new("correct horse".into()));
    assert!(matches!(given, Err(Error::Io { .. })), "{given:?}");
    assert_eq!(keys.state(), KeyState::Unprotected);
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(keys.load(Ask::Again).unwrap(), key);
    assert_eq!(keys.state(), KeyState::Passphrase);
}

#[test]
fn those_who_protect_the_key_at_the_same_time_all_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = store(folder.path(), None).load_or_create().unwrap();
    let keys = store(folder.path(), Some("correct horse"));
    thread::scope(|scope| {
        let loads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| keys.load(Ask::Again)))
            .collect();
        for load in loads {
            assert_eq!(load.join().unwrap().unwrap(), key);
        }
    });
    assert_eq!(keys.state(), KeyState::Passphrase);
    assert!(!folder.path().join("key.txt").exists());
}

#[test]
fn a_passphrase_that_could_not_be_set_is_not_used_later() {
    let folder = tempfile::tempdir().unwrap();
    let keys = store(folder.path(), None);
    let key = keys.load_or_create().unwrap();
    // Where the protected key would be written: a mode would not keep out an administrator.
    let in_the_way = folder.path().join("key.new");
    fs::create_dir(&in_the_way).unwrap();
    let given = keys.give_passphrase(Secret::new("correct horse".into()));
    assert!(matches!(given, Err(Error::Io { .. })), "{given:?}");
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(keys.load(Ask::Again).unwrap(), key);
    assert_eq!(keys.state(), KeyState::Unprotected);
    let after_a_start = store(folder.path(), None);
    assert_eq!(after_a_start.load(Ask::Again).unwrap(), key);
}
