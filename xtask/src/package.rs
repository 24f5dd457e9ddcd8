//! `cargo xtask package`: the release build and its .deb, made by the Tauri command line that npm installs.

use std::process::Command;

use crate::command::{self, Failure};
use crate::setup;
use crate::steps::Steps;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_window(workspace, &mut steps)?;
    steps.step("release build and package", || {
        command::run(
            Command::new(workspace.ui().join("node_modules/.bin/tauri"))
                .args(["build", "--bundles", "deb"])
                .current_dir(&workspace.root),
        )
    })?;
    steps.end();
    println!(
        "The package is in {}.",
        workspace.target.join("release/bundle/deb").display()
    );
    Ok(())
}
