//! What can be said on the command line, and the help that teaches it.

use std::net::SocketAddr;
use std::path::PathBuf;

use backup_client::Url;
use clap::{Args, Parser, Subcommand};

const AFTER: &str = "\
Examples:
  holdfast import snippets.json         put assets into the library
  holdfast sources add ~/notes          have a folder in every backup too
  holdfast backup                       back up
  holdfast list                         show the backups, newest first
  holdfast diff ID                      show what has changed since one of them
  holdfast restore ID                   put everything back as it was in it
  holdfast undo                         bring back what the restore replaced
  holdfast serve --allow-clients        let other programs use the Backup API

Each command uses the service that runs for the data folder, or starts one for as long as it needs it.

Exit codes:
  0 done   1 failed   2 wrong usage   3 not found   4 another job runs   5 locked or not reachable
  6 written by a newer version   7 done, but not all: some files not read, or folders left out   130 cancelled";

/// Keeps a library and folders safe: backups that restore, restores that can be undone.
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
    /// The folders that are in every backup beside the library
    Sources {
        #[command(subcommand)]
        act: Option<SourcesAct>,
    },
    /// Back up the library and the sources
    Backup,
    /// Show the backups, newest first
    List,
    /// Show one backup, with its sources and the files that could not be read
    Show {
        /// As `holdfast list` shows it
        id: String,
    },
    /// Show what is in a backup, or in a folder of it
    Ls {
        id: String,
        /// Such as `library`, or the id of a source and a folder in it
        #[arg(default_value = "")]
        path: String,
    },
    /// Print a file of a backup, or an item of its library, byte for byte
    Cat { id: String, path: String },
    /// Show what differs between two backups, or between a backup and now
    Diff {
        older: String,
        /// The id of a backup
        #[arg(default_value = "now")]
        newer: String,
        /// Only this path and what is under it
        #[arg(long, value_name = "PATH", default_value = "")]
        scope: String,
    },
    /// Put everything back as it was in a backup, or a part of it; `holdfast undo` brings back what it replaced
    Restore(Restore),
    /// Prove that backups can be restored: all of them, or one
    Verify(Verify),
    /// Bring back what the last restore replaced
    Undo,
    /// Cancel what runs
    Cancel {
        /// Of its backup, or of the job itself, as `holdfast status` shows it
        id: String,
    },
    /// Delete a backup
    Delete {
        id: String,
        /// Do not ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// Put a deleted backup back: as long as the service that deleted it runs
    Undelete { id: String },
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

#[derive(Debug, Subcommand)]
pub enum SourcesAct {
    /// Show them
    List,
    /// Have a folder in every backup from now on
    Add {
        path: PathBuf,
        /// Leave out what this line matches, as in a .gitignore file; may be repeated
        #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
        exclude: Vec<String>,
        /// It is the data folder of PiecesOS
        #[arg(long)]
        pieces: bool,
    },
    /// Change what is left out of a folder, from the next backup on
    Change {
        /// As `holdfast sources` shows it
        id: String,
        /// Leave out what this line matches, as in a .gitignore file; may be repeated. In the place of the lines so far
        #[arg(
            long,
            value_name = "LINE",
            allow_hyphen_values = true,
            required_unless_present = "nothing"
        )]
        exclude: Vec<String>,
        /// Leave nothing out
        #[arg(long = "exclude-nothing", conflicts_with = "exclude")]
        nothing: bool,
    },
    /// Leave a folder out from now on; it and its backups stay as they are
    Remove {
        /// As `holdfast sources` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct Restore {
    pub id: String,
    /// Only the library, or only the source with this id
    #[arg(long, value_name = "library|SOURCE", conflicts_with = "path")]
    pub only: Option<String>,
    /// Only this path, as `holdfast ls` shows it; may be repeated
    #[arg(long, value_name = "PATH")]
    pub path: Vec<String>,
    /// Restore into this folder, and replace nothing
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// Do not ask first
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Only this backup
    pub id: Option<String>,
    /// Look whether everything is there; reads no content [default]
    #[arg(long, group = "depth")]
    pub quick: bool,
    /// Read everything and compare it with its hash
    #[arg(long, group = "depth")]
    pub full: bool,
    /// Restore into a scratch folder, compare, and check every database
    #[arg(long, group = "depth")]
    pub rehearse: bool,
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
