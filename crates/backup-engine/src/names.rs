//! Paths as text: a byte that is not UTF-8 and the backslash are escaped as the repository does, so that every path
//! survives.

use std::path::{Path, PathBuf};

use rustic_core::repofile::{Metadata, Node, NodeType};

/// The repository library does not give away its escaping, only nodes that have gone through it.
pub(crate) fn escape(path: &Path) -> String {
    Node::new_node(path.as_os_str(), NodeType::File, Metadata::default()).name
}

pub(crate) fn unescape(text: &str) -> PathBuf {
    let mut node = Node::new_node("".as_ref(), NodeType::File, Metadata::default());
    node.name = text.to_owned();
    PathBuf::from(node.name().into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn every_path_survives_as_text() {
        let all: Vec<u8> = (1..=255).collect();
        for bytes in [
            &b"a/b c"[..],
            b"\\xff",
            b"\xff\xfe/\n\"quoted\"",
            "ä/ö".as_bytes(),
            &all,
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(unescape(&escape(path)), path, "{}", escape(path));
        }
    }
}
