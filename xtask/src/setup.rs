//! Everything that has to be there before building or testing. Each part is skipped when it is already there.

use std::fs;
use std::process::Command;

use crate::command::{self, Failure};
use crate::packages::{self, BENCH, SERVE, TESTS, WINDOW};
use crate::stamp::Stamp;
use crate::steps::Steps;
use crate::ui;
use crate::workspace::Workspace;

const TAURI_DRIVER: &str = "2.1.0";

/// `cargo xtask setup`.
pub fn all(workspace: &Workspace) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    for_tests(workspace, &mut steps)?;
    steps.end();
    Ok(())
}

/// For the service and the command line alone.
pub fn for_serving(steps: &mut Steps) -> Result<(), Failure> {
    steps.step("system packages", || packages::install(SERVE))
}

/// For measuring against restic.
pub fn for_bench(steps: &mut Steps) -> Result<(), Failure> {
    steps.step("system packages", || {
        packages::install(&[SERVE, BENCH].concat())
    })
}

/// For the app.
pub fn for_window(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("system packages", || {
        packages::install(&[SERVE, WINDOW].concat())
    })?;
    ui::prepare(workspace, steps)
}

/// For every test.
pub fn for_tests(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("system packages", || {
        packages::install(&[SERVE, WINDOW, TESTS].concat())
    })?;
    ui::prepare(workspace, steps)?;
    steps.step("tauri-driver", || tauri_driver(workspace))?;
    steps.step("Python SDK", || python_sdk(workspace))
}

fn tauri_driver(workspace: &Workspace) -> Result<(), Failure> {
    let list = fs::read_to_string(workspace.tools().join(".crates.toml")).unwrap_or_default();
    if list.contains(&format!("\"tauri-driver {TAURI_DRIVER} ")) {
        println!("    Version {TAURI_DRIVER} is there.");
        return Ok(());
    }
    command::run(
        workspace
            .cargo()
            .args(["install", "--locked", "--version", TAURI_DRIVER, "--root"])
            .arg(workspace.tools())
            .arg("tauri-driver"),
    )
}

/// A virtual environment with the published SDK, for the conformance test.
fn python_sdk(workspace: &Workspace) -> Result<(), Failure> {
    let wanted = workspace.root.join("tests/conformance/requirements.txt");
    let stamp = Stamp::of(workspace, "python-sdk", std::slice::from_ref(&wanted))?;
    let home = workspace.tools().join("python");
    let python = home.join("bin/python");
    if stamp.is_fresh() && python.is_file() {
        println!("    The SDK is there.");
        return Ok(());
    }
    // The system's own Python first: its venv module is the one that was installed above.
    let system = if fs::exists("/usr/bin/python3").unwrap_or(false) {
        "/usr/bin/python3"
    } else {
        "python3"
    };
    command::run(
        Command::new(system)
            .args(["-m", "venv", "--clear"])
            .arg(&home),
    )?;
    command::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("--requirement")
            .arg(&wanted),
    )?;
    stamp.remember()
}
