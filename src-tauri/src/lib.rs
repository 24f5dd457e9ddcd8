//! The app: it puts the service, the manager, the window, the tray and the notifications together.

pub mod bindings;
mod commands;
mod intents;
mod notifications;
mod watching;
