//! Whether there is room for what a restore stages, on each of the disks that it stages on.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::area::Area;
use super::library::LibraryPlan;
use super::{Plans, Restore};
use crate::Error;

/// Left free on each disk while a restore runs.
const SPARE: u64 = 16 * 1024 * 1024;
/// What an entry takes beside its content, at least.
const ENTRY: u64 = 4 * 1024;

impl Restore<'_> {
    pub(super) fn check_space(&self, plans: &Plans) -> Result<(), Error> {
        let (needed, free) = self.space(plans)?;
        if free < needed {
            Err(Error::NoSpace { needed, free })
        } else {
            Ok(())
        }
    }

    /// What is needed and what is free, of the disk where it is tightest.
    pub(super) fn space(&self, plans: &Plans) -> Result<(u64, u64), Error> {
        let mut needed: BTreeMap<PathBuf, u64> = BTreeMap::new();
        let library = plans.library.as_ref().map(LibraryPlan::bytes);
        needed.insert(self.data_dir.to_owned(), library.unwrap_or(0));
        // Nothing is staged for the others.
        let parts = plans.parts.iter().filter(|plan| !plan.steps.is_empty());
        for plan in parts {
            let area = Area::of(self.data_dir, &plan.base).map_err(super::plan::LOOKING)?;
            let folder = match area {
                Area::Data => self.data_dir.to_owned(),
                Area::Target => plan.target.base.clone(),
            };
            let entries: usize = plan.steps.iter().map(|step| step.put.len()).sum();
            let bytes = plan.changes.needed.saturating_add(entries as u64 * ENTRY);
            let sum = needed.entry(folder).or_default();
            *sum = sum.saturating_add(bytes);
        }
        let mut tightest: Option<(i128, u64, u64)> = None;
        for (folder, bytes) in needed {
            let needed = bytes.saturating_add(SPARE);
            let free = free(&folder)?;
            let slack = i128::from(free) - i128::from(needed);
            if tightest.is_none_or(|(least, ..)| slack < least) {
                tightest = Some((slack, needed, free));
            }
        }
        Ok(tightest.map_or((0, 0), |(_, needed, free)| (needed, free)))
    }

    /// A disk that filled up all the same is told as one without room.
    pub(super) fn explain_full(&self, error: Error, plans: &Plans) -> Error {
        let full = |kind| {
            matches!(
                kind,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        };
        match (&error, self.space(plans)) {
            (Error::Io { source, .. }, Ok((needed, free))) if full(source.kind()) => {
                Error::NoSpace { needed, free }
            }
            _ => error,
        }
    }
}

/// What so many bytes need in this folder, and what is free there.
pub(crate) fn room(folder: &Path, bytes: u64) -> Result<(u64, u64), Error> {
    Ok((bytes.saturating_add(SPARE), free(folder)?))
}

fn free(folder: &Path) -> Result<u64, Error> {
    fs4::available_space(folder).map_err(Error::io("asking for free space"))
}
