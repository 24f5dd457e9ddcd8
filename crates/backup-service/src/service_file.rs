//! `service.json`: how programs of the same user find this service and prove that they are of the same user.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use backup_api::ServiceFile;
use rand::Rng;

/// The written file; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Announcement(PathBuf);

impl Announcement {
    pub(crate) fn write(data_dir: &Path, file: &ServiceFile) -> io::Result<Self> {
        let path = data_dir.join("service.json");
        let aside = data_dir.join("service.json.new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut target = options.open(&aside)?;
        target.write_all(&serde_json::to_vec(file)?)?;
        fs::rename(&aside, &path)?;
        Ok(Self(path))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, "service.json stays behind; readers see by its process that it is stale");
        }
    }
}

/// A token that nobody guesses, new at each start.
pub(crate) fn new_token() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
