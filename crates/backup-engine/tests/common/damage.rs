//! Damage of every kind to every object of a destination.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    Flipped,
    Cut,
    Removed,
    /// Another object of its kind lies in its place.
    Swapped,
}

pub const DAMAGES: [Damage; 4] = [
    Damage::Flipped,
    Damage::Cut,
    Damage::Removed,
    Damage::Swapped,
];

pub fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects(&path))
        } else {
            found.push(path)
        }
    }
    found.sort();
    found
}

/// Damages an object. What is returned mends it. `None`: there is nothing that could take its place.
pub fn damage(object: &Path, damage: Damage, among: &[PathBuf]) -> Option<impl FnOnce() + use<>> {
    let sound = fs::read(object).unwrap();
    if sound.is_empty() {
        return None;
    }
    let mut content = sound.clone();
    match damage {
        Damage::Flipped => content[sound.len() / 3] ^= 0x10,
        Damage::Cut => content.truncate(sound.len() / 2),
        Damage::Removed => {}
        Damage::Swapped => {
            let kind = |path: &Path| {
                path.strip_prefix("/")
                    .unwrap()
                    .iter()
                    .rev()
                    .nth(1)
                    .map(|name| name.len())
            };
            let other = among
                .iter()
                .find(|other| *other != object && kind(other) == kind(object));
            content = fs::read(other?).unwrap();
        }
    }
    if damage == Damage::Removed {
        fs::remove_file(object).unwrap();
    } else {
        fs::write(object, content).unwrap();
    }
    let object = object.to_owned();
    Some(move || fs::write(object, sound).unwrap())
}

/// The repository library makes its files read-only.
pub fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}
