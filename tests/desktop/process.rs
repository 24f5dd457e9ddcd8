//! Programs that the desktop consists of: each ends with the test, with everything it has started.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running program and its descendants, which lead a process group of their own.
pub struct Process(Child);

impl Process {
    /// Starts `program` with exactly `environment`; what it writes goes to a file of its name in `logs`.
    pub fn start<'a>(
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
        environment: &[(String, String)],
        logs: &Path,
    ) -> Self {
        Self::spawn(program, arguments, environment, logs, false)
    }

    /// The same, and hands over its standard output instead of writing it to the file.
    pub fn start_and_listen<'a>(
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
        environment: &[(String, String)],
        logs: &Path,
    ) -> (Self, std::process::ChildStdout) {
        let mut process = Self::spawn(program, arguments, environment, logs, true);
        let output = process.0.stdout.take().unwrap();
        (process, output)
    }

    fn spawn<'a>(
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
        environment: &[(String, String)],
        logs: &Path,
        listen: bool,
    ) -> Self {
        let name = program.file_name().map(OsStr::to_string_lossy).unwrap();
        let log = File::options()
            .create(true)
            .append(true)
            .open(logs.join(format!("{name}.log")))
            .unwrap();
        let output = if listen {
            Stdio::piped()
        } else {
            log.try_clone().unwrap().into()
        };
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .spawn();
        match child {
            Ok(child) => Self(child),
            Err(error) => panic!("{} does not start: {error}", program.display()),
        }
    }

    /// The exit code of a program that ends by itself.
    pub fn wait(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group, because a driver starts a driver that starts the app.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = self.0.wait();
    }
}

/// Where a program lies that a system package brought.
pub fn installed(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is missing; `cargo xtask setup` installs it"))
}
