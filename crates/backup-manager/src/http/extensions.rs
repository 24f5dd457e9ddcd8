//! The newer extensions of the real service.

use backup_api::{
    Differences, Entries, Job, NewSource, Preview, Restore, Source, SourceChange, Sources, Verify,
};

use super::{Http, answer};
use crate::api::{Answer, Extensions};

/// What a backup is compared with: everything that is there at the moment.
const NOW: &str = "now";
const EVERYTHING: &str = "";

impl Extensions for Http {
    fn sources(&self) -> Answer<'_, Sources> {
        answer(self.0.sources())
    }

    fn add_source<'a>(&'a self, new: &'a NewSource) -> Answer<'a, Source> {
        answer(self.0.add_source(new))
    }

    fn change_source<'a>(&'a self, id: &'a str, change: &'a SourceChange) -> Answer<'a, Source> {
        answer(self.0.change_source(id, change))
    }

    fn remove_source<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(self.0.remove_source(id))
    }

    fn entries<'a>(
        &'a self,
        backup: &'a str,
        path: &'a str,
        after: Option<&'a str>,
    ) -> Answer<'a, Entries> {
        answer(self.0.entries(backup, path, after))
    }

    fn changes_since<'a>(
        &'a self,
        backup: &'a str,
        after: Option<&'a str>,
    ) -> Answer<'a, Differences> {
        answer(self.0.compare(backup, NOW, EVERYTHING, after))
    }

    fn foresee<'a>(&'a self, backup: &'a str, restore: &'a Restore) -> Answer<'a, Preview> {
        answer(self.0.foresee(backup, restore))
    }

    fn begin_restore<'a>(&'a self, backup: &'a str, restore: &'a Restore) -> Answer<'a, Job> {
        answer(self.0.begin_restore(backup, restore))
    }

    fn begin_verify<'a>(&'a self, verify: &'a Verify) -> Answer<'a, Job> {
        answer(self.0.begin_verify(verify))
    }

    fn cancel_job<'a>(&'a self, id: &'a str) -> Answer<'a, Job> {
        answer(self.0.cancel_job(id))
    }
}
