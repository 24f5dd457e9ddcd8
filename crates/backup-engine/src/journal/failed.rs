//! Swaps that failed where nothing could be noted of it: what is left of them is then taken back at least by this process.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::undo::UndoNote;

/// Their marks, which no two of them share.
static FAILED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(super) fn remember(note: &UndoNote) {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.extend(note.mark.clone());
}

pub(super) fn is_remembered(note: &UndoNote) -> bool {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    note.mark.as_ref().is_some_and(|mark| failed.contains(mark))
}
