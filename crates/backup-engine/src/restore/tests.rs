//! Restores of real folders out of real repositories, as a whole: plan, staging, commit, undo, and what breaks them off.
#![allow(clippy::unwrap_used, clippy::panic)]

mod as_user;
mod bench;
mod blocks;
mod breaks;
mod companions;
mod content;
mod faults;
mod hostile;
mod left_alone;
mod nested;
mod shut;
mod soundness;
