//! Notifications on the desktop, with buttons that act, also when the window is closed.

use backup_api::Problem;
use backup_manager::{Button, Manager, Notice, Reaction, Subject};
use serde::Serialize;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_notification::{Action, ActionPerformed, ActionType, NotificationExt};
use tokio::sync::mpsc;

use crate::window;

/// Under this name a notification carries what it is about.
const SUBJECT: &str = "subject";

/// Whether notifications can be shown here, and by which program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NotificationSupport {
    pub available: bool,
    pub daemon: Option<String>,
}

/// Shows what the manager tells, from now on, and acts on what is clicked.
pub fn listen(app: &AppHandle, mut notices: mpsc::UnboundedReceiver<Notice>) {
    let types = Button::ALL.map(|button| {
        let action = Action::builder(button.id(), button.label()).build();
        ActionType::builder(button.id())
            .actions(vec![action])
            .build()
    });
    let notifications = app.notification();
    // Before the first notification: one that was shown earlier would have no buttons.
    let handle = app.clone();
    let registered = notifications
        .register_action_types(types.into())
        .and_then(|()| notifications.on_action(move |performed| clicked(&handle, performed)));
    if let Err(error) = registered {
        tracing::error!(%error, "notifications have no buttons");
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        while let Some(notice) = notices.recv().await {
            if let Err(error) = show(&app, &notice) {
                tracing::error!(%error, title = notice.title, "a notification could not be shown");
            }
        }
    });
}

#[derive(Debug, thiserror::Error)]
enum ShowError {
    #[error("{0}")]
    Plugin(#[from] tauri_plugin_notification::Error),
    #[error("what it is about cannot be written: {0}")]
    Subject(#[from] serde_json::Error),
}

fn show(app: &AppHandle, notice: &Notice) -> Result<(), ShowError> {
    tracing::info!(title = notice.title, "notify");
    let mut notification = app
        .notification()
        .builder()
        .title(&notice.title)
        .body(&notice.body)
        .extra(SUBJECT, serde_json::to_string(&notice.subject)?);
    if let Some(button) = notice.button {
        notification = notification.action_type_id(button.id());
    }
    Ok(notification.show()?)
}

fn clicked(app: &AppHandle, performed: &ActionPerformed) {
    let subject = performed
        .notification()
        .and_then(|notification| notification.extra().get(SUBJECT))
        .and_then(|value| value.as_str())
        .and_then(|text| serde_json::from_str::<Subject>(text).ok());
    let Some(subject) = subject else {
        tracing::warn!("a notification was clicked that says nothing of what it is about");
        return window::open(app);
    };
    let action = performed.action_id();
    tracing::info!(action, subject = ?subject.kind, "a notification was clicked");
    let manager = app.state::<Manager>().inner().clone();
    match subject.react(action) {
        Reaction::Show(intent) => window::show(app, intent),
        Reaction::BackUp => {
            tauri::async_runtime::spawn(async move { manager.back_up_unseen().await });
        }
        Reaction::Undo(subject) => {
            tauri::async_runtime::spawn(async move { manager.undo_unseen(&subject).await });
        }
    }
}

/// Asks for the notification daemon, because showing a notification does not tell whether there is one.
pub async fn support() -> Result<NotificationSupport, Problem> {
    let asked = tauri::async_runtime::spawn_blocking(daemon).await;
    let daemon = asked.unwrap_or_else(|error| {
        tracing::warn!(%error, "the notification daemon could not be asked for");
        None
    });
    let available = daemon.is_some() || !cfg!(target_os = "linux");
    Ok(NotificationSupport { available, daemon })
}

#[cfg(target_os = "linux")]
fn daemon() -> Option<String> {
    match notify_rust::get_server_information() {
        Ok(server) => Some(server.name),
        Err(error) => {
            tracing::info!(%error, "there is no notification daemon");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn daemon() -> Option<String> {
    None
}
