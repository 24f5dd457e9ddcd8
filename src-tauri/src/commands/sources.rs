//! The folders that are in every backup beside the library.

use backup_api::{NewSource, Problem, Source, SourceChange, Sources};
use backup_manager::Manager;
use tauri::State;

/// The folders, and one that could be. Code `unsupported` where the service protects nothing but its library.
#[tauri::command]
#[specta::specta]
pub async fn sources(manager: State<'_, Manager>) -> Result<Sources, Problem> {
    manager.sources().await
}

#[tauri::command]
#[specta::specta]
pub async fn add_source(manager: State<'_, Manager>, folder: NewSource) -> Result<Source, Problem> {
    manager.add_source(folder).await
}

/// What is left out of a folder, from the next backup on.
#[tauri::command]
#[specta::specta]
pub async fn change_source(
    manager: State<'_, Manager>,
    source: String,
    change: SourceChange,
) -> Result<Source, Problem> {
    manager.change_source(&source, change).await
}

/// The folder and its backups stay as they are.
#[tauri::command]
#[specta::specta]
pub async fn remove_source(manager: State<'_, Manager>, source: String) -> Result<(), Problem> {
    manager.remove_source(&source).await
}
