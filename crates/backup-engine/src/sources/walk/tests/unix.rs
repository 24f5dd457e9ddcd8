//! What only systems with links, fifos and names of any bytes have.

use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

#[test]
fn links_are_stored_and_never_followed() {
    let place = Place::new();
    place.write("folder/x", b"");
    symlink(".", place.path("folder/loop")).unwrap();
    symlink("nowhere", place.path("broken")).unwrap();
    symlink(OsStr::from_bytes(b"caf\xe9"), place.path("bytes")).unwrap();
    symlink("folder/", place.path("to-folder")).unwrap();
    let links: Vec<String> = place
        .classes()
        .into_iter()
        .filter(|(_, class)| *class == Class::Link)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        links,
        [
            "docs/broken",
            "docs/bytes",
            "docs/folder/loop",
            "docs/to-folder"
        ]
    );
    let found = place.walk(&["to-folder/"], &[]);
    let target = |name: &str| {
        let link = found
            .iter()
            .find(|found| found.in_backup.ends_with(name))
            .unwrap();
        link.node.node_type.to_link().to_owned()
    };
    assert_eq!(target("bytes"), Path::new(OsStr::from_bytes(b"caf\xe9")));
    assert_eq!(
        target("to-folder"),
        Path::new("folder/"),
        "a link is no folder to a pattern"
    );
    assert_eq!(place.unread(), []);
}

#[test]
fn fifos_and_sockets_are_stored_without_being_opened() {
    let place = Place::new();
    nix::unistd::mkfifo(&place.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    let expected = ["docs/fifo", "docs/socket"].map(|path| (path.to_owned(), Class::Special));
    assert_eq!(place.classes(), expected);
    let found = place.walk(&[], &[]);
    assert_eq!(
        found[1].node.node_type,
        rustic_core::repofile::NodeType::Fifo
    );
    assert_eq!(
        found[2].node.node_type,
        rustic_core::repofile::NodeType::Socket
    );
}

#[test]
fn hard_links_share_an_inode_and_a_device() {
    let place = Place::new();
    place.write("a", b"x");
    fs::hard_link(place.path("a"), place.path("b")).unwrap();
    let found = place.walk(&[], &[]);
    let (a, b) = (&found[1].node.meta, &found[2].node.meta);
    assert_eq!((a.inode, a.device_id, a.links), (b.inode, b.device_id, 2));
    assert_eq!(a.device_id, fs::metadata(place.path("a")).unwrap().dev());
}

#[test]
fn names_that_are_not_utf_8_keep_their_bytes() {
    let place = Place::new();
    let name = OsStr::from_bytes(b"caf\xe9\\n\n");
    place.write(Path::new(name).join(name), b"x");
    let found = place.walk(&[], &[]);
    assert_eq!(&*found[2].node.name(), name);
    assert_eq!(found[2].in_backup, Path::new("docs").join(name).join(name));
    assert_eq!(paths(&found)[1], r"docs/caf\xe9\\n\n");
}

#[test]
fn an_attribute_that_cannot_be_stored_is_named_and_the_rest_is_stored() {
    let place = Place::new();
    place.write("file", b"x");
    let bytes = OsStr::from_bytes(b"user.\xff");
    for name in [OsStr::new("user.a"), bytes, OsStr::new("user.z")] {
        xattr::set(place.path("file"), name, b"value").unwrap();
    }
    let found = place.walk(&[], &[]);
    let stored = found[1].node.meta.extended_attributes.iter();
    let stored: Vec<_> = stored.map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(
        (stored, found[1].class),
        (vec!["user.a", "user.z"], Class::File)
    );
    let unread = place.unread();
    assert_eq!((unread.len(), unread[0].0.as_str()), (1, "docs/file"));
    assert!(unread[0].1.contains("not UTF-8"), "{}", unread[0].1);
}

/// A folder whose path has `length` bytes.
fn deep(place: &Place, length: usize) -> PathBuf {
    let mut path = place.path("");
    path.pop();
    path.push("docs");
    while length - path.as_os_str().len() > 210 {
        path.push("d".repeat(200));
    }
    let rest = length - path.as_os_str().len() - 1;
    path.push("e".repeat(rest));
    path
}

#[test]
fn a_path_of_4000_bytes_is_met() {
    let place = Place::new();
    let folder = deep(&place, 3_995);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("leaf"), "x").unwrap();
    let found = place.walk(&[], &[]);
    assert_eq!(found.last().unwrap().absolute.as_os_str().len(), 4_000);
    assert_eq!(
        (found.last().unwrap().node.meta.size, place.unread()),
        (1, vec![])
    );
}

#[test]
fn a_path_that_is_too_long_for_the_system_is_named() {
    let place = Place::new();
    let (near, far) = (deep(&place, 3_900), place.folder.path().join("far"));
    fs::create_dir_all(&near).unwrap();
    fs::create_dir_all(far.join("f".repeat(200)).join("g".repeat(200))).unwrap();
    fs::rename(&far, near.join("far")).unwrap();
    place.write("~last", b"");
    let found = place.walk(&[], &[]);
    assert_eq!(
        paths(&found).last().unwrap(),
        "docs/~last",
        "the walk goes on"
    );
    let unread = place.unread();
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(unread[0].0.ends_with(&"g".repeat(200)) || unread[0].0.ends_with(&"f".repeat(200)));
    assert!(unread[0].1.contains("too long"), "{}", unread[0].1);
}

#[test]
fn what_vanishes_between_listing_and_looking_is_named() {
    let place = Place::new();
    for name in ["a", "b", "c/d"] {
        place.write(name, b"");
    }
    let root = Root::open(&place.source(&[]), &[]).unwrap();
    let mut walk = Walk::new(&root, &place.unread).unwrap();
    fs::remove_file(place.path("b")).unwrap();
    let rest: Vec<Found> = walk.by_ref().collect();
    assert_eq!(paths(&rest), ["docs", "docs/a", "docs/c", "docs/c/d"]);
    let removed = "it was removed while the backup ran".to_owned();
    assert_eq!(place.unread(), [("docs/b".to_owned(), removed)]);
}
