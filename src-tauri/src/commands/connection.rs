//! Which service the app talks to.

use backup_api::Problem;
use backup_manager::{FoundService, Manager, Target};
use tauri::State;

use crate::settings::Settings;

/// The services found on this machine.
#[tauri::command]
#[specta::specta]
pub async fn services(manager: State<'_, Manager>) -> Result<Vec<FoundService>, Problem> {
    manager.services().await
}

/// Talks to another service from now on, also after the next start.
#[tauri::command]
#[specta::specta]
pub async fn connect(
    manager: State<'_, Manager>,
    settings: State<'_, Settings>,
    target: Target,
) -> Result<(), Problem> {
    manager.connect(target.clone())?;
    settings.remember(&target)
}

/// Tries at once what would be tried again after a while.
#[tauri::command]
#[specta::specta]
pub async fn retry_connection(manager: State<'_, Manager>) -> Result<(), Problem> {
    manager.retry();
    Ok(())
}
