//! What no unit test can show: the real service, killed at random moments or out of space, loses nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod full;
mod kill;
mod process;
