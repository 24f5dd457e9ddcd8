//! What can be said on the command line, and the help that teaches it.

use std::net::SocketAddr;
use std::path::PathBuf;

use backup_client::Url;
use clap::{Args, Parser, Subcommand};

const AFTER: &str = "\
Examples:
  holdfast import snippets.json         put assets into the library
  holdfast backup                       back it up
  holdfast list                         show the backups, newest first
  holdfast restore ID                   replace the library with one of them
  holdfast undo                         bring back what the restore replaced
  holdfast serve --allow-clients        let other programs use the Backup API

Each command uses the service that runs for the data folder, or starts one for as long as it needs it.

Exit codes:
  0 done   1 failed   2 wrong usage   3 not found   4 another job runs   5 locked or not reachable
  6 written by a newer version   130 cancelled";

/// Keeps a library safe: backups that restore, restores that can be undone.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, after_help = AFTER)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Folder with the library, the key and what can be undone
    #[arg(long, global = true, value_name = "DIR", env = "HOLDFAST_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Folder to which backups go [default: "backups" in the data folder]
    #[arg(long, global = true, value_name = "DIR", env = "HOLDFAST_DESTINATION")]
    pub destination: Option<PathBuf>,
    /// File (mode 0600) with the passphrase that protects the key
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Do not put a new key into the keychain
    #[arg(long, global = true)]
    pub no_keychain: bool,
    /// Use the service at this address instead, such as http://127.0.0.1:1000
    #[arg(long, global = true, value_name = "URL")]
    pub address: Option<Url>,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service until Ctrl-C
    Serve(Serve),
    /// Back up the library
    Backup,
    /// Show the backups, newest first
    List,
    /// Show one backup
    Show {
        /// As `holdfast list` shows it
        id: String,
    },
    /// Replace the library with a backup; `holdfast undo` brings back what it replaced
    Restore {
        id: String,
        /// Do not ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// Bring back what the last restore replaced
    Undo,
    /// Cancel the backup or restore that runs
    Cancel { id: String },
    /// Delete a backup
    Delete {
        id: String,
        /// Do not ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// Show how things are
    Status,
    /// Put an `Asset` or `Assets` document into the library
    Import {
        /// `-` reads from standard input
        file: PathBuf,
    },
    /// The key of the destination
    #[command(subcommand)]
    Key(Key),
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 lets the system choose [default: 127.0.0.1:1000, else a free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Let other programs read and create backups
    #[arg(long)]
    pub allow_clients: bool,
    /// Let other programs also restore, delete and upload, with nobody to ask
    #[arg(long, requires = "allow_clients")]
    pub unattended: bool,
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Print the password with which plain restic opens the destination
    Export {
        /// Do not ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// On a new machine: use the key that was exported on the old one
    Import {
        /// File with what `key export` printed; `-` reads from standard input
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
