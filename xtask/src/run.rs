//! `cargo xtask run`: the app from a fresh checkout. Without a display, its service and what to try with it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{self, Doing, Failure};
use crate::setup;
use crate::steps::Steps;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    if has_display() {
        window(workspace, arguments)
    } else {
        println!("There is no display here, so Holdfast will serve without a window.\n");
        headless(workspace, arguments)
    }
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn window(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_window(workspace, &mut steps)?;
    steps.step("build", || {
        command::run(
            workspace
                .cargo()
                .args(["build", "--package", "holdfast-app"]),
        )
    })?;
    command::run(Command::new(workspace.built("holdfast-app")).args(arguments))
}

fn headless(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::begin();
    setup::for_serving(&mut steps)?;
    steps.step("build", || {
        command::run(
            workspace
                .cargo()
                .args(["build", "--package", "holdfast-cli"]),
        )
    })?;
    serve(&workspace.built("holdfast"), arguments)
}

/// Stays until the service ends; Ctrl-C reaches both.
fn serve(holdfast: &Path, arguments: &[String]) -> Result<(), Failure> {
    let mut command = Command::new(holdfast);
    command
        .args(["serve", "--allow-clients"])
        .args(arguments)
        .stdout(Stdio::piped());
    let line = command::line(&command);
    println!("    $ {line}");
    let mut service = command.spawn().doing(format_args!("start `{line}`"))?;
    if let Some(output) = service.stdout.take() {
        for said in BufReader::new(output).lines() {
            let said = said.doing("read what the service says")?;
            println!("{said}");
            if let Some(address) = said.strip_prefix("listening on ") {
                println!("{}", what_to_try(address, holdfast));
            }
        }
    }
    let status = service.wait().doing("wait for the service")?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` ended with {status}")))
    }
}

fn what_to_try(address: &str, holdfast: &Path) -> String {
    let holdfast = holdfast.display();
    format!(
        "
Try, in another terminal:

  {holdfast} status
  {holdfast} backup
  {holdfast} list
  curl {address}/backups
  curl -X POST {address}/backups/create
  curl {address}/openapi.json

Ctrl-C ends the service."
    )
}
