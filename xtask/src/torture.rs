//! `cargo xtask torture`: the tests that try to break a promise, in their long size, for as long as an hour. An argument
//! chooses those whose names contain it.

use crate::command::{self, Failure};
use crate::steps::Steps;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace, filter: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    steps.step("everything that is needed for kills", || {
        let program = ["build", "--package", "holdfast-cli"];
        command::run(workspace.cargo().args(program))
    })?;
    steps.step("the engine, in its long size", || {
        run_long(workspace, ["holdfast-torture", "torture"], filter)
    })?;
    steps.step("the service, in its long size", || {
        run_long(workspace, ["holdfast-tests", "faults"], filter)
    })?;
    steps.end();
    Ok(())
}

fn run_long(
    workspace: &Workspace,
    [package, test]: [&str; 2],
    filter: &[String],
) -> Result<(), Failure> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--package", package, "--test", test]);
    // One after another, as each uses all cores, and what they found is on the screen.
    let options = ["--nocapture", "--test-threads", "1"];
    cargo.arg("--").args(options).args(filter);
    command::run(cargo.env("HOLDFAST_TORTURE", "long"))
}
