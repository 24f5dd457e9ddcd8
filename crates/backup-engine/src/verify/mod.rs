//! Proving backups: what a caller asks and is answered.

use crate::BackupId;

/// How much is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every object that a backup needs is there, with the size it should have. No content is read.
    Quick,
    /// All content is read from the destination and compared with its hash.
    Full,
    /// The backup is restored into a scratch folder, compared, and every database in it checked.
    Rehearsal,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    pub depth: Depth,
    /// How many backups were looked at.
    pub backups: u64,
    pub bytes_read: u64,
    /// Those that cannot be restored whole, newest first, each with the first reason.
    pub damaged: Vec<(BackupId, String)>,
}
