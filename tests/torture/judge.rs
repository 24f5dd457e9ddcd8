//! The judge after a trial: what was promised (N1 to N5 of docs/reliability.md) holds, or the trial says which did not.

use std::time::{Duration, Instant};

use backup_engine::{BackupId, Engine, Outcome, Watch};

use crate::jobs::Job;
use crate::world::{World, back_up, dump, items, options, restore, verdict};

/// How a job came to an end, as far as its caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Canceled,
    Failed(String),
    /// Its process is gone.
    Died,
}

/// After a restart the next operation has to work within this time (N5).
const RESTART: Duration = Duration::from_secs(60);

macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}

/// Starts again and looks at everything that a job of this kind must have left as it was, or done.
pub fn judge(world: &World, job: Job, end: &End) -> Result<(), String> {
    let start = Instant::now();
    let said = |what: &str| {
        let what = what.to_owned();
        move |error: backup_engine::Error| format!("{what}: {} {error}", error.code())
    };
    let engine = Engine::open(options(world.home())).map_err(said("N5, the start"))?;
    library_is_old_or_new(world, &engine, job, end)?;
    let listed = engine.backups().map_err(said("N5, the list"))?;
    let listed: Vec<BackupId> = listed.iter().map(|record| record.id.clone()).collect();
    let new = list_is_right(world, &listed, job, end)?;
    let is_new = |id: &BackupId| new.as_ref() == Some(id);
    engine
        .library()
        .put(&items(100..101, 7))
        .map_err(said("N5, a change"))?;
    let now = dump(&engine);
    let next = back_up(&engine).map_err(said("N5, the next backup"))?;
    ensure!(
        start.elapsed() < RESTART,
        "N5: {:?} until it worked",
        start.elapsed()
    );
    for id in listed.iter().chain([&next]) {
        let content = match world.known.get(id) {
            Some(content) => content,
            None if is_new(id) => &world.now,
            None => &now,
        };
        restores_to(world, &engine, id, content)?;
    }
    Ok(())
}

fn library_is_old_or_new(
    world: &World,
    engine: &Engine,
    job: Job,
    end: &End,
) -> Result<(), String> {
    let content = dump(engine);
    let target = world
        .oldest()
        .filter(|_| job.restores())
        .map(|id| &world.known[id]);
    let (old, new) = match job {
        // It begins with what a restore has put there.
        Job::Undo => (target, Some(&world.now)),
        _ => (Some(&world.now), target),
    };
    let (is_old, is_new) = (old == Some(&content), new == Some(&content));
    ensure!(
        is_old || is_new,
        "N1: the library is neither the old nor the new one"
    );
    match end {
        End::Completed => ensure!(is_new || new.is_none(), "N1: a completed restore is gone"),
        End::Canceled | End::Failed(_) => {
            ensure!(
                is_old,
                "N1: the library was replaced by a job that ended with {end:?}"
            )
        }
        End::Died => {}
    }
    let sound = verdict(world.home());
    ensure!(sound == "ok", "N1: the library is not sound: {sound}");
    Ok(())
}

/// The backup that this job may have made.
fn list_is_right(
    world: &World,
    listed: &[BackupId],
    job: Job,
    end: &End,
) -> Result<Option<BackupId>, String> {
    let deleted = |id: &BackupId| job.deletes() && world.known.keys().next_back() == Some(id);
    for id in world.known.keys() {
        let there = listed.contains(id);
        ensure!(
            there || deleted(id),
            "N2: the acknowledged backup {id} is not listed"
        );
        ensure!(
            !(there && deleted(id) && job == Job::Delete && *end == End::Completed),
            "the deleted backup {id} is listed"
        );
        ensure!(
            there || job != Job::Undelete || *end != End::Completed,
            "the backup {id} that was put back is not listed"
        );
    }
    let new: Vec<_> = listed
        .iter()
        .filter(|id| !world.known.contains_key(*id))
        .collect();
    ensure!(
        new.len() <= usize::from(job.backs_up()),
        "N3: {new:?} are listed and were never made"
    );
    match end {
        End::Completed if job.backs_up() => {
            ensure!(new.len() == 1, "N2: the acknowledged backup is not listed")
        }
        End::Canceled | End::Failed(_) => {
            ensure!(
                new.is_empty(),
                "N3: a backup that ended with {end:?} is listed"
            )
        }
        _ => {}
    }
    Ok(new.first().map(|id| (*id).clone()))
}

pub fn restores_to(
    world: &World,
    engine: &Engine,
    id: &BackupId,
    content: &str,
) -> Result<(), String> {
    match restore(engine, id, &Watch::unwatched()) {
        Ok(Outcome::Completed(())) => {}
        other => {
            return Err(format!(
                "N2: the listed backup {id} does not restore: {other:?}"
            ));
        }
    }
    ensure!(
        dump(engine) == content,
        "N2: {id} restores to something else"
    );
    let sound = verdict(world.home());
    ensure!(
        sound == "ok",
        "N2: {id} restores to what is not sound: {sound}"
    );
    Ok(())
}
