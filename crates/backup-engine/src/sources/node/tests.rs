use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn node(path: &Path) -> Node {
    let metadata = fs::symlink_metadata(path).unwrap();
    node_of(path, &metadata, &mut Names::default()).unwrap().0
}

#[test]
fn modes_are_those_of_go() {
    assert_eq!(unix::go_mode(0o100_644), 0o644);
    assert_eq!(unix::go_mode(0o104_755), 0o755 | 1 << 23);
    assert_eq!(unix::go_mode(0o042_750), 0o750 | 1 << 31 | 1 << 22);
    assert_eq!(unix::go_mode(0o041_777), 0o777 | 1 << 31 | 1 << 20);
    assert_eq!(unix::go_mode(0o120_777), 0o777 | 1 << 27);
    assert_eq!(unix::go_mode(0o020_620), 0o620 | 1 << 26 | 1 << 21);
    assert_eq!(unix::go_mode(0o060_660), 0o660 | 1 << 26);
    assert_eq!(unix::go_mode(0o010_600), 0o600 | 1 << 25);
    assert_eq!(unix::go_mode(0o140_600), 0o600 | 1 << 24);
}

#[test]
fn a_node_says_what_the_system_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "content").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let past = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(past)
        .unwrap();
    let (meta, stat) = (node(&path).meta, fs::metadata(&path).unwrap());
    let mtime = Timestamp::new(1_000_000_000, 123_456_789).ok();
    assert_eq!((meta.mtime, meta.atime, meta.size), (mtime, mtime, 7));
    assert_eq!(
        (meta.mode, meta.inode, meta.links),
        (Some(0o640), stat.ino(), 1)
    );
    assert_eq!((meta.uid, meta.gid), (Some(stat.uid()), Some(stat.gid())));
    let user = nix::unistd::User::from_uid(stat.uid().into()).unwrap();
    assert_eq!(meta.user, user.map(|user| user.name));
    assert_eq!(meta.device_id, 0);
    fs::hard_link(&path, folder.path().join("other")).unwrap();
    assert_eq!(
        (node(&path).meta.device_id, node(&path).meta.links),
        (stat.dev(), 2)
    );
}

#[test]
fn a_file_that_has_just_changed_is_read_again_by_the_next_backup() {
    let ctime = Timestamp::new(1_000_000_000, 0).unwrap();
    let stored = |millis_later: i64| {
        let mut meta = Metadata {
            ctime: Some(ctime),
            ..Metadata::default()
        };
        let now = 1_000_000_000_000 + millis_later;
        let now = Duration::from_millis(now.try_into().unwrap());
        unsettle(&mut meta, SystemTime::UNIX_EPOCH + now);
        meta.ctime.unwrap()
    };
    assert_ne!(stored(1), ctime);
    assert_ne!(stored(2_000), ctime);
    assert_ne!(
        stored(1),
        stored(900),
        "two such looks do not look the same"
    );
    assert_ne!(stored(-90_000), ctime, "one clock is ahead of the other");
    assert_eq!(stored(2_001), ctime);
}

#[test]
fn extended_attributes_are_those_of_the_entry_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&path, "").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    xattr::set(&path, "user.b", b"\xff\0").unwrap();
    xattr::set(&path, "user.a", b"").unwrap();
    let attributes = node(&path).meta.extended_attributes;
    let found: Vec<_> = attributes
        .iter()
        .map(|a| (a.name.as_str(), a.value.as_deref()))
        .collect();
    assert_eq!(
        found,
        [("user.a", Some(&b""[..])), ("user.b", Some(b"\xff\0"))]
    );
    assert_eq!(node(&link).meta.extended_attributes, []);
    assert_eq!(node(&link).node_type.to_link(), Path::new("file"));
}
