//! What somebody asked the window to show while it may not have been there. The window is told that there is something,
//! and takes it when it is ready.

use std::sync::{Mutex, PoisonError};

use backup_manager::Intent;
use serde::{Deserialize, Serialize};

/// Tells the window to take the intent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct IntentRaised;

/// The last thing asked for that no window has shown yet.
#[derive(Default)]
pub struct Intents(Mutex<Option<Intent>>);

impl Intents {
    pub fn put(&self, intent: Intent) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(intent);
    }

    pub fn take(&self) -> Option<Intent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
