//! The log: to standard error, as much as `RUST_LOG` says.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What a service logs that runs on its own: warnings and worse.
const SERVICE: &str = "warn,rustic_core=error";
/// A command says in one line itself how it ended. Only that a new key is not protected is nobody else's to say.
const COMMAND: &str = "off,backup_engine::keys=warn";

pub fn start(serves: bool) {
    let usual = if serves { SERVICE } else { COMMAND };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
