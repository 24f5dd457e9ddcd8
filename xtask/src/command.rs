//! Running other programs: every command is printed before it runs, so that it can be repeated by hand.

use std::ffi::OsStr;
use std::fmt;
use std::process::{Command, Stdio};

/// Why a command of xtask stopped: one or more sentences for the person who started it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Says what was being done when an operating system call failed.
pub trait Doing<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("could not {what}: {error}")))
    }
}

/// Runs a command with this terminal as its own and fails if it fails.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let line = line(command);
    println!("    $ {line}");
    let status = command.status().doing(format_args!("start `{line}`"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` failed ({status})")))
    }
}

/// What a quiet command wrote to its standard output, whether it succeeded or not.
pub fn read(command: &mut Command) -> Result<String, Failure> {
    let line = line(command);
    let output = command
        .stderr(Stdio::null())
        .output()
        .doing(format_args!("start `{line}`"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    environment
        .chain(words.map(quoted))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_typed_as_it_stands() {
        let mut command = Command::new("apt-get");
        command
            .env("A", "b c")
            .args(["install", "it's", "", "--plain=1"]);
        assert_eq!(
            line(&command),
            r"A='b c' apt-get install 'it'\''s' '' --plain=1"
        );
    }

    #[test]
    fn a_command_that_fails_says_which_it_was() {
        let failure = run(Command::new("false").arg("x"))
            .err()
            .map(|f| f.to_string());
        assert!(failure.is_some_and(|text| text.contains("`false x` failed")));
    }
}
