//! What the other programs have in common: one process for each step, and a home folder with `input`, `repository`,
//! `password` and the program's cache.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::program::{Cost, Program, Which};

/// How one of them is called. Its paths begin with `input`, because it is run in its home.
pub trait Rival {
    fn name(&self) -> &'static str;
    /// `None` where it is not installed.
    fn version(&self) -> Option<String>;
    fn init(&self, home: &Path) -> Cost;
    fn back_up(&self, home: &Path, which: Which) -> Cost;

    /// Leaves the backup as `input` in this folder, over what is there.
    fn restore(&self, home: &Path, which: Which, target: &Path) -> Cost;
}

pub struct Installed {
    rival: Box<dyn Rival>,
    home: PathBuf,
    set_up: Cost,
}

impl Installed {
    pub fn new(rival: Box<dyn Rival>, home: &Path) -> Self {
        std::fs::create_dir_all(home.join("input")).unwrap();
        std::fs::write(home.join("password"), "bench").unwrap();
        let set_up = rival.init(home);
        Self {
            rival,
            home: home.to_owned(),
            set_up,
        }
    }
}

impl Program for Installed {
    fn name(&self) -> &'static str {
        self.rival.name()
    }

    fn input(&self) -> PathBuf {
        self.home.join("input")
    }

    fn repository(&self) -> PathBuf {
        self.home.join("repository")
    }

    fn set_up(&self) -> Duration {
        self.set_up.took
    }

    fn back_up(&mut self, which: Which) -> Cost {
        self.rival.back_up(&self.home, which)
    }

    fn restore_to(&mut self, which: Which, folder: &Path) -> Option<(Cost, PathBuf)> {
        let cost = self.rival.restore(&self.home, which, folder);
        Some((cost, folder.join("input")))
    }

    fn restore_in_place(&mut self, which: Which) -> Option<Cost> {
        Some(self.rival.restore(&self.home, which, &self.home))
    }

    /// None of them has an undo: the way back is to restore the later backup.
    fn undo(&mut self) -> Option<Cost> {
        self.restore_in_place(Which::Changed)
    }
}
