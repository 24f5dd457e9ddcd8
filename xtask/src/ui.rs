//! The interface's own tools: its packages, its build and its checks.

use std::process::Command;

use crate::command::{self, Failure};
use crate::stamp::Stamp;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// Installs the packages and builds what the app embeds, each only when its sources have changed.
pub fn prepare(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("interface packages", || packages(workspace))?;
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
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.arg("--prefix").arg(workspace.ui());
    npm
}
