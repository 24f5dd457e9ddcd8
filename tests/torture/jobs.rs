//! The jobs of the engine that trials break off, run in this process or in one of their own that may be killed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use backup_engine::{
    BackupId, Depth, Engine, Error, NewSource, Outcome, Place, SourceKind, Watch, failpoints_passed,
};
use serde_json::{Value, json};

use crate::by_hand;
use crate::judge::End;
use crate::world::{Kind, World, options, restore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The first backup, which sets the destination up.
    First,
    BackUp,
    /// A backup that finds a file of the index damaged.
    Mend,
    /// A full verification that finds packs damaged between their chunks, in both repositories.
    Verify,
    /// A backup that has such packs noted: nothing in them is lost.
    MendPacks,
    /// A backup that has a pack noted in which a chunk is damaged that every backup has.
    MendChunk,
    /// Of the oldest backup.
    Restore,
    /// Of a restore of the oldest backup.
    Undo,
    /// Of the newest backup.
    Delete,
    Undelete,
    AddSource,
}

impl Job {
    pub const ALL: [Self; 11] = [
        Self::First,
        Self::BackUp,
        Self::Mend,
        Self::Verify,
        Self::MendPacks,
        Self::MendChunk,
        Self::Restore,
        Self::Undo,
        Self::Delete,
        Self::Undelete,
        Self::AddSource,
    ];

    pub fn world(self) -> World {
        let mut world = World::new(match self {
            Self::First => Kind::Fresh,
            _ => Kind::BackedUp,
        });
        if self.restores() {
            world.quit();
        }
        match self {
            Self::Mend => damage_index(world.home()),
            Self::Verify | Self::MendPacks => damage_headers(world.home()),
            Self::MendChunk => damage_chunk(world.home()),
            _ => {}
        }
        if matches!(self, Self::MendPacks | Self::MendChunk) {
            let engine = Engine::open(options(world.home())).unwrap();
            assert_eq!(
                verify(&engine, &Watch::unwatched()).unwrap(),
                Outcome::Completed(())
            );
        }
        world
    }

    pub fn backs_up(self) -> bool {
        matches!(
            self,
            Self::First | Self::BackUp | Self::Mend | Self::MendPacks | Self::MendChunk
        )
    }

    /// Whether earlier backups may not restore until the next one has been made.
    pub fn needs_a_backup(self) -> bool {
        matches!(self, Self::Mend | Self::MendChunk)
    }

    pub fn restores(self) -> bool {
        matches!(self, Self::Restore | Self::Undo)
    }

    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::Undelete)
    }

    /// What comes before the part that a trial is about.
    pub fn prepare(self, engine: &Engine) -> Result<(), Error> {
        let (oldest, newest) = ends(engine);
        match self {
            Self::Undo => {
                let watch = Watch::unwatched();
                restore(engine, &oldest.unwrap(), Place::InPlace, &watch).map(drop)
            }
            Self::Undelete => engine.delete(&newest.unwrap()),
            _ => Ok(()),
        }
    }

    pub fn run(
        self,
        engine: &Engine,
        home: &Path,
        ids: &(Option<BackupId>, Option<BackupId>),
        watch: &Watch,
    ) -> End {
        let (oldest, newest) = ids;
        let outcome = match self {
            job if job.backs_up() => {
                engine
                    .back_up(&engine.new_backup_id(), watch)
                    .map(|outcome| match outcome {
                        Outcome::Completed(_) => Outcome::Completed(()),
                        Outcome::Canceled => Outcome::Canceled,
                    })
            }
            Self::Verify => verify(engine, watch),
            Self::Restore => restore(engine, oldest.as_ref().unwrap(), Place::InPlace, watch),
            Self::Undo => engine.undo(watch),
            Self::Delete => engine
                .delete(newest.as_ref().unwrap())
                .map(Outcome::Completed),
            Self::Undelete => engine
                .undelete(newest.as_ref().unwrap())
                .map(Outcome::Completed),
            Self::AddSource => {
                let source = NewSource {
                    kind: SourceKind::Folder,
                    path: home.join("documents/notes"),
                    excludes: Vec::new(),
                };
                engine.add_source(source).map(|_| Outcome::Completed(()))
            }
            _ => unreachable!("{self:?}"),
        };
        match outcome {
            Ok(Outcome::Completed(())) => End::Completed,
            Ok(Outcome::Canceled) => End::Canceled,
            Err(error) => End::Failed(format!("{} {error:?}", error.code())),
        }
    }
}

/// One that finds damage has done what it should.
fn verify(engine: &Engine, watch: &Watch) -> Result<Outcome<()>, Error> {
    let outcome = engine.verify(None, Depth::Full, watch)?;
    Ok(match outcome {
        Outcome::Completed(_) => Outcome::Completed(()),
        Outcome::Canceled => Outcome::Canceled,
    })
}

fn damage_index(home: &Path) {
    let mut files = fs::read_dir(home.join("destination/databases/index")).unwrap();
    flip(&files.next().unwrap().unwrap().path(), |_| 20);
}

/// The header of a pack is its end.
fn damage_headers(home: &Path) {
    for part in ["databases", "files"] {
        let pack = place_of(home, part, "documents").0;
        flip(&pack, |length| length - 10);
    }
}

