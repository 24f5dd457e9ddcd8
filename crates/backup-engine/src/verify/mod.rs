//! Proving backups: what a caller asks and is answered.

mod packs;
mod proof;
mod record;
mod rehearsal;
mod survey;

use std::path::Path;

use chrono::Utc;

use crate::destination::{BackupRecord, Part};
use crate::durable::remove_folder;
use crate::engine::cancelable;
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Engine, Error, Watch};

use rehearsal::Rehearsal;
use survey::Survey;

/// Where backups are restored in a rehearsal, in the data folder.
const SCRATCH: &str = "rehearsal";

/// How much is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every object that a backup needs is there, with the size it should have. No content is read.
    Quick,
    /// All content is read from the destination and compared with its hash; where all backups are proven, also what the
    /// next one would take for stored.
    Full,
    /// The backup is restored into a scratch folder, compared, and every database in it checked.
    Rehearsal,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    pub depth: Depth,
    /// How many backups were looked at, without those that another device deleted meanwhile.
    pub backups: u64,
    pub bytes_read: u64,
    /// Those that cannot be restored whole, newest first, each with the first reason.
    pub damaged: Vec<(BackupId, String)>,
    /// Records that cannot be read, so that nobody can say which backups they are of.
    pub unreadable: u64,
}

/// What was found of one backup.
enum Found {
    Sound,
    Damaged(String),
    /// Another device has deleted it meanwhile.
    Gone,
}

impl Found {
    /// What an error says of a backup. Errors: what says nothing about it.
    fn of(error: Error, watch: &Watch) -> Result<Self, Error> {
        match error {
            Error::UnknownBackup(_) if !watch.is_canceled() => Ok(Self::Gone),
            error => damage(error, watch).map(Self::Damaged),
        }
    }
}

impl VerifyReport {
    fn add(&mut self, id: &BackupId, found: Found) {
        self.backups += u64::from(!matches!(found, Found::Gone));
        if let Found::Damaged(reason) = found {
            self.damaged.push((id.clone(), reason));
        }
    }
}

impl Engine {
    /// Proves one backup, or all of them. Damage that is found is no error but what the report says. A rehearsal that
    /// finds none is noted with the backup, where every device sees it, until damage is found in it. A pack in which damage is
    /// found is noted too: the next backup stores again what the sources still have of it.
    ///
    /// Errors: `UnknownBackup`, `Unreachable`, `Locked`, `NoSpace` for a rehearsal, `Damaged` where all content was to be read
    /// and a part that no backup needs cannot be opened, now or after a start.
    pub fn verify(
        &self,
        what: Option<&BackupId>,
        depth: Depth,
        watch: &Watch,
    ) -> Result<Outcome<VerifyReport>, Error> {
        let _job = self.begin();
        let verified = cancelable(watch, || {
            watch.enter(Phase::Preparing);
            let records = match what {
                Some(id) => vec![self.present_backup(id)?],
                None => self.destination.present_backups()?.to_vec(),
            };
            let unreadable = match self.destination.unreadable() {
                Some(Error::DamagedRecords(count)) if what.is_none() => count as u64,
                _ => 0,
            };
            let mut report = VerifyReport {
                depth,
                backups: 0,
                bytes_read: 0,
                damaged: Vec::new(),
                unreadable,
            };
            match depth {
                Depth::Quick | Depth::Full => {
                    self.survey(&records, what.is_none(), &mut report, watch)?;
                }
                Depth::Rehearsal => self.rehearse(&records, &mut report, watch)?,
            }
            if watch.is_canceled() {
                return Ok(Outcome::Canceled);
            }
            self.withdraw_proofs(&records, &report);
            if let (Some(id), 0) = (what, report.backups) {
                return Err(Error::UnknownBackup(id.clone()));
            }
            Ok(Outcome::Completed(report))
        });
        verified.map_err(|error| match (error, what) {
            (error, Some(id)) => error.naming(id),
            // What every backup needs.
            (Error::Repository(detail), None) => Error::Damaged {
                backup: None,
                detail,
            },
            (error, None) => error,
        })
    }

