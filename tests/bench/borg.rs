//! The `borg` on the path, as its users run it: a key in the repository, BLAKE2, lz4, with its cache.

use std::path::Path;
use std::process::Command;

use crate::child::{self, Cost};
use crate::program::Which;
use crate::rival::Rival;

pub struct Borg;

impl Borg {
    fn command(home: &Path, folder: &Path) -> Command {
        let mut command = Command::new("borg");
        command
            .current_dir(folder)
            .env("BORG_BASE_DIR", home.join("base"))
            .env(
                "BORG_PASSCOMMAND",
                format!("cat {}", home.join("password").display()),
            )
            .env("BORG_REPO", home.join("repository"));
        command
    }
}

fn archive(which: Which) -> String {
    format!("::{}", which.name())
}

impl Rival for Borg {
    fn name(&self) -> &'static str {
        "borg"
    }

    fn version(&self) -> Option<String> {
        child::version(Command::new("borg").arg("--version"))
    }

    fn init(&self, home: &Path) -> Cost {
        child::run(Self::command(home, home).args(["init", "--encryption", "repokey-blake2"]))
    }

    fn back_up(&self, home: &Path, which: Which) -> Cost {
        child::run(Self::command(home, home).args(["create", &archive(which), "input"]))
    }

    fn restore(&self, home: &Path, which: Which, target: &Path) -> Cost {
        std::fs::create_dir_all(target).unwrap();
        child::run(Self::command(home, target).args(["extract", &archive(which)]))
    }
}
