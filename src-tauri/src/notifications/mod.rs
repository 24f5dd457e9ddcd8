//! Notifications on the desktop, with buttons that act.

use serde::Serialize;

/// Whether notifications can be shown here, and by which program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NotificationSupport {
    pub available: bool,
    pub daemon: Option<String>,
}

/// Asks for the notification daemon, because showing a notification does not tell whether there is one.
pub async fn support() -> NotificationSupport {
    NotificationSupport {
        available: false,
        daemon: None,
    }
}
