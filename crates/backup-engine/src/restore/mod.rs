//! A restore as a transaction: planned, staged beside its targets, every byte proven, then swapped by renames with a journal.
//! What it replaces is kept. Up to the swap it can be cancelled and nothing has ever changed.

pub(crate) mod area;
pub(crate) mod beside;
mod blocks;
mod changes;
mod chunks;
mod companions;
mod compare;
pub(crate) mod dir;
mod entry;
mod extras;
mod fill;
pub(crate) mod kept;
mod library;
mod local;
pub(crate) mod plan;
mod preview;
mod request;
pub(crate) mod seen;
mod space;
mod stage;
mod staged_file;
mod steps;
mod swap;
mod target;
#[cfg(test)]
mod tests;
mod together;
mod tree;
mod wait;
mod walk;

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::browse::Difference;
use crate::destination::{BackupRecord, Details};
use crate::durable::create_private_folder;
use crate::journal;
use crate::library::{Library, LibraryFacts};
use crate::watch::{Outcome, Phase};
use crate::{BackupId, Error, Watch};

pub(crate) use area::remove_staging;
use area::{Area, Areas};
use beside::beside;
use library::LibraryPlan;
use plan::{Plan, plan};
use request::Goals;
pub use request::{Place, RestoreRequest, What};
pub(crate) use space::room;
#[cfg(test)]
pub(crate) use swap::undo;
pub(crate) use swap::{settle_for_backup, settle_pending};
pub(crate) use target::SourcePlace;
pub(crate) use tree::{Contents, Trees};

/// What a restore would do, before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct RestorePreview {
    pub record: BackupRecord,
    /// The library as it is now.
    pub library: LibraryFacts,
    /// Items of the library that were stored after the backup was taken.
    pub newer: u64,
    /// The names of the newest of them.
    pub newer_names: Vec<String>,
    pub parts: Vec<PartPreview>,
    /// Of the disk on which it is tightest.
    pub needed_bytes: u64,
    pub free_bytes: u64,
    /// The program that has what is to be replaced open; the restore waits until it has quit.
    pub in_use_by: Option<String>,
}

/// What a restore would do to the library or to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPreview {
    /// The id of the source, or `library`.
    pub source: String,
    /// Where it goes, for a person, if that is not where it was.
    pub moved_to: Option<String>,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    /// Read from the destination; the rest is there already.
    pub fetched_bytes: u64,
    /// The first of the changes, by their paths.
    pub examples: Vec<Difference>,
}

/// How often a plan is made again because a program changed something meanwhile.
const ROUNDS: usize = 5;

#[cfg(test)]
thread_local! {
    /// In place of [`STAGING_IS_SHORT`].
    pub(crate) static PLAN_HOLDS: std::cell::Cell<Duration> = const { std::cell::Cell::new(STAGING_IS_SHORT) };
}

/// For so long what was planned is taken for what is there. To plan once more costs a walk through all that is restored,
/// which would take as long as a short restore itself; nobody sees a program come and quit again, so a long one pays for it.
const STAGING_IS_SHORT: Duration = Duration::from_secs(10);

fn staging_is_short() -> Duration {
    #[cfg(test)]
    return PLAN_HOLDS.get();
    #[cfg(not(test))]
    STAGING_IS_SHORT
}

/// The name of the program that has something under a folder open.
pub(crate) type InUse<'a> = &'a (dyn Fn(&Path) -> Result<Option<String>, Error> + Sync);

pub(crate) struct Restore<'a> {
    pub data_dir: &'a Path,
    pub destination: &'a Path,
    pub library: &'a Library,
    pub id: &'a BackupId,
    pub details: &'a Details,
    pub contents: &'a Contents,
    /// The sources that are set up here.
    pub places: &'a [SourcePlace],
    pub in_use: InUse<'a>,
    pub watch: &'a Watch,
}

/// All that a restore will do.
struct Plans {
    library: Option<LibraryPlan>,
    parts: Vec<Plan>,
}

