//! What is done to the engine so that it breaks a promise: failures and ends at every place, kills, damage, full disks,
//! hostile backups. docs/reliability.md says how each works and what it has found.
#![allow(clippy::unwrap_used, clippy::panic)]

mod backend_faults;
mod by_hand;
mod cheap_key;
mod content;
mod corruption;
mod failpoints;
mod full;
mod hostile;
mod jobs;
mod judge;
mod kills;
mod power;
mod size;
mod trials;
mod upgrade;
mod world;
