//! Where everything of this app lies. Nothing is written anywhere else.

use std::env;
use std::path::PathBuf;

use directories::ProjectDirs;

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
        let usual = || {
            ProjectDirs::from("app", "Holdfast", "Holdfast")
                .map(|dirs| dirs.data_local_dir().to_owned())
        };
        let data = data.or_else(usual)?;
        let destination = destination.unwrap_or_else(|| data.join("backups"));
        Some(Self { data, destination })
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

/// Whether the keychain of the operating system may be used.
pub fn may_use_keychain() -> bool {
    env::var_os("HOLDFAST_NO_KEYCHAIN").is_none_or(|value| value.is_empty() || value == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_lie_in_the_data_folder_unless_another_place_is_named() {
        let data = || Some(PathBuf::from("/data"));
        let usual = Folders::from(data(), None).unwrap();
        assert_eq!(usual.destination, PathBuf::from("/data/backups"));
        let named = Folders::from(data(), Some("/disk".into())).unwrap();
        assert_eq!(named.destination, PathBuf::from("/disk"));
    }
}
