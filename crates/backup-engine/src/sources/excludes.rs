//! What of a source is left out: lines as in a `.gitignore` file at its top.
//!
//! As there, the last line that matches counts, `!` takes something in again, and what lies in a folder that is left out
//! cannot be taken in.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::Error;

/// Far beyond what anybody writes, and little enough to compile at once.
const MOST_LINES: usize = 1_000;
const LONGEST_LINE: usize = 4_096;

#[derive(Clone, Debug)]
pub(super) struct Excludes(Gitignore);

impl Excludes {
    /// Errors: `BadPattern`, with the number of the line (from 1).
    pub(super) fn compile(lines: &[String]) -> Result<Self, Error> {
        if lines.len() > MOST_LINES {
            return Err(bad(MOST_LINES + 1, "there are too many lines"));
        }
        // Everything that is matched is relative to the source, so no root is taken off.
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for (line, number) in lines.iter().zip(1..) {
            if line.len() > LONGEST_LINE {
                return Err(bad(number, "it is too long"));
            }
            if line.contains(['\n', '\r', '\0']) {
                return Err(bad(number, "it holds a line break or a null byte"));
            }
            builder
                .add_line(None, line)
                .map_err(|error| bad(number, &reason(error)))?;
        }
        let compiled = builder.build();
        compiled
            .map(Self)
            .map_err(|error| bad(lines.len(), &reason(error)))
    }

    /// Whether an entry is left out whose folder is not.
    pub(super) fn leave_out(&self, relative: &Path, is_folder: bool) -> bool {
        self.0.matched(relative, is_folder).is_ignore()
    }
}

fn bad(line: usize, why: &str) -> Error {
    Error::BadPattern {
        line,
        why: why.to_owned(),
    }
}

/// The reason alone: what the line says may be a path.
fn reason(error: ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(lines: &[&str]) -> Excludes {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Excludes::compile(&lines).unwrap()
    }

    #[test]
    fn lines_mean_what_they_mean_to_git() {
        let rules = excludes(&[
            "# a comment",
            "",
            "*.o",
            "!keep.o",
            "/top",
            "build/",
            "a/**/z",
            "\\#real",
        ]);
        let out = |path: &str, folder| rules.leave_out(Path::new(path), folder);
        assert!(out("x.o", false) && out("deep/er/x.o", false));
        assert!(!out("keep.o", false) && !out("deep/keep.o", false));
        assert!(out("top", false) && !out("deep/top", false));
        assert!(out("deep/build", true) && !out("deep/build", false));
        assert!(out("a/b/c/z", false) && !out("b/a/b/z", false));
        assert!(out("#real", false) && !out("# a comment", false));
    }

    #[test]
    fn a_line_that_is_no_pattern_is_named() {
        let lines = ["*.o".to_owned(), String::new(), "a[b".to_owned()];
        let error = Excludes::compile(&lines).unwrap_err();
        assert!(
            matches!(error, Error::BadPattern { line: 3, .. }),
            "{error:?}"
        );
        assert!(error.message().contains("Line 3"), "{}", error.message());
        for bad in ["a\nb", "a\0b", "{a", &"x".repeat(5_000)] {
            let error = Excludes::compile(&[bad.to_owned()]).unwrap_err();
            assert!(
                matches!(error, Error::BadPattern { line: 1, .. }),
                "{bad}: {error:?}"
            );
        }
    }
}
