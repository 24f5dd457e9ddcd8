//! The list of backups and what can be done with one of them, other than restoring it.

use backup_api::{Preview, Problem};
use backup_manager::{BackupRow, Manager};
use tauri::State;

/// Newest first. Worth asking again when `View.backups_revision` is another.
#[tauri::command]
#[specta::specta]
pub async fn backups(manager: State<'_, Manager>) -> Result<Vec<BackupRow>, Problem> {
    manager.backups().await
}

/// What a restore would do. Code `unsupported` where the service cannot tell.
#[tauri::command]
#[specta::specta]
pub async fn preview_restore(
    manager: State<'_, Manager>,
    backup: String,
) -> Result<Preview, Problem> {
    manager.preview(&backup).await
}

#[tauri::command]
#[specta::specta]
pub async fn delete_backup(manager: State<'_, Manager>, backup: String) -> Result<(), Problem> {
    manager.delete(&backup).await
}

/// Possible until the service ends. Code `unsupported` where the service cannot do it.
#[tauri::command]
#[specta::specta]
pub async fn undelete_backup(manager: State<'_, Manager>, backup: String) -> Result<(), Problem> {
    manager.undelete(&backup).await
}
