//! The interface's own tools: its packages, its build and its checks.

use std::process::Command;

use crate::command::{self, Failure};
use crate::stamp::Stamp;
use crate::steps::Steps;
use crate::workspace::Workspace;

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Installs the packages and builds what the app embeds, each only when its sources have changed.
pub fn prepare(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("interface packages", || {
        check_node()?;
        packages(workspace)
    })?;
    steps.step("interface build", || build(workspace))
}

/// Types, unit tests and formatting.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    for (name, script) in [
        ("interface types", "check"),
        ("interface tests", "test"),
        ("interface formatting", "format:check"),
    ] {
        steps.step(name, || {
            command::run(npm(workspace).args(["run", "--silent", script]))
        })?;
    }
    Ok(())
}

/// What the interface's tools ask for, said before they fail in their own words.
fn check_node() -> Result<(), Failure> {
    let wanted = "The interface needs Node.js 20.19, 22.12 or later, with npm";
    if !command::exists("node") || !command::exists(NPM) {
        return Err(Failure::new(format!("{wanted}: there is none here.")));
    }
    let version = command::read(Command::new("node").arg("--version"))?;
    if is_recent(version.trim()) {
        Ok(())
    } else {
        let version = version.trim();
        Err(Failure::new(format!("{wanted}; this is {version}.")))
    }
}

/// `version` is what Node prints, like `v20.19.0`.
fn is_recent(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), _) => major > 22,
        _ => false,
    }
}

fn packages(workspace: &Workspace) -> Result<(), Failure> {
    let ui = workspace.ui();
    let inputs = [ui.join("package.json"), ui.join("package-lock.json")];
    let stamp = Stamp::of(workspace, "npm-ci", &inputs)?;
    if stamp.is_fresh() && ui.join("node_modules").is_dir() {
        println!("    The packages of package-lock.json are there.");
        return Ok(());
    }
    command::run(npm(workspace).args(["ci", "--no-audit", "--no-fund"]))?;
    stamp.remember()
}

fn build(workspace: &Workspace) -> Result<(), Failure> {
    let ui = workspace.ui();
    let stamp = Stamp::of(workspace, "ui-build", std::slice::from_ref(&ui))?;
    if stamp.is_fresh() && ui.join("dist/index.html").is_file() {
        println!("    The build is up to date.");
        return Ok(());
    }
    command::run(npm(workspace).args(["run", "--silent", "build"]))?;
    stamp.remember()
}

fn npm(workspace: &Workspace) -> Command {
    let mut npm = Command::new(NPM);
    npm.arg("--prefix").arg(workspace.ui());
    npm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_taken_as_their_packages_take_them() {
        for version in ["v20.19.0", "v20.20.2", "v22.12.0", "v24.0.0"] {
            assert!(is_recent(version), "{version}");
        }
        for version in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "node"] {
            assert!(!is_recent(version), "{version}");
        }
    }
}
