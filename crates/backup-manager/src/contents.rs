//! What the manager can be asked about folders beside the library, and about what is in a backup. A service without the
//! extension that it takes is not asked; that it cannot is said here.

use backup_api::{
    Differences, Entries, NewSource, Preview, Problem, Restore, Source, SourceChange, SourceRecord,
    Sources, Verify,
};

use crate::manager::Manager;
use crate::problem;

impl Manager {
    /// The folders that are in every backup, and one that could be.
    pub async fn sources(&self) -> Result<Sources, Problem> {
        let api = self.extension("sources", "protect folders beside the library")?;
        api.sources().await
    }

    pub async fn add_source(&self, new: NewSource) -> Result<Source, Problem> {
        let api = self.extension("sources", "protect folders beside the library")?;
        api.add_source(&new).await
    }

    /// What is left out of a folder, from the next backup on.
    pub async fn change_source(&self, id: &str, change: SourceChange) -> Result<Source, Problem> {
        let api = self.extension("sources", "protect folders beside the library")?;
        api.change_source(id, &change).await
    }

    /// The folder and its backups stay as they are.
    pub async fn remove_source(&self, id: &str) -> Result<(), Problem> {
        let api = self.extension("sources", "protect folders beside the library")?;
        api.remove_source(id).await
    }

    /// The folders in a backup, with the files that could not be read, which the list of backups leaves out.
    pub async fn backup_sources(&self, backup: &str) -> Result<Vec<SourceRecord>, Problem> {
        let api = self.extension("details", "say what is in a backup")?;
        let all = api.details().await?;
        all.into_iter()
            .find(|details| details.backup.id == backup)
            .map(|details| details.sources)
            .ok_or_else(problem::unknown_backup)
    }

    /// A page of a folder of a backup; the root is the empty path.
    pub async fn entries(
        &self,
        backup: &str,
        path: &str,
        after: Option<&str>,
    ) -> Result<Entries, Problem> {
        let api = self.extension("browse", "show what is in a backup")?;
        api.entries(backup, path, after).await
    }

    /// A page of what has changed from this backup until now.
    pub async fn changes_since(
        &self,
        backup: &str,
        after: Option<&str>,
    ) -> Result<Differences, Problem> {
        let api = self.extension("compare", "compare a backup with what is there now")?;
        api.changes_since(backup, after).await
    }

    /// Returns as soon as the check has started; without a backup it is of all of them.
    pub async fn verify(&self, verify: Verify) -> Result<(), Problem> {
        let api = self.extension("verify", "check whether backups can be restored")?;
        api.begin_verify(&verify).await.map(drop)
    }

    /// What this restore would do.
    pub async fn preview_parts(&self, backup: &str, restore: &Restore) -> Result<Preview, Problem> {
        let api = self.extension("restore-parts", "restore a part of a backup")?;
        api.foresee(backup, restore).await
    }

    /// Returns as soon as the restore has started.
    pub async fn restore_parts(&self, backup: &str, restore: Restore) -> Result<(), Problem> {
        let api = self.extension("restore-parts", "restore a part of a backup")?;
        api.begin_restore(backup, &restore).await.map(drop)
    }
}
