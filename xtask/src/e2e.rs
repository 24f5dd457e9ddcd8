//! `cargo xtask e2e`: the desktop test alone. It brings its own screen, bus, tray and notification daemon.

use crate::command::{self, Failure};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{setup, test};

pub fn run(workspace: &Workspace, filter: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_tests(workspace, &mut steps)?;
    steps.step("build", || test::build(workspace))?;
    steps.step("the desktop app", || drive(workspace, filter))?;
    steps.end();
    Ok(())
}

/// Expects that everything is built. `filter` goes to the test harness, to choose a story.
pub fn drive(workspace: &Workspace, filter: &[String]) -> Result<(), Failure> {
    command::run(
        workspace
            .cargo()
            .args(["test", "--workspace", "--test", "desktop", "--"])
            .args(["--nocapture", "--test-threads=1"])
            .args(filter),
    )?;
    let pictures = workspace.target.join("screenshots");
    println!("    Screenshots are in {}.", pictures.display());
    Ok(())
}
