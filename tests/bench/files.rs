//! Folders of files: 20,000 source files and their change, and what all cases need of folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::{child, corpus};

const FILES: usize = 20_000;
const CHANGED: usize = FILES / 100;

/// Which source files are used: those of the first state, and those that the change adds.
pub struct Selection {
    first: Vec<PathBuf>,
    added: Vec<PathBuf>,
}

impl Selection {
    /// Spread over all there are, the same on every run.
    pub fn make() -> Self {
        let all = corpus::files();
        let wanted = FILES + CHANGED;
        assert!(all.len() >= wanted, "only {} source files", all.len());
        let chosen = (0..wanted).map(|number| all[number * all.len() / wanted].clone());
        let (mut first, mut added) = (Vec::new(), Vec::new());
        for (number, file) in chosen.enumerate() {
            if number % (wanted / CHANGED) == 50 && added.len() < CHANGED {
                added.push(file);
            } else {
                first.push(file);
            }
        }
        Self { first, added }
    }

    /// Copies the first state into a folder.
    pub fn lay_out(&self, folder: &Path) {
        copy(&self.first, folder);
    }

    /// Edits 1% of the files as a person would, and adds 1%.
    pub fn change(&self, folder: &Path) {
        for file in self.first.iter().step_by(self.first.len() / CHANGED) {
            let file = folder.join(file.strip_prefix(corpus::registry()).unwrap());
            let mut text = fs::read(&file).unwrap();
            let line_end = text.iter().position(|byte| *byte == b'\n');
            let middle = line_end.map_or(text.len(), |end| end + 1);
            text.splice(middle..middle, *b"// This line was added.\n");
            fs::write(&file, text).unwrap();
        }
        copy(&self.added, folder);
    }
}

fn copy(files: &[PathBuf], folder: &Path) {
    let registry = corpus::registry();
    for file in files {
        let target = folder.join(file.strip_prefix(&registry).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        // Not `fs::copy`: on some file systems that shares blocks, and a user's files do not.
        fs::write(target, fs::read(file).unwrap()).unwrap();
    }
}

/// The hash of every file below a folder, by its path there.
pub type Contents = BTreeMap<PathBuf, Vec<u8>>;

pub fn contents(folder: &Path) -> Contents {
    let named = |file: PathBuf| {
        let hash = Sha256::digest(fs::read(&file).unwrap()).to_vec();
        (file.strip_prefix(folder).unwrap().to_owned(), hash)
    };
    below(folder).into_iter().map(named).collect()
}

/// Reads everything below a folder once, so that the page cache is in the same state for whoever comes next. In a process of
/// its own: one that closes a file gives up the locks that its SQLite holds on it.
pub fn warm(folder: &Path) {
    let mut find = Command::new("find");
    find.arg(folder)
        .args(["-type", "f", "-exec", "cat", "{}", "+"]);
    child::run(&mut find);
}

/// The sizes of all files below a folder.
pub fn bytes(folder: &Path) -> u64 {
    let files = below(folder);
    files
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum()
}

/// Every regular file below a folder, by name.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
