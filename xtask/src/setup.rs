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
/// Of `rustic-rs`: the newest that builds with the Rust that this workspace asks for. Its rustic_core is that of the engine.
const RUSTIC: &str = "0.11.4";

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

/// For measuring beside restic, borg and rustic, on the sources of the locked crates.
pub fn for_bench(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("system packages", || {
        packages::install(&[SERVE, BENCH].concat())
    })?;
    steps.step("sources", || {
        command::run(workspace.cargo().args(["fetch", "--locked"]))
    })?;
    steps.step("rustic", || {
        // None of its features is needed for backups into a folder.
        let without = ["--no-default-features"];
        install(workspace, "rustic-rs", RUSTIC, &without)
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
    steps.step("tauri-driver", || {
        install(workspace, "tauri-driver", TAURI_DRIVER, &[])
    })?;
    steps.step("Python SDK", || python_sdk(workspace))
}

/// Builds a program from crates.io into `target/tools`, unless this version of it is there.
fn install(
    workspace: &Workspace,
    package: &str,
    version: &str,
    options: &[&str],
) -> Result<(), Failure> {
    let list = fs::read_to_string(workspace.tools().join(".crates.toml")).unwrap_or_default();
    if list.contains(&format!("\"{package} {version} ")) {
        println!("    Version {version} is there.");
        return Ok(());
    }
    command::run(
        workspace
            .cargo()
            .args(["install", "--locked", "--version", version, "--root"])
            .arg(workspace.tools())
            .args(options)
            .arg(package),
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
