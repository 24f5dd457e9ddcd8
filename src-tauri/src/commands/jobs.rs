//! Starting and stopping jobs.

use backup_api::Problem;
use backup_manager::Manager;
use tauri::State;

/// Starts a backup and answers its id as soon as it has started.
#[tauri::command]
#[specta::specta]
pub async fn back_up_now(manager: State<'_, Manager>) -> Result<String, Problem> {
    manager.back_up().await
}

/// Answers when the running job has ended.
#[tauri::command]
#[specta::specta]
pub async fn cancel_job(manager: State<'_, Manager>) -> Result<(), Problem> {
    manager.cancel().await
}

/// Answers as soon as the restore has started.
#[tauri::command]
#[specta::specta]
pub async fn restore(manager: State<'_, Manager>, backup: String) -> Result<(), Problem> {
    manager.restore(&backup).await
}

/// Brings back what the last restore replaced; answers when it is done.
#[tauri::command]
#[specta::specta]
pub async fn undo_restore(manager: State<'_, Manager>) -> Result<(), Problem> {
    manager.undo().await
}
