//! `cargo xtask bindings`: the interface's typed view of the app's commands, generated from their Rust signatures.

use crate::command::{self, Failure};
use crate::workspace::Workspace;

/// Writes `ui/src/lib/bindings.ts`.
pub fn write(workspace: &Workspace) -> Result<(), Failure> {
    generate(workspace, &[])
}

/// Fails if the committed file differs from what would be written.
pub fn check(workspace: &Workspace) -> Result<(), Failure> {
    generate(workspace, &["--check"])
}

fn generate(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    let run = [
        "run",
        "--package",
        "holdfast-app",
        "--example",
        "bindings",
        "--",
    ];
    command::run(workspace.cargo().args(run).args(arguments))
}
