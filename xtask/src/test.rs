//! `cargo xtask test`: every check and every test, in the order in which a mistake is found soonest.

use std::process::Command;

use crate::command::{self, Failure};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{bindings, e2e, setup, ui};

pub fn run(workspace: &Workspace) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_tests(workspace, &mut steps)?;
    steps.step("formatting", || {
        command::run(workspace.cargo().args(["fmt", "--all", "--check"]))
    })?;
    ui::check(workspace, &mut steps)?;
    steps.step("lints", || {
        let clippy = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        command::run(workspace.cargo().args(clippy))
    })?;
    steps.step("build", || build(workspace))?;
    steps.step("bindings", || bindings::check(workspace))?;
    steps.step("unit, property and integration tests", || {
        command::run(workspace.cargo().args(["test", "--workspace"]))
    })?;
    steps.step("conformance of the API to its Python SDK", || {
        conformance(workspace)
    })?;
    steps.step("the desktop app", || e2e::drive(workspace, &[]))?;
    steps.end();
    Ok(())
}

/// Builds programs and tests at once, with the features that `cargo test --workspace` uses: a narrower selection would
/// unify features differently and compile much of the tree a second time.
pub fn build(workspace: &Workspace) -> Result<(), Failure> {
    let everything = [
        "build",
        "--workspace",
        "--bins",
        "--tests",
        "--test",
        "desktop",
    ];
    command::run(workspace.cargo().args(everything))
}

fn conformance(workspace: &Workspace) -> Result<(), Failure> {
    command::run(
        Command::new(workspace.tools().join("python/bin/python"))
            .arg(workspace.root.join("tests/conformance/run.py"))
            .arg(workspace.built("holdfast")),
    )
}