impl Restore<'_> {
    pub(crate) fn run(&self, request: &RestoreRequest) -> Result<Outcome<()>, Error> {
        self.check_version()?;
        let mut goals = self.goals(request)?;
        remove_staging(self.data_dir)?;
        let outcome = self.prepare_and_swap(&mut goals);
        let staged = !matches!(outcome, Ok(Outcome::Completed(())));
        // What was staged belongs to a swap that could not be taken back, as long as there is one.
        if staged && !journal::is_pending(self.data_dir)? {
            remove_staging(self.data_dir)?;
        }
        outcome
    }

    fn prepare_and_swap(&self, goals: &mut Goals) -> Result<Outcome<()>, Error> {
        let mut areas = Areas::left(self.data_dir);
        goals.prepare(&mut areas, self.data_dir)?;
        let mut expected = 0;
        let mut plans = self.plan(goals)?;
        for _ in 0..ROUNDS {
            self.check_space(&plans)?;
            expected += plans.bytes();
            self.watch.expect(expected);
            let begun = Instant::now();
            self.stage(&plans, &mut areas)?;
            let was_long = begun.elapsed() >= staging_is_short();
            let waited = self.wait(goals)?;
            if self.watch.is_canceled() {
                return Ok(Outcome::Canceled);
            }
            if waited || was_long {
                // A program wrote until it quit, also what was as in the backup until then: what it left is what is compared
                // now. One that came and quit while much was staged has been seen by nobody.
                let again = self.plan(goals)?;
                if !again.is_same(&plans) {
                    self.remove_staged(&plans)?;
                    plans = again;
                    continue;
                }
            }
            plans.check_unchanged()?;
            return self.swap(plans);
        }
        Err(Error::ChangedMeanwhile)
    }

    fn check_version(&self) -> Result<(), Error> {
        if self.details.format > Details::FORMAT {
            return Err(Error::NewerLayout {
                found: self.details.format,
                known: Details::FORMAT,
            });
        }
        let (found, known) = (self.details.library.schema, crate::library::SCHEMA);
        if found > known {
            Err(Error::NewerLibrary { found, known })
        } else {
            Ok(())
        }
    }

    fn plan(&self, goals: &Goals) -> Result<Plans, Error> {
        self.watch.enter(Phase::Preparing);
        let library = goals.library.then(|| LibraryPlan::new(self));
        let parts = goals
            .targets
            .iter()
            .map(|target| plan(target.clone(), self.contents, self.watch));
        Ok(Plans {
            library: library.transpose()?,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    fn stage(&self, plans: &Plans, areas: &mut Areas) -> Result<(), Error> {
        self.watch.enter(Phase::Staging);
        let result = self.stage_all(plans, areas);
        result.map_err(|error| self.explain_full(error, plans))
    }

    fn stage_all(&self, plans: &Plans, areas: &mut Areas) -> Result<(), Error> {
        let restore = self.data_dir.join("restore");
        create_private_folder(&restore).map_err(stage::STAGING)?;
        let zeros = chunks::Zeros::default();
        let known_unsound = |path: &Path| self.details.is_known_unsound(path);
        for (number, plan) in plans.parts.iter().enumerate() {
            if plan.steps.is_empty() {
                continue;
            }
            let kind = Area::of(self.data_dir, &plan.base).map_err(stage::STAGING)?;
            if kind == Area::Target {
                areas.add_staging(&plan.target.base);
                areas.note(self.data_dir).map_err(stage::STAGING)?;
            }
            let area = kind
                .open_or_make(self.data_dir, &plan.base)
                .map_err(stage::STAGING)?;
            let folder = area
                .walk_making(&area::staged(number))
                .map_err(stage::STAGING)?;
            let path = kind
                .path(self.data_dir, &plan.target.base)
                .join(area::staged(number));
            let staging = stage::Staging {
                plan,
                folder: &folder,
                path,
                contents: self.contents,
                zeros: &zeros,
                watch: self.watch,
                check: !self.is_rehearsed(),
                known_unsound: &known_unsound,
            };
            staging.run()?;
            let entries = plan.steps.iter().map(|step| step.put.len()).sum();
            stage::sync(&folder, entries).map_err(stage::STAGING)?;
            area.sync().map_err(stage::STAGING)?;
        }
        match &plans.library {
            Some(library) => library.stage(self, &zeros),
            None => Ok(()),
        }
    }

    fn remove_staged(&self, plans: &Plans) -> Result<(), Error> {
        let removing = Error::io("removing what was staged");
        let remove = || {
            for (number, plan) in plans.parts.iter().enumerate() {
                // Nothing was made for it.
                if plan.steps.is_empty() {
                    continue;
                }
                let kind = Area::of(self.data_dir, &plan.base)?;
                if let Ok(restore) = kind
                    .open(self.data_dir, &plan.base)?
                    .enter("restore".as_ref())
                {
                    restore.remove(number.to_string().as_ref())?;
                }
            }
            match dir::Dir::open(&self.data_dir.join("restore")) {
                Ok(restore) => restore.remove("staged".as_ref()),
                Err(_) => Ok(()),
            }
        };
        remove().map_err(removing)
    }

    /// Whether a rehearsal has restored this very backup and had SQLite check its databases. What is staged is the same, by the
    /// id of each chunk, so that need not be done once more.
    fn is_rehearsed(&self) -> bool {
        self.details.proven.is_some()
    }
}

impl Plans {
    /// Of all that is staged.
    fn bytes(&self) -> u64 {
        let library = self.library.as_ref().map_or(0, LibraryPlan::bytes);
        library
            + self
                .parts
                .iter()
                .map(|plan| plan.changes.staged)
                .sum::<u64>()
    }

    /// Whether the same would be done.
    fn is_same(&self, other: &Self) -> bool {
        let parts = self.parts.iter().zip(&other.parts);
        self.parts.len() == other.parts.len()
            && parts.into_iter().all(|(one, other)| one.is_same(other))
    }

    /// Whether everything that is to be replaced is as it was looked at.
    fn check_unchanged(&self) -> Result<(), Error> {
        for plan in &self.parts {
            let known: HashSet<&Path> = plan.steps.iter().map(|step| step.at.as_path()).collect();
            for step in &plan.steps {
                let parent = step.at.parent().unwrap_or(Path::new(""));
                let folder = plan
                    .base
                    .walk(parent)
                    .map_err(|_| Error::ChangedMeanwhile)?;
                let name = step.at.file_name().unwrap_or_default();
                if folder.look(name).map_err(plan::LOOKING)? != step.take {
                    return Err(Error::ChangedMeanwhile);
                }
                if !step.puts_database() {
                    continue;
                }
                // A log that came since would be applied to the database that comes.
                for (log, _) in beside(&folder, name).map_err(plan::LOOKING)? {
                    if !known.contains(step.at.with_file_name(log).as_path()) {
                        return Err(Error::ChangedMeanwhile);
                    }
                }
            }
        }
        Ok(())
    }
}
