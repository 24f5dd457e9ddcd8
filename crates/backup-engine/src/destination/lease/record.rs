//! A lease on disk: `holdfast.lease.N`, always of the same length, so that a renewal needs no space. Whatever else lies
//! under such a name is read as one that its holder never renews.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Claimant;
use crate::failpoint::failpoint;
use crate::hex::hex;

const PREFIX: &str = "holdfast.lease.";
/// Names with higher numbers are not ours. Counting up to here takes longer than any disk lasts.
pub(super) const HIGHEST: u64 = 999_999_999_999_999;
const RECORD_BYTES: usize = 1024;
/// How often the highest number may vanish while it is looked at: whoever takes over removes the lower ones.
const LOOKS: u32 = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Record {
    Free,
    Held(Holder),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// New for each session.
    pub holder: String,
    /// The data folder, from one session to the next.
    pub machine: String,
    /// For a person who looks into the file.
    pub device: String,
    /// Grows with each renewal.
    pub count: u64,
}

impl Holder {
    pub(super) fn new(claimant: &Claimant) -> Self {
        Self {
            holder: hex(&rand::random::<[u8; 16]>()),
            machine: claimant.machine.clone(),
            device: claimant.device.clone(),
            count: 0,
        }
    }
}

impl Record {
    pub(super) fn is_by(&self, holder: &Holder) -> bool {
        matches!(self, Self::Held(found) if found.holder == holder.holder)
    }

    /// Errors only when it cannot be read. `None`: it is no record.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        Ok(Self::parse(&content(file)?))
    }

    fn parse(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }

    /// Synced: what looks at the destination afterwards relies on it being there, and a share reports only then that it
    /// did not arrive.
    pub(super) fn write(&self, file: &mut File) -> io::Result<()> {
        let mut content = serde_json::to_vec(self)?;
        content.resize(RECORD_BYTES.max(content.len()), b' ');
        file.rewind()?;
        failpoint("lease-write")?;
        file.write_all(&content)?;
        failpoint("lease-sync")?;
        file.sync_data()
    }
}

/// What one look at a lease saw. Two that are equal were made without a renewal in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub number: u64,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    /// A folder, or a file that cannot be read. Its time is only compared with itself.
    Opaque(Option<SystemTime>),
}

impl Sighting {
    fn record(&self) -> Option<Record> {
        match &self.content {
            Content::Bytes(content) => Record::parse(content),
            Content::Opaque(_) => None,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.record() == Some(Record::Free)
    }

    pub(super) fn is_by(&self, holder: &Holder) -> bool {
        self.record().is_some_and(|record| record.is_by(holder))
    }

    /// Whether an earlier session of this data folder on this device left it. A copy of the data folder on another device
    /// has the same `machine`.
    pub(super) fn is_leftover_of(&self, claimant: &Claimant) -> bool {
        let Some(Record::Held(left)) = self.record() else {
            return false;
        };
        left.machine == claimant.machine && left.device == claimant.device
    }

    /// Who has it, for the log.
    pub(super) fn device(&self) -> Option<String> {
        match self.record()? {
            Record::Held(holder) => Some(holder.device),
            Record::Free => None,
        }
    }
}

pub(super) fn path(root: &Path, number: u64) -> PathBuf {
    root.join(format!("{PREFIX}{number}"))
}

/// The lease in force. `None`: there never was one.
pub(super) fn in_force(root: &Path) -> io::Result<Option<Sighting>> {
    for _ in 0..LOOKS {
        let Some(number) = highest(root)? else {
            return Ok(None);
        };
        if let Some(sighting) = look(root, number)? {
            return Ok(Some(sighting));
        }
    }
    Err(io::Error::other("the lease vanishes when it is looked at"))
}

/// `None`: this number is not there.
pub(super) fn look(root: &Path, number: u64) -> io::Result<Option<Sighting>> {
    let path = path(root, number);
    let data = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        data => data?,
    };
    let opaque = || Content::Opaque(data.modified().ok());
    // Anything but a file is not opened: opening a pipe would wait for its other end.
    let content = if data.is_file() {
        match File::open(&path).and_then(|file| content(&file)) {
            Ok(content) => Content::Bytes(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => opaque(),
        }
    } else {
        opaque()
    };
    Ok(Some(Sighting { number, content }))
}

fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(RECORD_BYTES);
    // One byte more than a record has: a file that is longer is none.
    file.take(RECORD_BYTES as u64 + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}

pub(super) fn highest(root: &Path) -> io::Result<Option<u64>> {
    Ok(numbers(root)?.last().copied())
}

/// In ascending order.
pub(super) fn numbers(root: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(number_in));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Only of the name that the number would be given.
fn number_in(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let number: u64 = digits.parse().ok()?;
    (number <= HIGHEST && number.to_string() == digits).then_some(number)
}
