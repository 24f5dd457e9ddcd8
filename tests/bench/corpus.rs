//! Real text and real source files: those of the crates that this workspace is locked to, the same ones on every run.

use std::fs;
use std::path::{Path, PathBuf};

/// What counts as a source file.
const KINDS: [&str; 8] = ["rs", "c", "h", "cc", "md", "js", "toml", "py"];

/// Every source file there is, in the order of their names.
pub fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in crates() {
        sources(&folder, &mut found);
    }
    found
}

/// The folder in which the sources of all crates lie; the paths of [`files`] begin with it.
pub fn registry() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.expect("a home folder").join("registry/src");
    let mut registries = fs::read_dir(&sources)
        .unwrap_or_else(|error| panic!("{}: {error}", sources.display()))
        .map(|entry| entry.unwrap().path());
    // Other registries hold what other projects use.
    registries
        .find(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("index.crates.io-")
        })
        .expect("crates.io's sources are fetched by `cargo xtask bench`")
}

/// Pieces of about that many bytes, cut from the source files one after another, with the name of their file.
pub fn snippets(bytes: usize) -> impl Iterator<Item = (String, String)> {
    files().into_iter().flat_map(move |file| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap_or_default();
        pieces(&text, bytes)
            .into_iter()
            .map(move |piece| (name.clone(), piece))
    })
}

fn pieces(text: &str, bytes: usize) -> Vec<String> {
    let (mut rest, mut pieces) = (text, Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(bytes.min(rest.len())));
        rest = after;
        // The crumbs at the end of a file are no snippet.
        if piece.len() * 4 > bytes {
            pieces.push(piece.to_owned());
        }
    }
    pieces
}

/// The folders of the locked crates: the registry of this machine may hold more, from other projects.
fn crates() -> Vec<PathBuf> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let registry = registry();
    let mut folders: Vec<PathBuf> = lock
        .split("[[package]]")
        .filter_map(|package| {
            let value = |key: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(key))?;
                Some(line.trim_matches(['"', ' ', '=']).to_owned())
            };
            Some(registry.join(format!("{}-{}", value("name")?, value("version")?)))
        })
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    folders
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            sources(&path, found);
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|kind| KINDS.iter().any(|known| kind == *known))
        {
            found.push(path);
        }
    }
}
