//! What the window may ask for, one function a command: take, call, answer. `build.rs` declares them and
//! `capabilities/window.json` allows them; nothing here decides anything.

mod backups;
mod connection;
mod contents;
mod folders;
mod jobs;
mod key;
mod sources;
mod window;

use tauri::Wry;
use tauri_specta::{collect_commands, collect_events};

use crate::intents::IntentRaised;

/// Commands and events with their types: what handles them, and what the bindings are made of.
pub fn interface() -> tauri_specta::Builder<Wry> {
    tauri_specta::Builder::new()
        .commands(collect_commands![
            window::watch,
            backups::backups,
            jobs::back_up_now,
            jobs::cancel_job,
            backups::preview_restore,
            jobs::restore,
            jobs::undo_restore,
            backups::delete_backup,
            backups::undelete_backup,
            contents::backup_sources,
            contents::entries,
            contents::changes_since,
            contents::verify,
            contents::preview_parts,
            contents::restore_parts,
            sources::sources,
            sources::add_source,
            folders::choose_folder,
            sources::change_source,
            sources::remove_source,
            key::give_passphrase,
            connection::services,
            connection::connect,
            connection::retry_connection,
            window::take_intent,
            window::notifications,
        ])
        .events(collect_events![IntentRaised])
        // Sizes in bytes fit: a number holds them exactly up to nine petabytes.
        .dangerously_cast_bigints_to_number()
        .disable_serde_phases()
}
