//! Every object of both repositories, with a bit flipped, cut short, gone, or in the place of another of its kind. Whatever
//! is read then is right, or an error names the backup; and the next backup works. After a full verification the next backup
//! restores, whatever was damaged.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use backup_engine::{BackupId, Depth, Engine, Error, Outcome, Place, Watch};

use crate::content::Content;
use crate::size::size;
use crate::trials;
use crate::world::{Kind, World, back_up, options, restore};

#[derive(Clone, Debug)]
struct Trial {
    /// In the destination.
    object: PathBuf,
    damage: Damage,
    /// Whether the data folder still has its catalog, so that records are read only where they are needed.
    catalog: bool,
}

#[derive(Clone, Debug)]
enum Damage {
    /// Of this many thousandths of its length.
    Flip(usize),
    Cut(usize),
    Delete,
    SwapWith(PathBuf),
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let catalog = if self.catalog { "" } else { ", no catalog" };
        write!(out, "{} {:?}{catalog}", self.object.display(), self.damage)
    }
}

impl Trial {
    /// What kind of object it is: the folder that it lies in, and `config` for the configuration.
    fn kind(&self) -> String {
        let mut names = self
            .object
            .iter()
            .map(|name| name.to_string_lossy().into_owned());
        names.nth(1).unwrap()
    }

    /// Without these nobody can read the repository, and only a copy helps.
    fn is_vital(&self) -> bool {
        matches!(self.kind().as_str(), "config" | "keys")
    }

    /// A pack that has the right name and size is not read by a backup that finds its chunks in it, unless a verification
    /// has found it damaged.
    fn is_silent(&self) -> bool {
        self.kind() == "data" && matches!(self.damage, Damage::Flip(_) | Damage::SwapWith(_))
    }

    fn inflict(&self, destination: &Path) {
        let path = destination.join(&self.object);
        let mut bytes = fs::read(&path).unwrap();
        let at = |thousandths: usize| thousandths * bytes.len() / 1_000;
        match &self.damage {
            Damage::Flip(thousandths) => {
                let at = at(*thousandths).min(bytes.len() - 1);
                bytes[at] ^= 0x10;
                overwrite(&path, &bytes);
            }
            Damage::Cut(thousandths) => overwrite(&path, &bytes[..at(*thousandths)]),
            Damage::Delete => fs::remove_file(path).unwrap(),
            Damage::SwapWith(other) => {
                let other = destination.join(other);
                let bytes_of_other = fs::read(&other).unwrap();
                overwrite(&other, &bytes);
                overwrite(&path, &bytes_of_other);
            }
        }
    }
}

/// The repository library makes its files read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn damage_to_any_object_is_an_error_or_does_no_harm_and_the_next_backup_works() {
    let world = World::new(Kind::BackedUp);
    let objects = objects(&world.home().join("destination"));
    let mut plan = Vec::new();
    for object in &objects {
        for damage in damages(object, &objects) {
            let trial = Trial {
                object: object.clone(),
                damage,
                catalog: true,
            };
            if ["snapshots", "index"].contains(&trial.kind().as_str()) {
                plan.push(Trial {
                    catalog: false,
                    ..trial.clone()
                });
            }
            plan.push(trial);
        }
    }
    let told = Mutex::new(BTreeSet::new());
    trials::run("corruption", &plan, |trial| {
        let world = World::new(Kind::BackedUp);
        trial.inflict(&world.home().join("destination"));
        if !trial.catalog {
            fs::remove_file(world.home().join("data/catalog.db")).unwrap();
        }
        judge(&world, trial, &told)
    });
    println!("corruption: {:?}", told.into_inner().unwrap());
}

