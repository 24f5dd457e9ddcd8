//! What can go wrong: a stable code, a sentence for a person, and what to do next.
//!
//! `message` and `fix` hold no path, key or address, because they leave the process; those are in the `Display` and
//! `source` of an error, for the log.

use std::io;

use crate::{BackupId, SourceId};

/// The kinds of errors that callers answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    /// The key is not available.
    Locked,
    /// The destination is not reachable.
    Unreachable,
    /// Written by a newer version.
    Newer,
    Busy,
    /// The caller's data is not acceptable.
    Invalid,
    Failed,
}

/// Any failure of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("there is no backup {0}")]
    UnknownBackup(BackupId),
    #[error("the key is not available: {0}")]
    Locked(String),
    #[error("not the passphrase of the key")]
    WrongPassphrase,
    #[error("a passphrase that is too short")]
    BadPassphrase,
    #[error("the key is in the keychain and needs no passphrase")]
    NeedsNoPassphrase,
    #[error("the data folder has a key already")]
    KeyExists,
    #[error("the destination is not reachable: {0}")]
    Unreachable(String),
    #[error("the destination has layout {found}, this version knows {known}")]
    NewerLayout { found: u64, known: u64 },
    #[error("the backup's library has schema {found}, this version knows {known}")]
    NewerLibrary { found: i64, known: i64 },
    #[error("the destination is full")]
    DestinationFull(#[source] io::Error),
    #[error("the destination cannot be written to")]
    DestinationReadOnly(#[source] io::Error),
    #[error("{needed} bytes are needed, {free} are free")]
    NoSpace { needed: u64, free: u64 },
    #[error("damaged: {detail}")]
    Damaged {
        backup: Option<BackupId>,
        detail: String,
    },
    #[error("the records of {0} backups cannot be read")]
    DamagedRecords(usize),
    #[error("another process has the {0} in use")]
    InUse(&'static str),
    #[error("another device took the destination over")]
    LeaseLost,
    #[error("another job is running")]
    Busy,
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("{0} was not deleted since the start")]
    NothingToUndelete(BackupId),
    #[error("not an item: {0}")]
    BadItem(String),
    #[error("not a source: {0}")]
    BadSource(String),
    #[error("line {line} of the excludes is no pattern: {why}")]
    BadPattern { line: usize, why: String },
    #[error("there is no source {0}")]
    UnknownSource(SourceId),
    #[error("the source {id} cannot be read: {source}")]
    SourceUnreadable { id: SourceId, source: io::Error },
    #[error("sources.json cannot be used: {0}")]
    BadSourceList(String),
    #[error("there is no {0:?} in the backup")]
    UnknownPath(String),
    #[error("{0:?} in the backup is not a file")]
    NotAFile(String),
    #[error("{0:?} in the backup is not a folder")]
    NotAFolder(String),
    #[error("the source {0} is not set up here")]
    NotSetUp(String),
    #[error("cannot restore there: {0}")]
    BadTarget(String),
    #[error("in the way of a restore: {0}")]
    InTheWay(String),
    #[error("{0:?} and {1:?} are one name there")]
    NameCollision(String, String),
    #[error("what was to be replaced changed meanwhile")]
    ChangedMeanwhile,
    #[error("a restore that was broken off is not settled: {0}")]
    Unsettled(String),
    #[error("what was replaced in {0:?} is not there")]
    KeptAway(String),
    #[error("the library: {0}")]
    Library(#[source] rusqlite::Error),
    #[error("the library is damaged: {0}")]
    LibraryDamaged(String),
    #[error("{doing}: {source}")]
    Io {
        doing: &'static str,
        source: io::Error,
    },
    #[error("the repository: {0}")]
    Repository(String),
    #[error("a look at a backup was cancelled")]
    Canceled,
    #[error("a task broke down: {0}")]
    Panicked(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::LibraryDamaged(error.to_string()),
            _ => Self::Library(error),
        }
    }
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// The same, and where it means that a backup cannot be read whole, it names that backup.
    pub(crate) fn naming(self, id: &BackupId) -> Self {
        match self {
            Self::Repository(detail)
            | Self::Damaged {
                detail,
                backup: None,
            } => Self::Damaged {
                backup: Some(id.clone()),
                detail,
            },
            // What cannot be read may be the record of this one.
            Self::DamagedRecords(_) => Self::Damaged {
                backup: Some(id.clone()),
                detail: self.to_string(),
            },
            other => other,
        }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownBackup(_)
            | Self::UnknownSource(_)
            | Self::UnknownPath(_)
            | Self::NotSetUp(_)
            | Self::NothingToUndo
            | Self::NothingToUndelete(_) => ErrorKind::NotFound,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Unreachable(_) => ErrorKind::Unreachable,
            Self::NewerLayout { .. } | Self::NewerLibrary { .. } => ErrorKind::Newer,
            Self::InUse(_) | Self::LeaseLost | Self::Busy => ErrorKind::Busy,
            Self::BadItem(_)
            | Self::BadSource(_)
            | Self::BadPattern { .. }
            | Self::NotAFile(_)
            | Self::NotAFolder(_)
            | Self::BadTarget(_)
            | Self::KeyExists
            | Self::WrongPassphrase
            | Self::BadPassphrase
            | Self::NeedsNoPassphrase => ErrorKind::Invalid,
            _ => ErrorKind::Failed,
        }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownBackup(_) => "unknown-backup",
            Self::Locked(_) => "locked",
            Self::KeyExists => "key-exists",
            Self::WrongPassphrase => "wrong-passphrase",
            Self::BadPassphrase => "bad-passphrase",
            Self::NeedsNoPassphrase => "needs-no-passphrase",
            Self::Unreachable(_) => "destination-unreachable",
            Self::NewerLayout { .. } => "newer-layout",
            Self::NewerLibrary { .. } => "newer-library",
            Self::DestinationFull(_) => "destination-full",
            Self::DestinationReadOnly(_) => "destination-read-only",
            Self::NoSpace { .. } => "no-space",
            Self::Damaged { .. } => "damaged",
            Self::DamagedRecords(_) => "damaged-records",
            Self::InUse(_) => "in-use",
            Self::LeaseLost => "lease-lost",
            Self::Busy => "busy",
            Self::LibraryDamaged(_) => "library-damaged",
            Self::NothingToUndo => "nothing-to-undo",
            Self::NothingToUndelete(_) => "nothing-to-undelete",
            Self::BadItem(_) => "bad-item",
            Self::BadSource(_) => "bad-source",
            Self::BadPattern { .. } => "bad-pattern",
            Self::UnknownSource(_) => "unknown-source",
            Self::SourceUnreadable { .. } => "source-unreadable",
            Self::BadSourceList(_) => "bad-source-list",
            Self::UnknownPath(_) => "unknown-path",
            Self::NotAFile(_) => "not-a-file",
            Self::NotAFolder(_) => "not-a-folder",
            Self::NotSetUp(_) => "not-set-up",
            Self::BadTarget(_) => "bad-target",
            Self::InTheWay(_) => "in-the-way",
            Self::NameCollision(..) => "name-collision",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::Unsettled(_) => "unsettled",
            Self::KeptAway(_) => "kept-away",
            Self::Canceled => "canceled",
            _ => "failed",
        }
    }

    /// What happened and what it means for the data.
    pub fn message(&self) -> String {
        match self {
            Self::UnknownBackup(_) => "There is no backup with this id.".into(),
            Self::Locked(_) => "The destination is locked: its key is not available. Nothing was changed.".into(),
            Self::WrongPassphrase => "This is not the passphrase of the key. Nothing was changed.".into(),
            Self::BadPassphrase => "A passphrase needs at least 8 characters. Nothing was changed.".into(),
            Self::NeedsNoPassphrase => "The key is in the keychain and needs no passphrase. Nothing was changed.".into(),
            Self::KeyExists => "This data folder has a key already. Nothing was changed.".into(),
            Self::Unreachable(_) => "The destination is not connected or cannot be read. Nothing was changed.".into(),
            Self::NewerLayout { found, known } => format!(
                "The destination was written by a newer version of Holdfast (layout {found}; this one knows {known}). Nothing was changed."
            ),
            Self::NewerLibrary { found, known } => format!(
                "This backup was made by a newer version of Holdfast (library {found}; this one knows {known}). Nothing was changed."
            ),
            Self::DestinationFull(_) => "The destination is full. Earlier backups and the library are as they were.".into(),
            Self::DestinationReadOnly(_) => {
                "The destination cannot be written to. Earlier backups and the library are as they were.".into()
            }
            Self::NoSpace { needed, free } => format!(
                "There is not enough space beside the library: {} MB are needed, {} MB are free. Nothing was changed.",
                needed.div_ceil(1_000_000),
                free / 1_000_000
            ),
            Self::Damaged { backup: Some(id), .. } => {
                format!("The backup {id} is damaged: not all of it can be read. Nothing was changed.")
            }
            Self::Damaged { backup: None, .. } => "Part of the destination is damaged. The library is as it was.".into(),
            Self::DamagedRecords(1) => {
                "The record of one backup cannot be read, so it is not listed. The others and the library are not affected.".into()
            }
            Self::DamagedRecords(count) => format!(
                "The records of {count} backups cannot be read, so they are not listed. The others and the library are not affected."
            ),
            Self::InUse("destination") => {
                "Another Holdfast, on this device or another, is writing to the destination. Nothing was changed.".into()
            }
            Self::InUse(what) => format!("Another process has the {what} in use."),
            Self::LeaseLost => {
                "Another device took the destination over while this one stood still or was asleep. Nothing was committed: earlier backups and the library are as they were."
                    .into()
            }
            Self::Busy => "Another job is running. Nothing was changed.".into(),
            Self::NothingToUndo => "There is no restore to undo.".into(),
            Self::NothingToUndelete(_) => "This backup was not deleted since the service started.".into(),
            Self::NotSetUp(_) => "This source of the backup is not set up on this device. Nothing was changed.".into(),
            Self::BadTarget(why) => format!("This folder cannot be restored into: {why}. Nothing was changed."),
            Self::InTheWay(what) => format!("Something is in the way of the restore: {what}. Nothing was changed."),
            Self::NameCollision(one, other) => format!(
                "The disk takes two names in the backup for the same, \u{201c}{one}\u{201d} and \u{201c}{other}\u{201d}. Nothing was changed."
            ),
            Self::ChangedMeanwhile => {
                "Something that was to be replaced was changed while the restore was being prepared. Nothing was replaced.".into()
            }
            Self::Unsettled(folder) => format!(
                "An earlier restore was broken off, and its folder \u{201c}{folder}\u{201d} cannot be reached or changed. Nothing was changed."
            ),
            Self::KeptAway(folder) => format!(
                "What was replaced in the folder \u{201c}{folder}\u{201d} lies on its disk, which is not there. Nothing was changed."
            ),
            Self::BadItem(why) => format!("This is not an item of a library: {why}. Nothing was changed."),
            Self::BadSource(why) => format!("This folder cannot be a source: {why}. Nothing was changed."),
            Self::BadPattern { line, why } => {
                format!("Line {line} of the excludes is no pattern: {why}. Nothing was changed.")
            }
            Self::UnknownSource(_) => "There is no source with this id.".into(),
            Self::SourceUnreadable { id, source } => format!(
                "The folder of the source {id} is not there or cannot be read ({}). Its earlier backups are as they were.",
                source.kind()
            ),
            Self::BadSourceList(_) => {
                "The list of sources cannot be read. Nothing was changed, and the backups are not affected.".into()
            }
            Self::UnknownPath(_) => "There is nothing at this path in the backup.".into(),
            Self::NotAFile(_) => "What is at this path in the backup has no content to read.".into(),
            Self::NotAFolder(_) => "What is at this path in the backup is not a folder.".into(),
            Self::LibraryDamaged(_) => "The library is damaged and cannot be read. Its backups are not affected.".into(),
            Self::Library(_) => "The library could not be read or written.".into(),
            Self::Io { doing, source } => format!("An operation on a file failed while {doing} ({}).", source.kind()),
            Self::Repository(_) => "The destination could not be read or written as expected.".into(),
            Self::Canceled => "This was broken off. Nothing was changed.".into(),
            Self::Panicked(_) => "The work broke off because of a fault in Holdfast.".into(),
        }
    }

    /// What to do next.
    pub fn fix(&self) -> String {
        match self {
            Self::UnknownBackup(_) => "Ask for the list of backups and use an id from it.",
            Self::Locked(_) => {
                "Unlock the keychain, give the passphrase, or import the key that was exported, then try again."
            }
            Self::WrongPassphrase => "Try again.",
            Self::BadPassphrase => "Choose a longer one.",
            Self::NeedsNoPassphrase => "Unlock the keychain, then try again.",
            Self::KeyExists => {
                "Its key is never replaced: import the other one into a new data folder."
            }
            Self::Unreachable(_) => {
                "Connect the disk or choose another destination, then try again."
            }
            Self::NewerLayout { .. } | Self::NewerLibrary { .. } => {
                "Update Holdfast, then try again."
            }
            Self::DestinationFull(_) => {
                "Free some space there or choose another destination, then try again."
            }
            Self::DestinationReadOnly(_) => {
                "Allow writing to it or choose another destination, then try again."
            }
            Self::NoSpace { .. } => "Free some space on the disk of the library, then try again.",
            Self::Damaged { .. } => {
                "Restore another backup, check the disk of the destination, and verify all backups in full: the next backup then stores again what is damaged and still exists."
            }
            Self::DamagedRecords(_) => "Check the disk of the destination, and make a new backup.",
            Self::LibraryDamaged(_) => "Restore the last good backup; what is there now is kept.",
            Self::InUse("destination") => "Try again when it is done.",
            Self::LeaseLost => "Try again.",
            Self::InUse(_) => "Use the running Holdfast, or end it first.",
            Self::Busy => "Wait until it is done, or cancel it.",
            Self::NothingToUndo => "A restore can be undone until the next restore.",
            Self::NothingToUndelete(_) => "Choose another backup from the list.",
            Self::BadItem(_) => "Correct the item and send it again.",
            Self::BadSource(_) => "Choose another folder.",
            Self::BadPattern { .. } => "Correct the line: it is read like a line of a .gitignore file.",
            Self::UnknownSource(_) => "Ask for the list of sources and use an id from it.",
            Self::SourceUnreadable { .. } => {
                "Connect its disk or allow reading the folder, or remove the source, then try again."
            }
            Self::BadSourceList(_) => {
                "Put sources.json in the data folder right, or move it away and add the folders again."
            }
            Self::UnknownPath(_) => "Ask for the list of the folder and use a path from it.",
            Self::NotAFile(_) => "Ask for a file, or for the list of this folder.",
            Self::NotAFolder(_) => "Read it, or ask for the list of the folder that it is in.",
            Self::NotSetUp(_) => "Restore it into another folder, or add its folder to the sources first.",
            Self::BadTarget(_) => "Choose another folder.",
            Self::InTheWay(_) => "Move it away, or restore into another folder.",
            Self::NameCollision(..) => "Restore into a folder on a disk that tells such names apart.",
            Self::ChangedMeanwhile => "Quit the programs that work with it, then try again.",
            Self::Unsettled(_) => {
                "Connect the disk that it was on, or allow changing it, then try again. Backups go on without it."
            }
            Self::KeptAway(_) => "Connect the disk, then try again.",
            Self::Canceled => "Ask again, once the service runs.",
            _ => "Try again; the log of the service says more.",
        }
        .into()
    }
}
