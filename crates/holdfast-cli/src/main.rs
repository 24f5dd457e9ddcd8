//! The command line of Holdfast: the service as a program, and commands against a running or an embedded one.

mod arguments;
mod commands;
mod connect;
mod fail;
mod found;
mod interrupts;
mod logs;
mod passphrase;
mod progress;
mod serve;
mod show;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logs::start(matches!(arguments.command, Command::Serve(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail::Failure::internal(&error).report(arguments.common.json),
    };
    let json = arguments.common.json;
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => serve::run(&arguments.common, serve).await,
            command => commands::run(&arguments.common, command).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
