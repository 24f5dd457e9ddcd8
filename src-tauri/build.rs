//! Declares the app's commands, so that each of them needs a capability that allows it.

/// What the window may ask for; `capabilities/window.json` allows each one by name.
const COMMANDS: &[&str] = &[
    "watch",
    "backups",
    "back_up_now",
    "cancel_job",
    "preview_restore",
    "restore",
    "undo_restore",
    "delete_backup",
    "undelete_backup",
    "backup_sources",
    "entries",
    "changes_since",
    "verify",
    "preview_parts",
    "restore_parts",
    "sources",
    "add_source",
    "choose_folder",
    "change_source",
    "remove_source",
    "give_passphrase",
    "services",
    "connect",
    "retry_connection",
    "take_intent",
    "notifications",
];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
