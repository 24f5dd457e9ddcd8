//! The `rustic` that `cargo xtask bench` built into `target/tools`, as its users run it: defaults, with its cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{self, Cost};
use crate::program::Which;
use crate::rival::Rival;

pub struct Rustic;

impl Rustic {
    fn command(home: &Path) -> Command {
        let mut command = Command::new(program());
        command
            .current_dir(home)
            // No profile of the person who runs this.
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .args(["--no-progress", "--log-level", "warn"])
            .arg("--repository")
            .arg(home.join("repository"))
            .arg("--cache-dir")
            .arg(home.join("cache"))
            .arg("--password-file")
            .arg(home.join("password"));
        command
    }
}

/// `target/release/bench` is this program.
fn program() -> PathBuf {
    let bench = std::env::current_exe().unwrap();
    let target = bench.ancestors().nth(2).unwrap();
    target
        .join("tools/bin")
        .join(format!("rustic{}", std::env::consts::EXE_SUFFIX))
}

impl Rival for Rustic {
    fn name(&self) -> &'static str {
        "rustic"
    }

    fn version(&self) -> Option<String> {
        child::version(Command::new(program()).arg("--version"))
    }

    fn init(&self, home: &Path) -> Cost {
        child::run(Self::command(home).arg("init"))
    }

    fn back_up(&self, home: &Path, which: Which) -> Cost {
        child::run(Self::command(home).args(["backup", "input", "--tag", which.name()]))
    }

    /// It alone deletes what was added since, and is asked to.
    fn restore(&self, home: &Path, which: Which, target: &Path) -> Cost {
        child::run(
            Self::command(home)
                .args(["restore", "--delete", "--filter-tags", which.name()])
                .arg("latest:input")
                .arg(target.join("input")),
        )
    }
}
