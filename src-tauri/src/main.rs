//! The program `holdfast-app`. Only this file needs the built interface; everything else is in the library beside it.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    holdfast_app::run(tauri::generate_context!())
}
