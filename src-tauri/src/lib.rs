//! The app: it puts the service, the manager, the window, the tray and the notifications together, and takes them apart
//! again at the end. What any of them does is decided elsewhere.

pub mod bindings;
mod commands;
mod display;
mod embedded;
mod folders;
mod intents;
mod notifications;
mod quit;
mod settings;
mod setup;
mod tray;
mod watching;
mod window;

use std::process::ExitCode;

use tauri::RunEvent;

use crate::folders::Folders;

/// Runs the app until it is quit. `context`: its configuration and the built interface.
pub fn run(context: tauri::Context) -> ExitCode {
    start_log();
    match try_run(context) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("holdfast-app: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(context: tauri::Context) -> Result<ExitCode, String> {
    display::require()?;
    let folders = Folders::find().ok_or(
        "There is no home folder to keep the library in. Name one with HOLDFAST_DATA_DIR.",
    )?;
    let interface = commands::interface();
    let app = tauri::Builder::default()
        // First, so that a second start ends before it does anything.
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .callback(|app, _, _| window::open(app))
                .dbus_id(folders.instance())
                .build(),
        )
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .invoke_handler(interface.invoke_handler())
        .setup(move |app| {
            interface.mount_events(app);
            Ok(setup::set_up(app, folders)?)
        })
        .build(context)
        .map_err(|error| format!("Holdfast cannot start: {error}"))?;
    let code = app.run_return(|app, event| match event {
        // The last window has gone; the tray stays.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => {
            api.prevent_exit();
            tray::stay_or_quit(app.clone());
        }
        RunEvent::WindowEvent { label, event, .. } => window::happened(app, &label, &event),
        _ => {}
    });
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,holdfast_app=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
