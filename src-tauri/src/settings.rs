//! The choices of the user that belong to the app rather than to a service: which service to talk to.

use std::fs;
use std::io;
use std::path::PathBuf;

use backup_api::Problem;
use backup_manager::Target;
use serde::{Deserialize, Serialize};

/// Reads and writes one small file.
pub struct Settings(PathBuf);

#[derive(Default, Serialize, Deserialize)]
struct Chosen {
    #[serde(default)]
    target: Target,
}

impl Settings {
    pub fn new(file: PathBuf) -> Self {
        Self(file)
    }

    /// The chosen service; the embedded one if none was chosen or the file does not read.
    pub fn target(&self) -> Target {
        match self.read() {
            Ok(chosen) => chosen.target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Target::default(),
            Err(error) => {
                tracing::warn!(%error, "the settings do not read; the usual ones are used");
                Target::default()
            }
        }
    }

    pub fn remember(&self, target: &Target) -> Result<(), Problem> {
        let target = target.clone();
        self.write(&Chosen { target }).map_err(|error| {
            tracing::error!(%error, "the settings could not be written");
            Problem {
                code: "settings-not-saved".to_owned(),
                message: "The choice is in effect, but could not be saved: it is forgotten at the next start.".to_owned(),
                fix: "Make room in the data folder and check that it can be written to.".to_owned(),
            }
        })
    }

    fn read(&self) -> io::Result<Chosen> {
        Ok(serde_json::from_slice(&fs::read(&self.0)?)?)
    }

    /// Aside and then in its place, so that a full disk leaves the old file whole.
    fn write(&self, chosen: &Chosen) -> io::Result<()> {
        let aside = self.0.with_extension("json.new");
        fs::write(&aside, serde_json::to_vec_pretty(chosen)?)?;
        fs::rename(aside, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_remembered_and_a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(folder.path().join("app.json"));
        assert_eq!(settings.target(), Target::Embedded);
        let address = "http://127.0.0.1:39300".to_owned();
        let chosen = Target::Address { address };
        settings.remember(&chosen).unwrap();
        assert_eq!(settings.target(), chosen);
        fs::write(folder.path().join("app.json"), "{").unwrap();
        assert_eq!(settings.target(), Target::Embedded);
    }

    #[test]
    fn a_choice_that_cannot_be_saved_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(folder.path().join("missing/app.json"));
        let problem = settings.remember(&Target::Embedded).unwrap_err();
        assert_eq!(problem.code, "settings-not-saved");
    }
}
