//! The judge after a trial: what was promised (N1 to N5 of docs/reliability.md) holds, or the trial says which did not.

use std::time::{Duration, Instant};

use backup_engine::{BackupId, Engine, Outcome, Place, Watch};

use crate::content::Content;
use crate::jobs::Job;
use crate::world::{World, back_up, items, options, restore};

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
    let engine = Engine::open(options(world.home())).map_err(said("N5, the start"))?;
    is_old_or_new(world, &engine, job, end)?;
    what_was_replaced_comes_back(world, &engine, job)?;
    let live = Content::live(world.home(), &engine)?;
    let listed = engine.backups().map_err(said("N5, the list"))?;
    let listed: Vec<BackupId> = listed.iter().map(|record| record.id.clone()).collect();
    let new = list_is_right(world, &listed, job, end)?;
    let all_restore = || -> Result<(), String> {
        for id in &listed {
            let content = world.known.get(id).unwrap_or(&live);
            let known = world.known.contains_key(id) || new.as_ref() == Some(id);
            ensure!(known, "N3: {id} is listed");
            restores_to(world, &engine, id, content)?;
        }
        Ok(())
    };
    // Before a backup puts things right. Where the index or a chunk is damaged, one has to.
    if !job.needs_a_backup() {
        all_restore()?;
    }
    let put = engine.library().put(&items(100..101, 7));
    put.map_err(said("N5, a change"))?;
    let now = Content::live(world.home(), &engine)?;
    let next = back_up(&engine).map_err(said("N5, the next backup"))?;
    let took = start.elapsed();
    ensure!(took < RESTART, "N5: {took:?} until it worked");
    if job.needs_a_backup() {
        all_restore()?;
    }
    restores_to(world, &engine, &next, &now)
}

fn said(what: &'static str) -> impl Fn(backup_engine::Error) -> String {
    move |error| format!("{what}: {} {error}", error.code())
}

fn is_old_or_new(world: &World, engine: &Engine, job: Job, end: &End) -> Result<(), String> {
    let content = Content::live(world.home(), engine).map_err(|why| format!("N1: {why}"))?;
    let target = world.oldest().filter(|_| job.restores());
    let target = target.map(|id| &world.known[id]);
    let (old, new) = match job {
        // It begins with what a restore has put there.
        Job::Undo => (target, Some(&world.now)),
        _ => (Some(&world.now), target),
    };
    let (is_old, is_new) = (old == Some(&content), new == Some(&content));
    ensure!(
        is_old || is_new,
        "N1: neither the old nor the new: {content:?} of {old:?}, {new:?}"
    );
    match end {
        End::Completed => ensure!(is_new || new.is_none(), "N1: a completed restore is gone"),
        End::Canceled | End::Failed(_) => {
            ensure!(
                is_old,
                "N1: something was replaced by a job that ended with {end:?}"
            )
        }
        End::Died => {}
    }
    Ok(())
}

/// Whatever end a restore came to that replaced something.
fn what_was_replaced_comes_back(world: &World, engine: &Engine, job: Job) -> Result<(), String> {
    if job != Job::Restore || Content::live(world.home(), engine)? == world.now {
        return Ok(());
    }
    match engine.undo(&Watch::unwatched()) {
        Ok(Outcome::Completed(())) => {}
        other => {
            return Err(format!(
                "N1: what was replaced does not come back: {other:?}"
            ));
        }
    }
    let back = Content::live(world.home(), engine)?;
    ensure!(back == world.now, "N1: {back:?} came back");
    Ok(())
}

/// Returns the backup that this job has made.
fn list_is_right(
    world: &World,
    listed: &[BackupId],
    job: Job,
    end: &End,
) -> Result<Option<BackupId>, String> {
    let completed = *end == End::Completed;
    let deleted = |id: &BackupId| job.deletes() && world.known.keys().next_back() == Some(id);
    for id in world.known.keys() {
        let there = listed.contains(id);
        ensure!(
            there || deleted(id),
            "N2: the acknowledged backup {id} is not listed"
        );
        let gone = deleted(id) && job == Job::Delete && completed;
        ensure!(!(there && gone), "the deleted backup {id} is listed");
        let back = job == Job::Undelete && completed;
        ensure!(
            there || !back,
            "the backup {id} that was put back is not listed"
        );
    }
    let new = listed.iter().filter(|id| !world.known.contains_key(*id));
    let new: Vec<&BackupId> = new.collect();
    ensure!(
        new.len() <= usize::from(job.backs_up()),
        "N3: {new:?} were never made"
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

/// Restores a listed backup into a folder of its own and compares it.
pub fn restores_to(
    world: &World,
    engine: &Engine,
    id: &BackupId,
    content: &Content,
) -> Result<(), String> {
    let folder = world.home().join("restored");
    let restored = restore(
        engine,
        id,
        Place::Folder(folder.clone()),
        &Watch::unwatched(),
    );
    match restored {
        Ok(Outcome::Completed(())) => {}
        other => {
            return Err(format!(
                "N2: the listed backup {id} does not restore: {other:?}"
            ));
        }
    }
    let restored = Content::restored(&folder).map_err(|why| format!("N2: {id}: {why}"))?;
    std::fs::remove_dir_all(folder).unwrap();
    ensure!(
        restored == *content,
        "N2: {id} restores to {restored:?} and not to {content:?}"
    );
    Ok(())
}
