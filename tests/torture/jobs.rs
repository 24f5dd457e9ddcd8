//! The jobs of the engine that trials break off, run in this process or in one of their own that may be killed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use backup_engine::{
    BackupId, Engine, Error, NewSource, Outcome, Place, SourceKind, Watch, failpoints_passed,
};
use serde_json::{Value, json};

use crate::judge::End;
use crate::world::{Kind, World, options, restore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The first backup, which sets the destination up.
    First,
    BackUp,
    /// A backup that finds a file of the index damaged.
    Mend,
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
    pub const ALL: [Self; 8] = [
        Self::First,
        Self::BackUp,
        Self::Mend,
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
        if self == Self::Mend {
            damage_index(world.home());
        }
        world
    }

    pub fn backs_up(self) -> bool {
        matches!(self, Self::First | Self::BackUp | Self::Mend)
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
            Self::First | Self::BackUp | Self::Mend => engine
                .back_up(&engine.new_backup_id(), watch)
                .map(|outcome| match outcome {
                    Outcome::Completed(_) => Outcome::Completed(()),
                    Outcome::Canceled => Outcome::Canceled,
                }),
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
        };
        match outcome {
            Ok(Outcome::Completed(())) => End::Completed,
            Ok(Outcome::Canceled) => End::Canceled,
            Err(error) => End::Failed(format!("{} {error:?}", error.code())),
        }
    }
}

fn damage_index(home: &Path) {
    let mut files = fs::read_dir(home.join("destination/databases/index")).unwrap();
    let path = files.next().unwrap().unwrap().path();
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::remove_file(&path).unwrap();
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
    said: BufReader<ChildStdout>,
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
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// Until all that comes before the job is done.
    pub fn wait_for_the_job(&mut self) {
        let mut line = String::new();
        while !line.contains(BEGUN) {
            line.clear();
            let length = self.said.read_line(&mut line).unwrap();
            assert!(length > 0, "the worker did not come to its job");
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    pub fn wait(mut self) -> Told {
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
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
