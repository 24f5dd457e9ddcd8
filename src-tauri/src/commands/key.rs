//! The key of the destination, which itself never gets here.

use backup_api::Problem;
use backup_manager::Manager;
use tauri::State;

/// Protects the key with a passphrase, or opens it with the one that protects it. Code `wrong-passphrase` where it does
/// not open it, `unsupported` where the service has no such key.
#[tauri::command]
#[specta::specta]
pub async fn give_passphrase(
    manager: State<'_, Manager>,
    passphrase: String,
) -> Result<(), Problem> {
    manager.give_passphrase(passphrase).await
}
