//! Remembers what a slow step was made from, so that it runs again only when that has changed.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::command::{Doing, Failure};
use crate::workspace::Workspace;

/// Names that are results or belongings of others, never sources.
const NOT_SOURCES: [&str; 4] = ["node_modules", "dist", "__pycache__", ".svelte-kit"];

/// The state of some inputs, and the file that says which state was last built.
pub struct Stamp {
    file: PathBuf,
    state: String,
}

impl Stamp {
    /// Reads all `inputs` (files, or folders with everything in them).
    pub fn of(workspace: &Workspace, name: &str, inputs: &[PathBuf]) -> Result<Self, Failure> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            add(&mut hasher, input)?;
        }
        Ok(Self {
            file: workspace.target.join("xtask").join(name),
            state: format!("{:016x}", hasher.finish()),
        })
    }

    /// Whether the inputs are as they were when the step last succeeded.
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|state| state == self.state)
    }

    /// To be called when the step has succeeded.
    pub fn remember(&self) -> Result<(), Failure> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).doing(format_args!("create {}", folder.display()))?;
        }
        fs::write(&self.file, &self.state).doing(format_args!("write {}", self.file.display()))
    }
}

fn add(hasher: &mut DefaultHasher, path: &Path) -> Result<(), Failure> {
    hasher.write(path.as_os_str().as_encoded_bytes());
    if path.is_dir() {
        let entries = fs::read_dir(path).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut entries = entries.doing(format_args!("read {}", path.display()))?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default();
            if !NOT_SOURCES.iter().any(|skipped| name == *skipped) {
                add(hasher, &entry)?;
            }
        }
    } else {
        let content = fs::read(path).doing(format_args!("read {}", path.display()))?;
        hasher.write_usize(content.len());
        hasher.write(&content);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_fresh_until_a_source_changes() -> Result<(), Failure> {
        let root = std::env::temp_dir().join(format!("holdfast-stamp-{}", std::process::id()));
        let sources = root.join("ui");
        fs::create_dir_all(sources.join("node_modules")).doing("create folders")?;
        fs::write(sources.join("a.ts"), "1").doing("write")?;
        let workspace = Workspace {
            root: root.clone(),
            target: root.join("target"),
        };
        let stamp = || Stamp::of(&workspace, "built", std::slice::from_ref(&sources));

        assert!(!stamp()?.is_fresh());
        stamp()?.remember()?;
        assert!(stamp()?.is_fresh());
        fs::write(sources.join("node_modules/b.js"), "2").doing("write")?;
        assert!(stamp()?.is_fresh());
        fs::write(sources.join("a.ts"), "2").doing("write")?;
        assert!(!stamp()?.is_fresh());
        fs::remove_dir_all(root).doing("clean up")
    }
}
