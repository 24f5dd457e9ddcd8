//! System packages on Debian and Ubuntu: which are needed for what, which are missing, and their installation.

use std::fs;
use std::process::Command;

use crate::command::{self, Failure};

/// Enough for the service and the command line.
pub const SERVE: &[&str] = &["build-essential", "pkg-config"];

/// What the window needs besides.
pub const WINDOW: &[&str] = &[
    "libayatana-appindicator3-dev",
    "libdbus-1-dev",
    "libwebkit2gtk-4.1-dev",
];

/// What measuring compares with.
pub const BENCH: &[&str] = &["borgbackup", "restic"];

/// What the tests need besides: a screen, a bus, a WebDriver, pictures, a Python for the SDK, plain restic, and
/// file systems whose files can share blocks.
pub const TESTS: &[&str] = &[
    "btrfs-progs",
    "dbus",
    "gnome-keyring",
    "imagemagick",
    "python3-venv",
    "restic",
    "webkit2gtk-driver",
    "xfsprogs",
    "xvfb",
];

/// Installs those of `wanted` that are missing. Says first what it is about to do.
pub fn install(wanted: &[&str]) -> Result<(), Failure> {
    if !command::exists("dpkg-query") || !command::exists("apt-get") {
        println!("    This is neither Debian nor Ubuntu: nothing is installed here.");
        println!("    Needed, by their Debian names: {}", wanted.join(" "));
        return Ok(());
    }
    let missing = missing(wanted)?;
    if missing.is_empty() {
        println!("    All {} packages are there.", wanted.len());
        return Ok(());
    }
    println!("    Will be installed with apt-get, with what they depend on:");
    println!("      {}", missing.join(" "));
    let root = is_root()?;
    if !root && !command::exists("sudo") {
        return Err(Failure::new(format!(
            "installing packages needs root, and there is no sudo. As root, run:\n  \
             apt-get update && apt-get install --no-install-recommends {}",
            missing.join(" ")
        )));
    }
    if !have_lists() {
        command::run(apt_get(root).arg("update"))?;
    }
    let install = || {
        command::run(
            apt_get(root)
                .args(["install", "--yes", "--no-install-recommends"])
                .args(&missing),
        )
    };
    // Lists that are too old name versions which the mirror no longer has: fresh ones mend that.
    install().or_else(|_| {
        println!("    That failed; trying again with fresh package lists.");
        command::run(apt_get(root).arg("update"))?;
        install()
    })
}

fn apt_get(root: bool) -> Command {
    // Through `env`, because sudo does not hand on its caller's environment.
    let mut command = if root {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
    command
}

fn missing<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>, Failure> {
    let table = command::read(
        Command::new("dpkg-query")
            .args(["--show", "--showformat", "${db:Status-Status} ${Package}\n"])
            .args(wanted),
    )?;
    Ok(not_installed(wanted, &table))
}

/// `table` has a line for each package that dpkg knows: its status, a space, its name.
fn not_installed<'a>(wanted: &[&'a str], table: &str) -> Vec<&'a str> {
    let installed: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .collect();
    wanted
        .iter()
        .copied()
        .filter(|package| !installed.contains(package))
        .collect()
}

fn is_root() -> Result<bool, Failure> {
    Ok(command::read(Command::new("id").arg("-u"))?.trim() == "0")
}

/// A fresh container comes without package lists.
fn have_lists() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.contains("_Packages")
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_fully_installed_is_skipped() {
        let table = "installed dbus\nconfig-files xvfb\nnot-installed python3-venv\n";
        assert_eq!(
            not_installed(&["dbus", "xvfb", "python3-venv", "imagemagick"], table),
            ["xvfb", "python3-venv", "imagemagick"]
        );
    }
}