    fn survey(
        &self,
        records: &[BackupRecord],
        all_backups: bool,
        report: &mut VerifyReport,
        watch: &Watch,
    ) -> Result<(), Error> {
        let all_content = report.depth == Depth::Full;
        let everything = all_content && all_backups;
        let mut survey = Survey::open(self, records, everything, watch)?;
        if !all_content {
            watch.enter(Phase::Verifying);
            watch.expect(records.iter().map(|record| record.bytes).sum());
        }
        for record in records {
            report.add(&record.id, survey.backup(record)?);
            if !all_content {
                watch.advance(record.bytes);
            }
        }
        if all_content {
            if everything {
                survey.need_everything();
            }
            watch.enter(Phase::Verifying);
            watch.expect(survey.bytes_needed());
            if survey.read_all(watch)? {
                report.backups = 0;
                report.damaged.clear();
                for record in records {
                    report.add(&record.id, survey.backup(record)?);
                }
            }
        }
        report.bytes_read = survey.bytes_read();
        match survey.not_read() {
            // No backup is damaged by it, and still this is no proof of all that the next one takes for stored.
            Some(reason) if report.damaged.is_empty() => Err(Error::Damaged {
                backup: None,
                detail: reason.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn rehearse(
        &self,
        records: &[BackupRecord],
        report: &mut VerifyReport,
        watch: &Watch,
    ) -> Result<(), Error> {
        // Each byte is written once and read back once.
        let bytes: u64 = records.iter().map(|record| record.bytes).sum();
        watch.expect(bytes.saturating_mul(2));
        let mut proven = Vec::new();
        for record in records {
            let rehearsal = Rehearsal::new(self, record, watch)?;
            match rehearsal.run() {
                Ok(read) => {
                    report.bytes_read += read;
                    report.add(&record.id, Found::Sound);
                    proven.push(&record.id);
                }
                Err(error) => report.add(&record.id, Found::of(error, watch)?),
            }
        }
        if proven.is_empty() || !watch.begin_commit() {
            return Ok(());
        }
        for id in proven {
            // What was found is told all the same: the destination may be one that can only be read, or another writes.
            if let Err(error) = proof::note(&self.destination, id, Some(Utc::now())) {
                tracing::warn!(%error, "a backup is proven, and that cannot be noted with it");
            }
        }
        Ok(())
    }

    /// What is damaged is proven no more. Best effort: the report says it in any case.
    fn withdraw_proofs(&self, records: &[BackupRecord], report: &VerifyReport) {
        let is_damaged = |id: &BackupId| report.damaged.iter().any(|(damaged, _)| damaged == id);
        let proven = records.iter().filter(|record| record.proven.is_some());
        for record in proven.filter(|record| is_damaged(&record.id)) {
            if let Err(error) = proof::note(&self.destination, &record.id, None) {
                tracing::warn!(%error, "a backup is damaged, and that it was proven cannot be taken back");
            }
        }
    }
}

/// Removes what a rehearsal left that was broken off.
pub(crate) fn remove_scratch(data_dir: &Path) -> Result<(), Error> {
    remove_folder(&data_dir.join(SCRATCH))
}

/// The reason for which a backup cannot be restored. Errors: what says nothing about the backup.
fn damage(error: Error, watch: &Watch) -> Result<String, Error> {
    match error {
        error if watch.is_canceled() => Err(error),
        Error::Damaged { detail, .. } => Ok(detail),
        Error::Repository(detail) => {
            // It may name paths, which are not for a report.
            tracing::warn!(%detail, "something a backup needs cannot be read");
            Ok("something that it needs cannot be read".into())
        }
        other => Err(other),
    }
}

/// A part of the destination, for a reason.
fn named(part: Part) -> &'static str {
    match part {
        Part::Databases => "databases",
        Part::Files => "files",
    }
}
