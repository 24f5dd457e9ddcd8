//! Notifications on the desktop, with buttons that act, also when the window is closed.

use backup_api::Problem;
use backup_manager::{Button, Intent, Manager, Notice, Reaction, Subject, Target};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_notification::{Action, ActionPerformed, ActionType, NotificationExt};
use tokio::sync::mpsc;

use crate::window;

/// Under this name a notification carries what it is about.
const SUBJECT: &str = "subject";
/// And under this one, which service it is about.
const TARGET: &str = "target";

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
        .extra(SUBJECT, serde_json::to_string(&notice.subject)?)
        .extra(TARGET, serde_json::to_string(&target(app))?);
    if let Some(button) = notice.button {
        notification = notification.action_type_id(button.id());
    }
    Ok(notification.show()?)
}

fn clicked(app: &AppHandle, performed: &ActionPerformed) {
    let Some(subject) = carried::<Subject>(performed, SUBJECT) else {
        tracing::warn!("a notification was clicked that says nothing of what it is about");
        return window::open(app);
    };
    if carried::<Target>(performed, TARGET).is_some_and(|about| about != target(app)) {
        return say_it_is_elsewhere(app);
    }
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

/// Something that a notification carries, as text.
fn carried<T: DeserializeOwned>(performed: &ActionPerformed, name: &str) -> Option<T> {
    let text = performed.notification()?.extra().get(name)?.as_str()?;
    serde_json::from_str(text).ok()
}

/// The service that is talked to.
fn target(app: &AppHandle) -> Target {
    app.state::<Manager>()
        .view()
        .borrow()
        .connection
        .target
        .clone()
}

/// To do with one service what was offered for another would be worse than to do nothing.
fn say_it_is_elsewhere(app: &AppHandle) {
    window::show(app, Intent::Overview);
    let said = app
        .notification()
        .builder()
        .title("Nothing was done")
        .body("The notification was about another service. Choose it in Settings to go on there.")
        .show();
    if let Err(error) = said {
        tracing::error!(%error, "a notification could not be shown");
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
