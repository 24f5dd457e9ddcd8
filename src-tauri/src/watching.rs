//! Sends views to the window through its channel, until the window goes or asks again.

use std::sync::{Mutex, PoisonError};

use backup_manager::View;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tokio::sync::watch;

/// The one channel that is served.
#[derive(Default)]
pub struct Watching(Mutex<Option<JoinHandle<()>>>);

impl Watching {
    /// Serves this channel from now on, and no longer the one before: that belonged to a page that has gone.
    pub fn follow(&self, views: watch::Receiver<View>, channel: Channel<View>) {
        self.replace(Some(tauri::async_runtime::spawn(send(views, channel))));
    }

    /// The window has gone.
    pub fn stop(&self) {
        self.replace(None);
    }

    fn replace(&self, next: Option<JoinHandle<()>>) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *current, next) {
            before.abort();
        }
    }
}

async fn send(mut views: watch::Receiver<View>, channel: Channel<View>) {
    loop {
        let view = views.borrow_and_update().clone();
        if let Err(error) = channel.send(view) {
            tracing::debug!(%error, "the window no longer listens");
            return;
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}
