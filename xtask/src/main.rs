//! `cargo xtask`: the project's own commands. This file only chooses the command; each lives in a file of its name.

mod bench;
mod bindings;
mod command;
mod e2e;
mod package;
mod packages;
mod run;
mod setup;
mod stamp;
mod steps;
mod test;
mod torture;
mod ui;
mod workspace;

use std::process::ExitCode;

use command::Failure;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask COMMAND

  setup     Install what building and testing needs: system packages, npm packages, test tools
  run       Set up, build and start the app; without a display, serve headless
  test      Set up, then run every check and every test
  e2e       Set up, then run the desktop test alone; screenshots go to target/screenshots
  torture   Break off, damage and fill up for up to an hour; an argument chooses tests by their names
  bench     Measure beside restic, borg and rustic: [ROUNDS] [--only a|a2|b|c|cancel|list] [--large] [--in FOLDER]
  bindings  Write ui/src/lib/bindings.ts from the app's commands; with --check, fail if it is stale
  package   Build the release and its .deb";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match choose(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn choose(arguments: &[String]) -> Result<(), Failure> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    let workspace = Workspace::locate()?;
    match (command, rest) {
        ("setup", []) => setup::all(&workspace),
        ("run", rest) => run::run(&workspace, rest),
        ("test", []) => test::run(&workspace),
        ("e2e", filter) => e2e::run(&workspace, filter),
        ("torture", filter) => torture::run(&workspace, filter),
        ("bench", rest) => bench::run(&workspace, rest),
        ("bindings", []) => bindings::write(&workspace),
        ("bindings", [check]) if check == "--check" => bindings::check(&workspace),
        ("package", []) => package::run(&workspace),
        ("help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::new(format!(
            "`cargo xtask {}` is not a command\n\n{USAGE}",
            arguments.join(" ")
        ))),
    }
}
