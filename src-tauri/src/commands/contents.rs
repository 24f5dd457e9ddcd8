//! What is in a backup, whether it can be restored, and restoring what is chosen of it. Code `unsupported` where the service
//! does not offer it.

use backup_api::{Differences, Entries, Preview, Problem, Restore, SourceRecord, Verify};
use backup_manager::Manager;
use tauri::State;

/// The folders in a backup, with the files that could not be read, as far as they are named.
#[tauri::command]
#[specta::specta]
pub async fn backup_sources(
    manager: State<'_, Manager>,
    backup: String,
) -> Result<Vec<SourceRecord>, Problem> {
    manager.backup_sources(&backup).await
}

/// A page of a folder; the root is the empty path, and `after` is `next` of the page before.
#[tauri::command]
#[specta::specta]
pub async fn entries(
    manager: State<'_, Manager>,
    backup: String,
    path: String,
    after: Option<String>,
) -> Result<Entries, Problem> {
    manager.entries(&backup, &path, after.as_deref()).await
}

/// A page of what has changed from this backup until now.
#[tauri::command]
#[specta::specta]
pub async fn changes_since(
    manager: State<'_, Manager>,
    backup: String,
    after: Option<String>,
) -> Result<Differences, Problem> {
    manager.changes_since(&backup, after.as_deref()).await
}

/// Answers as soon as the check has started.
#[tauri::command]
#[specta::specta]
pub async fn verify(manager: State<'_, Manager>, verify: Verify) -> Result<(), Problem> {
    manager.verify(verify).await
}

/// What this restore would do.
#[tauri::command]
#[specta::specta]
pub async fn preview_parts(
    manager: State<'_, Manager>,
    backup: String,
    restore: Restore,
) -> Result<Preview, Problem> {
    manager.preview_parts(&backup, &restore).await
}

/// Answers as soon as the restore has started.
#[tauri::command]
#[specta::specta]
pub async fn restore_parts(
    manager: State<'_, Manager>,
    backup: String,
    restore: Restore,
) -> Result<(), Problem> {
    manager.restore_parts(&backup, restore).await
}
