//! Where things lie in this repository, and how cargo and the tools are called from here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Doing, Failure};

pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Workspace {
    pub fn locate() -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or_else(|| Failure::new("xtask must stay inside the repository"))?
            .to_path_buf();
        std::env::set_current_dir(&root).doing(format_args!("enter {}", root.display()))?;
        // Wherever cargo was told to build: this program lies in `debug` there.
        let program = std::env::current_exe().doing("find this program")?;
        let target = program
            .ancestors()
            .nth(2)
            .ok_or_else(|| Failure::new("xtask must be started by cargo"))?
            .to_path_buf();
        Ok(Self { root, target })
    }

    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// Programs that only this project's tests need; nothing is installed outside `target`.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A program of this workspace as the everyday build leaves it.
    pub fn built(&self, name: &str) -> PathBuf {
        self.target
            .join("debug")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The cargo that runs this xtask, so that one toolchain builds everything.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }
}
