//! The newer extensions of a scripted service.

use backup_api::*;
use backup_manager::{Answer, Extensions};

use super::Fake;
use super::samples::{self, problem};

fn source(id: &str, path: &str) -> Source {
    Source {
        id: id.into(),
        kind: SourceKind::Folder,
        path: path.into(),
        excludes: Vec::new(),
    }
}

fn entry(path: &str) -> Entry {
    Entry {
        name: path.into(),
        path: path.into(),
        kind: EntryKind::File,
        bytes: 7,
        modified: None,
        title: None,
    }
}

/// `/refused` is no folder to add, and `gone` no folder in a backup.
impl Extensions for Fake {
    fn sources(&self) -> Answer<'_, Sources> {
        self.answer("sources", |_| {
            Ok(Sources {
                items: vec![source("notes", "/home/ada/notes")],
                suggested: None,
            })
        })
    }

    fn add_source<'a>(&'a self, new: &'a NewSource) -> Answer<'a, Source> {
        let path = new.path.clone();
        self.answer("add_source", move |_| match path.as_str() {
            "/refused" => Err(problem("bad-source")),
            path => Ok(source("new", path)),
        })
    }

    fn change_source<'a>(&'a self, id: &'a str, change: &'a SourceChange) -> Answer<'a, Source> {
        let changed = Source {
            excludes: change.excludes.clone(),
            ..source(id, "/home/ada/notes")
        };
        self.answer("change_source", move |_| Ok(changed.clone()))
    }

    fn remove_source<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        self.answer("remove_source", |_| Ok(()))
    }

    fn entries<'a>(
        &'a self,
        _: &'a str,
        path: &'a str,
        after: Option<&'a str>,
    ) -> Answer<'a, Entries> {
        let (path, first) = (path.to_owned(), after.is_none());
        self.answer("entries", move |_| match path.as_str() {
            "gone" => Err(problem("no-such-path")),
            path => Ok(Entries {
                items: vec![entry(path)],
                next: first.then(|| "a".into()),
            }),
        })
    }

    fn changes_since<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, Differences> {
        self.answer("changes_since", |_| Ok(Differences::default()))
    }

    fn foresee<'a>(&'a self, backup: &'a str, _: &'a Restore) -> Answer<'a, Preview> {
        let preview = samples::preview(backup);
        self.answer("foresee", move |_| Ok(preview))
    }

    fn begin_restore<'a>(&'a self, backup: &'a str, restore: &'a Restore) -> Answer<'a, Job> {
        let job = Job {
            restores: Some(restore.clone()),
            ..samples::job(backup, JobKind::Restoration, JobState::Queued)
        };
        self.answer("begin_restore", move |_| Ok(job))
    }

    fn begin_verify<'a>(&'a self, verify: &'a Verify) -> Answer<'a, Job> {
        let backup = verify.backup.clone().unwrap_or_default();
        let job = samples::job(&backup, JobKind::Verification, JobState::Queued);
        self.answer("begin_verify", move |_| Ok(job))
    }

    fn cancel_job<'a>(&'a self, _: &'a str) -> Answer<'a, Job> {
        let job = samples::job("b1", JobKind::Verification, JobState::Canceled);
        self.answer("cancel_job", move |_| Ok(job))
    }
}
