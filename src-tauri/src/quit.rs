//! The orderly end: what runs is cancelled and settled, the service ends, and then the app does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{AppHandle, Manager as _};

use crate::embedded::Embedded;

/// A service that has not settled by then would not: the next start does it from the journal.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the app is being quit.
#[derive(Default)]
pub struct Quitting(AtomicBool);

impl Quitting {
    /// From the first call on no window is made any more. False: it was called before.
    fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Ends the app. Asking again changes nothing: what runs is being settled.
pub fn quit(app: AppHandle) {
    if !app.state::<Quitting>().begin() {
        return;
    }
    // Who starts Holdfast from now on gets a new one, and not a window of this one.
    tauri_plugin_single_instance::destroy(&app);
    tauri::async_runtime::spawn(async move {
        let embedded = app.state::<Arc<Embedded>>().inner().clone();
        if let Some(window) = app.get_webview_window(crate::window::LABEL)
            && let Err(error) = window.destroy()
        {
            tracing::warn!(%error, "the window stays until the end");
        }
        if tokio::time::timeout(PATIENCE, embedded.stop())
            .await
            .is_err()
        {
            tracing::error!("the service did not end in time");
        }
        app.exit(0);
    });
}

/// Ends the app when the system asks it to.
pub fn when_told(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        told().await;
        quit(app);
    });
}

/// Returns at Ctrl-C, or at SIGTERM where there is one.
async fn told() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => return,
                    _ = tokio::signal::ctrl_c() => return,
                }
            }
            Err(error) => tracing::warn!(%error, "SIGTERM is not noticed"),
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C is not noticed");
        std::future::pending::<()>().await;
    }
}
