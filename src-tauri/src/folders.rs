//! Where everything of this app lies. Nothing is written anywhere else.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use directories::ProjectDirs;

/// As in `tauri.conf.json`.
const IDENTIFIER: &str = "app.holdfast.desktop";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The library, the key, the address of the service, the choices of the user.
    pub data: PathBuf,
    /// Where backups go.
    pub destination: PathBuf,
}

impl Folders {
    /// As the environment says (`HOLDFAST_DATA_DIR`, `HOLDFAST_DESTINATION`), else in the user's data folder. `None`:
    /// there is no home.
    pub fn find() -> Option<Self> {
        let named = |name| env::var_os(name).filter(|value| !value.is_empty());
        Self::from(
            named("HOLDFAST_DATA_DIR").map(PathBuf::from),
            named("HOLDFAST_DESTINATION").map(PathBuf::from),
        )
    }

    fn from(data: Option<PathBuf>, destination: Option<PathBuf>) -> Option<Self> {
        let data = data.or_else(usual_data)?;
        let destination = destination.unwrap_or_else(|| data.join("backups"));
        Some(Self { data, destination })
    }

    /// The name under which one app at a time runs: another for every data folder, so that a second start never shows the
    /// library of a folder that it does not mean.
    pub fn instance(&self) -> String {
        if self.data == usual_data().unwrap_or_default() {
            return IDENTIFIER.to_owned();
        }
        let mut hash = DefaultHasher::new();
        std::path::absolute(&self.data)
            .unwrap_or_else(|_| self.data.clone())
            .hash(&mut hash);
        format!("{IDENTIFIER}.x{:016x}", hash.finish())
    }

    /// What the web view keeps.
    pub fn window(&self) -> PathBuf {
        self.data.join("window")
    }

    /// What the user chose.
    pub fn settings(&self) -> PathBuf {
        self.data.join("app.json")
    }
}

fn usual_data() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("app", "Holdfast", "Holdfast")?;
    Some(dirs.data_local_dir().to_owned())
}

/// Whether the keychain of the operating system may be used.
pub fn may_use_keychain() -> bool {
    env::var_os("HOLDFAST_NO_KEYCHAIN").is_none_or(|value| value.is_empty() || value == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_folder_has_an_app_of_its_own() {
        let named = |data: &str| Folders::from(Some(data.into()), None).unwrap().instance();
        assert_eq!(Folders::from(None, None).unwrap().instance(), IDENTIFIER);
        assert_eq!(named("/one"), named("/one"));
        assert_ne!(named("/one"), named("/two"));
        // A part of a name on the bus begins with a letter.
        assert!(named("/one").starts_with("app.holdfast.desktop.x"));
    }

    #[test]
    fn backups_lie_in_the_data_folder_unless_another_place_is_named() {
        let data = || Some(PathBuf::from("/data"));
        let usual = Folders::from(data(), None).unwrap();
        assert_eq!(usual.destination, PathBuf::from("/data/backups"));
        let named = Folders::from(data(), Some("/disk".into())).unwrap();
        assert_eq!(named.destination, PathBuf::from("/disk"));
    }
}
