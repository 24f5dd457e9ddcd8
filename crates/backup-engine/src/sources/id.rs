//! The id of a source: short, safe in a path and on a command line, and the name of its folder in a backup.

use std::ffi::OsStr;
use std::fmt;

const LONGEST: usize = 40;

/// What has another meaning: the library in a path of the API, and devices where Windows restores.
const RESERVED: [&str; 5] = ["library", "con", "prn", "aux", "nul"];

/// 1 to 40 of `a-z`, `0-9` and `-`, and the first is no `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(String);

impl SourceId {
    /// Reads an id; `None` for whatever is not exactly of its form.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let formed = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-');
        (formed && !is_reserved(text)).then(|| Self(text.to_owned()))
    }

    /// An id for a folder of this name, other than those that are `taken`.
    pub(crate) fn for_name(name: &OsStr, taken: &[Self]) -> Self {
        let mut base = String::new();
        for byte in name.to_string_lossy().to_ascii_lowercase().bytes() {
            if byte.is_ascii_alphanumeric() {
                base.push(char::from(byte));
            } else if !base.is_empty() && !base.ends_with('-') {
                base.push('-');
            }
        }
        base.truncate(LONGEST);
        let mut base = base.trim_end_matches('-').to_owned();
        if base.is_empty() || is_reserved(&base) {
            base = format!("folder-{base}").trim_end_matches('-').to_owned();
        }
        let mut id = Self(base.clone());
        let mut number = 2_u64;
        while taken.contains(&id) {
            let suffix = format!("-{number}");
            let kept = base.len().min(LONGEST - suffix.len());
            id = Self(format!("{}{suffix}", &base[..kept]));
            number += 1;
        }
        id
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_reserved(text: &str) -> bool {
    let port = |prefix: &str| {
        let digit = text.strip_prefix(prefix);
        digit.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|d| d.is_ascii_digit()))
    };
    RESERVED.contains(&text) || port("com") || port("lpt")
}

impl fmt::Display for SourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_that_is_made_reads_back(name in ".*", count in 0usize..12) {
            let mut taken = Vec::new();
            for _ in 0..=count {
                let id = SourceId::for_name(OsStr::new(&name), &taken);
                prop_assert_eq!(SourceId::parse(id.as_str()), Some(id.clone()));
                prop_assert!(!taken.contains(&id));
                taken.push(id);
            }
        }
    }

    #[test]
    fn an_id_resembles_the_name_of_its_folder() {
        let id = |name: &str| SourceId::for_name(OsStr::new(name), &[]).to_string();
        assert_eq!(id("Documents"), "documents");
        assert_eq!(id("com.pieces.os"), "com-pieces-os");
        assert_eq!(id("  My  Photos (2024) "), "my-photos-2024");
        assert_eq!(id("Über"), "ber");
        assert_eq!(id("文書"), "folder");
        assert_eq!(id("Library"), "folder-library");
        assert_eq!(id("CON"), "folder-con");
        assert_eq!(id("com1"), "folder-com1");
        assert_eq!(id(&"x".repeat(300)), "x".repeat(40));
    }

    #[test]
    fn hostile_texts_are_no_ids() {
        let long = "x".repeat(41);
        for text in [
            "",
            "-",
            "-x",
            "..",
            "a/b",
            "a\\b",
            "A",
            "a b",
            "a.b",
            "é",
            "a\0",
            "library",
            "nul",
            "lpt9",
            long.as_str(),
        ] {
            assert_eq!(SourceId::parse(text), None, "{text}");
        }
    }
}
