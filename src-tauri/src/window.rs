//! The one window. Closing it frees its web view and leaves the app in the tray; it is made anew when it is wanted.

use std::sync::{Mutex, PoisonError};

use backup_manager::{Intent, Manager};
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager as _, Url, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_specta::Event;

use crate::folders::Folders;
use crate::intents::{IntentRaised, Intents};
use crate::quit::Quitting;
use crate::watching::Watching;

/// As in `tauri.conf.json` and in the capabilities.
pub const LABEL: &str = "main";

/// Held while a window is made, so that two who want one get the same.
#[derive(Default)]
pub struct Opening(Mutex<()>);

/// Shows the window, and makes it if it is not there. Returns at once.
pub fn open(app: &AppHandle) {
    if app.state::<Quitting>().has_begun() {
        return;
    }
    let app = app.clone();
    // Away from the thread of the event loop, which has to make the window.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = make_and_show(&app) {
            tracing::error!(%error, "the window cannot be shown");
        }
    });
}

/// Shows something in the window.
pub fn show(app: &AppHandle, intent: Intent) {
    app.state::<Intents>().put(intent);
    open(app);
    // A window that is being made takes it by itself.
    if let Err(error) = IntentRaised.emit(app) {
        tracing::warn!(%error, "the window is not told what to show");
    }
}

/// Keeps track of whether somebody looks at the window.
pub fn happened(app: &AppHandle, label: &str, event: &WindowEvent) {
    if label != LABEL {
        return;
    }
    match event {
        WindowEvent::Focused(focused) => app.state::<Manager>().set_watched(*focused),
        WindowEvent::Destroyed => {
            app.state::<Manager>().set_watched(false);
            app.state::<Watching>().stop();
        }
        _ => {}
    }
}

fn make_and_show(app: &AppHandle) -> tauri::Result<()> {
    let opening = app.state::<Opening>();
    let _one_at_a_time = opening.0.lock().unwrap_or_else(PoisonError::into_inner);
    let window = match app.get_webview_window(LABEL) {
        Some(window) => window,
        None => make(app)?,
    };
    window.show()?;
    window.unminimize()?;
    window.set_focus()
}

fn make(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let config = app.config().app.windows.first();
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    WebviewWindowBuilder::from_config(app, config)?
        .data_directory(app.state::<Folders>().window())
        .on_navigation(is_own)
        .on_new_window(|url, _| {
            tracing::warn!(host = url.host_str(), "a new window was refused");
            NewWindowResponse::Deny
        })
        .build()
}

/// Only the interface that is built into the program is ever loaded.
fn is_own(url: &Url) -> bool {
    let own = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Where the system's web view knows no schemes of an app.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    };
    if !own {
        tracing::warn!(host = url.host_str(), "a navigation was refused");
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_built_interface_is_loaded() {
        let loads = |address: &str| is_own(&address.parse().unwrap());
        assert!(loads("tauri://localhost/index.html"));
        for address in [
            "http://127.0.0.1:1000/",
            "https://example.org/",
            "tauri://example.org/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!loads(address), "{address}");
        }
    }
}
