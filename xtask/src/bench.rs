//! `cargo xtask bench`: builds the service and the bench program of the test crate for release, and runs the latter.

use std::process::Command;

use crate::command::{self, Failure};
use crate::setup;
use crate::steps::Steps;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_bench(workspace, &mut steps)?;
    steps.step("release build", || {
        let programs = ["--package", "holdfast-cli", "--package", "holdfast-tests"];
        command::run(
            workspace
                .cargo()
                .args(["build", "--release", "--bins"])
                .args(programs),
        )
    })?;
    command::run(Command::new(workspace.target.join("release/bench")).args(arguments))
}
