//! `cargo xtask bench`: hands over to the bench program of the test crate, built for release.

use crate::command::{self, Failure};
use crate::setup;
use crate::steps::Steps;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_serving(&mut steps)?;
    let bench = [
        "run",
        "--release",
        "--package",
        "holdfast-tests",
        "--bin",
        "bench",
        "--",
    ];
    command::run(workspace.cargo().args(bench).args(arguments))
}
