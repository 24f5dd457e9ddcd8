//! The same work done by the `restic` on the path, as its users would run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::peak_memory;

pub struct Restic {
    repository: PathBuf,
    password: PathBuf,
}

pub struct Run {
    pub took: Duration,
    pub memory: u64,
}

impl Restic {
    pub fn init(repository: &Path) -> Self {
        let password = repository.with_extension("password");
        std::fs::write(&password, "bench").unwrap();
        let restic = Self {
            repository: repository.to_owned(),
            password,
        };
        restic.run(&["init"]);
        restic
    }

    pub fn back_up(&self, folder: &Path) -> Run {
        self.run(&["backup", folder.to_str().unwrap()])
    }

    pub fn restore(&self, target: &Path) -> Run {
        self.run(&["restore", "latest", "--target", target.to_str().unwrap()])
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let start = Instant::now();
        let mut child = Command::new("restic")
            .args(["--quiet", "--no-cache", "--repo"])
            .arg(&self.repository)
            .arg("--password-file")
            .arg(&self.password)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("restic is needed for this comparison");
        let mut memory = 0;
        // The kernel forgets a process's peak when it ends, so it is sampled; it only grows, so little is missed.
        let status = loop {
            memory = peak_memory(child.id()).unwrap_or(0).max(memory);
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "restic {arguments:?} failed");
        Run {
            took: start.elapsed(),
            memory,
        }
    }
}
