//! What the window needs of the app around it.

use backup_api::Problem;
use backup_manager::{Intent, Manager, View};
use tauri::State;
use tauri::ipc::Channel;

use crate::intents::Intents;
use crate::notifications::{self, NotificationSupport};
use crate::watching::Watching;

/// Sends a view at once and then whenever it has changed, until the window goes.
#[tauri::command]
#[specta::specta]
pub async fn watch(
    manager: State<'_, Manager>,
    watching: State<'_, Watching>,
    channel: Channel<View>,
) -> Result<(), Problem> {
    watching.follow(manager.view(), channel);
    Ok(())
}

/// What a notification, the tray or a second start asked the window to show, once.
#[tauri::command]
#[specta::specta]
pub async fn take_intent(intents: State<'_, Intents>) -> Result<Option<Intent>, Problem> {
    Ok(intents.take())
}

/// Whether notifications can be shown here.
#[tauri::command]
#[specta::specta]
pub async fn notifications() -> Result<NotificationSupport, Problem> {
    notifications::support().await
}
