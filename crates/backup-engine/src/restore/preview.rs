//! A restore as it would be, told without doing it.

use std::path::PathBuf;

use super::area::missing_above;
use super::request::resolved;
use super::{PartPreview, Restore, RestoreRequest};
use crate::Error;

/// What a preview adds to what is known of the backup from the list.
pub(crate) struct Unlisted {
    pub parts: Vec<PartPreview>,
    pub needed_bytes: u64,
    pub free_bytes: u64,
    pub in_use_by: Option<String>,
}

impl Restore<'_> {
    pub(crate) fn preview(&self, request: &RestoreRequest) -> Result<Unlisted, Error> {
        self.check_version()?;
        let mut goals = self.goals(request)?;
        for target in &mut goals.targets {
            // What a restore would make first stands for all that comes into it: all of that is new.
            if let Some(missing) = missing_above(&target.base).first() {
                target.top = missing.file_name().map(PathBuf::from).unwrap_or_default();
                target.base = missing.parent().map(PathBuf::from).unwrap_or_default();
            }
            target.base = resolved(&target.base);
        }
        let plans = self.plan(&goals)?;
        let (needed_bytes, free_bytes) = self.space(&plans)?;
        let library = plans.library.iter().map(|library| library.preview(self));
        let parts = plans.parts.iter();
        let parts = parts.map(|plan| plan.changes.preview(&plan.target));
        Ok(Unlisted {
            parts: library.chain(parts).collect(),
            needed_bytes,
            free_bytes,
            in_use_by: self.in_use_by(&goals)?,
        })
    }
}