fn damage_chunk(home: &Path) {
    let (pack, at) = place_of(home, "files", "documents/notes/0.txt");
    flip(&pack, |_| at);
}

/// The pack that holds a folder, or the first chunk of a file, of the oldest backup, and a byte of it there.
fn place_of(home: &Path, part: &str, path: &str) -> (PathBuf, usize) {
    let repository = by_hand::open(home, part).to_indexed().unwrap();
    let mut snapshots = repository.get_all_snapshots().unwrap();
    snapshots.sort_by(|one, other| one.time.cmp(&other.time));
    let node = repository.node_from_path(snapshots[0].tree, Path::new(path));
    let node = node.unwrap();
    let entry = match node.subtree {
        Some(folder) => repository.get_index_entry(&folder),
        None => repository.get_index_entry(&node.content.unwrap()[0]),
    };
    let entry = entry.unwrap();
    let name = entry.pack.to_hex();
    let data = home.join("destination").join(part).join("data");
    let pack = data.join(&name.as_str()[..2]).join(name.as_str());
    (pack, entry.location.offset as usize + 20)
}

/// The repository library makes its files read-only.
fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The oldest and the newest backup.
pub fn ends(engine: &Engine) -> (Option<BackupId>, Option<BackupId>) {
    let backups = engine.backups().unwrap();
    let id = |record: &backup_engine::BackupRecord| record.id.clone();
    (backups.last().map(id), backups.first().map(id))
}

/// Said by a worker when its job begins.
const BEGUN: &str = "BEGUN";
const ORDER: &str = "HOLDFAST_TORTURE_JOB";

/// A job in a process of its own, with failpoints set for it.
pub struct Worker {
    process: Child,
    /// `None`: somebody else listens.
    said: Option<BufReader<ChildStdout>>,
}

pub struct Told {
    pub end: End,
    /// How often the job passed each failpoint. Empty where its process died.
    pub passed: BTreeMap<String, u64>,
}

impl Worker {
    pub fn start(job: Job, home: &Path, points: &[(String, String)]) -> Self {
        let order = json!({"job": format!("{job:?}"), "home": home, "points": points});
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["jobs::worker", "--exact", "--nocapture", "--ignored"]);
        command.env(ORDER, order.to_string()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let said = Some(BufReader::new(process.stdout.take().unwrap()));
        Self { process, said }
    }

    /// Until all that comes before the job is done.
    pub fn wait_for_the_job(&mut self) {
        let mut line = String::new();
        while !line.contains(BEGUN) {
            line.clear();
            let length = self.said.as_mut().unwrap().read_line(&mut line).unwrap();
            assert!(length > 0, "the worker did not come to its job");
        }
    }

    /// How the job ended, as soon as it says so.
    pub fn telling(&mut self) -> Receiver<End> {
        let (sender, receiver) = channel();
        let said = self.said.take().unwrap();
        thread::spawn(move || {
            let mut lines = said.lines().map_while(Result::ok);
            if let Some(told) = lines.find_map(|line| told(&line)) {
                // Nobody waits for it after the cut.
                drop(sender.send(told.end));
            }
        });
        receiver
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    pub fn wait(mut self) -> Told {
        let mut text = String::new();
        if let Some(said) = &mut self.said {
            said.read_to_string(&mut text).unwrap();
        }
        self.process.wait().unwrap();
        let died = || Told {
            end: End::Died,
            passed: BTreeMap::new(),
        };
        told(&text).unwrap_or_else(died)
    }
}

fn told(text: &str) -> Option<Told> {
    let line = text.lines().find_map(|line| line.split_once("TOLD "))?.1;
    let told: Value = serde_json::from_str(line).ok()?;
    let end = match told["end"].as_str()? {
        "completed" => End::Completed,
        "canceled" => End::Canceled,
        failed => End::Failed(failed.to_owned()),
    };
    Some(Told {
        end,
        passed: serde_json::from_value(told["passed"].clone()).ok()?,
    })
}

/// No test: the process of [`Worker`].
#[test]
#[ignore = "does what the other tests order"]
fn worker() {
    let Ok(order) = std::env::var(ORDER) else {
        return;
    };
    let order: Value = serde_json::from_str(&order).unwrap();
    let job = *Job::ALL
        .iter()
        .find(|job| order["job"] == format!("{job:?}"))
        .unwrap();
    let home: PathBuf = serde_json::from_value(order["home"].clone()).unwrap();
    let points: Vec<(String, String)> = serde_json::from_value(order["points"].clone()).unwrap();
    let engine = Engine::open(options(&home)).unwrap();
    let ids = ends(&engine);
    job.prepare(&engine).unwrap();
    let before = failpoints_passed();
    for (name, actions) in points {
        fail::cfg(name, &actions).unwrap();
    }
    println!("{BEGUN}");
    let end = match job.run(&engine, &home, &ids, &Watch::unwatched()) {
        End::Completed => "completed".to_owned(),
        End::Canceled => "canceled".to_owned(),
        End::Failed(why) => why,
        End::Died => unreachable!(),
    };
    let mut passed = failpoints_passed();
    for (name, count) in before {
        *passed.entry(name).or_default() -= count;
    }
    println!("TOLD {}", json!({"end": end, "passed": passed}));
}
