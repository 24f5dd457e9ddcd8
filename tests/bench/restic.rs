//! The `restic` on the path, as its users run it: default compression, with its cache.

use std::path::Path;
use std::process::Command;

use crate::child::{self, Cost};
use crate::program::Which;
use crate::rival::Rival;

pub struct Restic;

impl Restic {
    fn command(home: &Path) -> Command {
        let mut command = Command::new("restic");
        command
            .current_dir(home)
            .arg("--quiet")
            .arg("--repo")
            .arg(home.join("repository"))
            .arg("--cache-dir")
            .arg(home.join("cache"))
            .arg("--password-file")
            .arg(home.join("password"));
        command
    }
}

impl Rival for Restic {
    fn name(&self) -> &'static str {
        "restic"
    }

    fn version(&self) -> Option<String> {
        child::version(Command::new("restic").arg("version"))
    }

    fn init(&self, home: &Path) -> Cost {
        child::run(Self::command(home).arg("init"))
    }

    fn back_up(&self, home: &Path, which: Which) -> Cost {
        child::run(Self::command(home).args(["backup", "input", "--tag", which.name()]))
    }

    fn restore(&self, home: &Path, which: Which, target: &Path) -> Cost {
        child::run(
            Self::command(home)
                .args(["restore", "latest", "--tag", which.name(), "--target"])
                .arg(target),
        )
    }
}
