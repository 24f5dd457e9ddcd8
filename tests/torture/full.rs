//! A disk that is full: a small file system of its own in a mount namespace of its own, filled up to a level, for the
//! destination and for the data folder, in which a restore stages.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backup_engine::{BackupId, Engine, Watch};
use serde_json::{Value, json};

use crate::content::Content;
use crate::jobs::{Job, ends};
use crate::judge::{End, judge, restores_to};
use crate::size::size;
use crate::trials;
use crate::world::{World, copy, options};

struct Trial {
    job: Job,
    folder: &'static str,
    /// Left free, in KiB.
    free: u64,
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(
            out,
            "{:?}, {} with {} KiB free",
            self.job, self.folder, self.free
        )
    }
}

/// Up to so many KiB free: somewhat more than the job needs there.
const PLACES: [(Job, &str, u64); 4] = [
    (Job::First, "destination", 160),
    (Job::BackUp, "destination", 64),
    (Job::BackUp, "data", 24),
    // A restore leaves 16 MiB free.
    (Job::Restore, "data", 18_000),
];

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let levels = size().choose(6, 150);
    let mut plan = Vec::new();
    for (job, folder, most) in PLACES {
        plan.extend((0..levels).map(|level| Trial {
            job,
            folder,
            free: most * level / (levels - 1),
        }));
    }
    let trial_mount = tempfile::tempdir().unwrap();
    if !unshared(trial_mount.path(), "true")
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!(
            "full disk: skipped, as this system does not allow mounting in a namespace of one's own"
        );
        return;
    }
    let ends = trials::Ends::default();
    trials::run("full disk", &plan, |trial| {
        let world = trial.job.world();
        let content = |content: &Content| json!([content.library, content.documents]);
        let known = world
            .known
            .iter()
            .map(|(id, known)| (id.to_string(), content(known)));
        let order = json!({
            "home": world.home(),
            "job": format!("{:?}", trial.job),
            "folder": trial.folder,
            "free": trial.free,
            "known": known.collect::<serde_json::Map<_, _>>(),
            "now": content(&world.now),
        });
        let aside = world.home().join("aside");
        let folder = world.home().join(trial.folder);
        if folder.exists() {
            fs::rename(&folder, &aside).unwrap();
        }
        fs::create_dir(&folder).unwrap();
        let mut inside = unshared(&folder, "exec \"$@\"");
        inside.arg(std::env::current_exe().unwrap());
        inside.args(["full::inside", "--exact", "--nocapture", "--ignored"]);
        inside.env(ORDER, order.to_string()).stdin(Stdio::null());
        let output = inside.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().find_map(|line| line.split_once("TOLD ")) {
            Some((_, fine)) if fine.starts_with("fine ") => {
                let end = match &fine[5..] {
                    "completed" => End::Completed,
                    code => End::Failed(code.to_owned()),
                };
                ends.count((trial.job, trial.folder), &end);
                Ok(())
            }
            Some((_, why)) => Err(why.to_owned()),
            None => Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr))),
        }
    });
    ends.print("full disk");
}

fn unshared(folder: &Path, then: &str) -> Command {
    let script = format!("mount -t tmpfs -o size=64m none \"$1\" && shift && {then}");
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(folder);
    command
}

const ORDER: &str = "HOLDFAST_TORTURE_FULL";

/// No test: a whole trial, in the namespace.
#[test]
#[ignore = "does what another test orders"]
fn inside() {
    let Ok(order) = std::env::var(ORDER) else {
        return;
    };
    let order: Value = serde_json::from_str(&order).unwrap();
    match run(&order) {
        Ok(end) => println!("TOLD fine {end}"),
        Err(why) => println!("TOLD {}", why.replace('\n', " ")),
    }
}

/// Returns how the job ended.
fn run(order: &Value) -> Result<String, String> {
    let home = PathBuf::from(order["home"].as_str().unwrap());
    let job = *Job::ALL
        .iter()
        .find(|job| order["job"] == format!("{job:?}"))
        .unwrap();
    let folder = home.join(order["folder"].as_str().unwrap());
    let content = |content: &Value| Content {
        library: content[0].as_str().unwrap().to_owned(),
        documents: content[1].as_str().unwrap().to_owned(),
    };
    let known = order["known"].as_object().unwrap().iter();
    let known = known
        .map(|(id, known)| (BackupId::parse(id).unwrap(), content(known)))
        .collect();
    let world = World::in_place(&home, known, content(&order["now"]));
    if home.join("aside").exists() {
        copy(&home.join("aside"), &folder);
    }
    let filler = home.join(folder.file_name().unwrap()).join("filler");
    let engine = Engine::open(options(&home)).unwrap();
    let ids = ends(&engine);
    fill(&filler, order["free"].as_u64().unwrap() * 1_024);
    let end = job.run(&engine, &home, &ids, &Watch::unwatched());
    if let End::Failed(why) = &end {
        let clear = ["destination-full", "no-space"].contains(&why.split(' ').next().unwrap());
        if !clear {
            return Err(format!("the error is not clear: {why}"));
        }
    }
    if folder.ends_with("destination") {
        for (id, content) in &world.known {
            restores_to(&world, &engine, id, content)?;
        }
    }
    drop(engine);
    fs::remove_file(filler).unwrap();
    judge(&world, job, &end)?;
    Ok(match end {
        End::Failed(why) => why.split(' ').next().unwrap_or_default().to_owned(),
        _ => "completed".to_owned(),
    })
}

fn fill(filler: &Path, free: u64) {
    let folder = filler.parent().unwrap();
    let output = Command::new("df")
        .args(["--output=avail", "--block-size=1"])
        .arg(folder)
        .output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let available: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
    let file = fs::File::create(filler).unwrap();
    let bytes = available.saturating_sub(free);
    std::io::copy(
        &mut std::io::Read::take(std::io::repeat(7), bytes),
        &mut &file,
    )
    .unwrap();
}