fn objects(destination: &Path) -> Vec<PathBuf> {
    fn scan(folder: &Path, root: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scan(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    for part in ["databases", "files"] {
        scan(&destination.join(part), destination, &mut found);
    }
    found.sort();
    found
}

fn damages(object: &Path, objects: &[PathBuf]) -> Vec<Damage> {
    let kind = |path: &Path| path.iter().take(2).collect::<PathBuf>();
    let alike = objects
        .iter()
        .filter(|other| kind(other) == kind(object) && *other != object);
    // Each pair once.
    let others: Vec<_> = alike
        .filter(|other| other.as_path() > object)
        .cloned()
        .collect();
    // In thousandths: in the everyday size the middle, else the ends and as many places in between.
    let spread = |places: usize| (0..places).map(move |at| at * 1_000 / (places - 1));
    let flips = size().choose(vec![500], spread(51).collect());
    let cuts = size().choose(vec![0, 500], spread(20).filter(|at| *at < 1_000).collect());
    let mut damages = vec![Damage::Delete];
    damages.extend(flips.into_iter().map(Damage::Flip));
    damages.extend(cuts.into_iter().map(Damage::Cut));
    damages.extend(
        others
            .into_iter()
            .take(size().choose(1, 100))
            .map(Damage::SwapWith),
    );
    damages
}

fn judge(world: &World, trial: &Trial, told: &Mutex<BTreeSet<String>>) -> Result<(), String> {
    let note = |what: &str, error: &Error| {
        told.lock()
            .unwrap()
            .insert(format!("{} {what}: {}", trial.kind(), error.code()));
    };
    let engine =
        Engine::open(options(world.home())).map_err(|error| format!("the start: {error:?}"))?;
    match engine.backups() {
        Ok(listed) => {
            let known = |id: &BackupId| world.known.contains_key(id);
            if !listed.iter().all(|record| known(&record.id)) {
                return Err(format!("N3: {listed:?} are listed"));
            }
        }
        Err(error) => {
            note("list", &error);
            if !is_damage(&error) {
                return Err(format!("N4, the list: {error:?}"));
            }
        }
    }
    let (mut could_be_restored, mut lost) = (Vec::new(), Vec::new());
    for (id, content) in &world.known {
        match restored(world, &engine, id)? {
            Ok(restored) if restored == *content => could_be_restored.push(id),
            Ok(restored) => {
                return Err(format!(
                    "N4: {id} restores to {restored:?}, not {content:?}"
                ));
            }
            Err(error) => {
                note("restore", &error);
                let names = error.message().contains(id.as_str());
                let gone = matches!(error, Error::UnknownBackup(_)) && is_record_gone(trial);
                if !(gone || names && matches!(error, Error::Damaged { .. })) {
                    return Err(format!("N4: {id} does not restore, but: {error:?}"));
                }
                if !gone {
                    lost.push(id);
                }
            }
        }
    }
    if trial.is_silent() {
        // As it goes where nobody has verified: what cannot be restored says so.
        let next = back_up(&engine).map_err(|error| format!("before verifying: {error:?}"))?;
        if let Some(error) = restores_to_now(world, &engine, &next)? {
            note("restore of the next", &error);
            if !error.message().contains(next.as_str()) {
                return Err(format!("N4: the next backup does not restore: {error:?}"));
            }
        }
    }
    match engine.verify(None, Depth::Full, &Watch::unwatched()) {
        Ok(Outcome::Completed(report)) => {
            let named = |id: &BackupId| report.damaged.iter().any(|(damaged, _)| damaged == id);
            let unnamed: Vec<_> = lost.iter().filter(|id| !named(id)).collect();
            // A record that cannot be read is counted, as nobody can say which backup it is of.
            if unnamed.len() as u64 > report.unreadable {
                return Err(format!(
                    "N4: {unnamed:?} do not restore, and verifying says {report:?}"
                ));
            }
        }
        Err(error) if is_damage(&error) => note("verify", &error),
        other => return Err(format!("N4, verifying: {other:?}")),
    }
    next_backup(world, trial, &engine, &note)?;
    let known = world.known.keys();
    // An index is made anew from the packs by the next backup.
    let whole = known.filter(|id| trial.kind() == "index" || could_be_restored.contains(id));
    restore_again(world, &engine, whole)?;
    let live = Content::live(world.home(), &engine)?;
    (live == world.now)
        .then_some(())
        .ok_or_else(|| "N1: what is live changed".into())
}

fn next_backup(
    world: &World,
    trial: &Trial,
    engine: &Engine,
    note: &dyn Fn(&str, &Error),
) -> Result<(), String> {
    let next = match back_up(engine) {
        Ok(next) => next,
        Err(error) => {
            note("backup", &error);
            let clear = trial.is_vital() && is_damage(&error);
            return clear
                .then_some(())
                .ok_or_else(|| format!("the next backup: {error:?}"));
        }
    };
    match restores_to_now(world, engine, &next)? {
        None => Ok(()),
        Some(error) => Err(format!("N3: the next backup does not restore: {error:?}")),
    }
}

/// Errors outside: it restores to something else.
fn restores_to_now(world: &World, engine: &Engine, id: &BackupId) -> Result<Option<Error>, String> {
    match restored(world, engine, id)? {
        Ok(restored) if restored == world.now => Ok(None),
        Ok(restored) => Err(format!("N2: the next backup restores to {restored:?}")),
        Err(error) => Ok(Some(error)),
    }
}

fn restore_again<'a>(
    world: &World,
    engine: &Engine,
    ids: impl Iterator<Item = &'a BackupId>,
) -> Result<(), String> {
    for id in ids {
        match restored(world, engine, id)? {
            Ok(restored) if restored == world.known[id] => {}
            other => {
                return Err(format!(
                    "N2: after the next backup {id} restores to {other:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Errors outside: what was restored cannot be read.
fn restored(
    world: &World,
    engine: &Engine,
    id: &BackupId,
) -> Result<Result<Content, Error>, String> {
    let folder = world.home().join("restored");
    let outcome = restore(
        engine,
        id,
        Place::Folder(folder.clone()),
        &Watch::unwatched(),
    );
    let content = outcome.map(|_| Content::restored(&folder));
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    match content {
        Ok(content) => content
            .map(Ok)
            .map_err(|why| format!("N4: wrong bytes: {why}")),
        Err(error) => Ok(Err(error)),
    }
}

fn is_damage(error: &Error) -> bool {
    ["damaged", "damaged-records"].contains(&error.code())
}

fn is_record_gone(trial: &Trial) -> bool {
    trial.kind() == "snapshots" && matches!(trial.damage, Damage::Delete)
}
