//! Drives the real window, tray and notifications, on a screen and a bus that belong to the test alone.
//!
//! A story for each file in `stories/`. What they use: [`desk`] puts a private desktop together and starts the app on
//! it, [`window`] clicks and looks through WebDriver, [`tray`] and [`notifications`] are the desktop's half of the bus,
//! [`screen`] is its half of X11, [`library`] talks to the service as another program would. Every wait is for an event
//! and has a deadline.

#![allow(clippy::unwrap_used, clippy::panic)]

mod desk;
mod dialog;
mod library;
mod notifications;
mod process;
mod screen;
mod stories;
mod tray;
mod window;
