//! The commands, each against a service.

mod browse;
mod import;
mod job;
mod key;
mod restore;
mod sources;
mod verify;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use backup_api::{Backup, BackupDetails, Backups};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::arguments::{Command, Common};
use crate::connect::Connection;
use crate::fail::{CANCELED, Failure, USAGE};
use crate::show;

pub async fn run(common: &Common, command: Command) -> Result<(), Failure> {
    if let Command::Key(key) = command {
        // The keychain is asked in a way that waits.
        let common = common.clone();
        let done = tokio::task::spawn_blocking(move || key::run(&common, key)).await;
        return done.map_err(|error| Failure::internal(&error))?;
    }
    let connection = Connection::open(common).await?;
    let done = on(&connection, common, command).await;
    // What the command said counts for more than a hitch at the end.
    let closed = connection.close().await;
    done.and(closed)
}

async fn on(connection: &Connection, common: &Common, command: Command) -> Result<(), Failure> {
    let (client, json) = (&connection.client, common.json);
    match command {
        Command::Backup => job::back_up(client, json).await,
        Command::Restore(wanted) => restore::run(connection, wanted, json).await,
        Command::Verify(wanted) => verify::run(client, wanted, json).await,
        Command::Sources { act } => sources::run(client, act, json).await,
        Command::Ls { id, path } => browse::list(client, &id, &path, json).await,
        Command::Cat { id, path } => browse::print_file(client, &id, &path).await,
        Command::Diff {
            older,
            newer,
            scope,
        } => browse::compare(client, (&older, &newer), &scope, json).await,
        Command::Undo => job::undo(client, json).await,
        Command::Cancel { id } => job::cancel(client, &id, json).await,
        Command::Import { file } => import::run(client, &file, json).await,
        Command::List => {
            let backups = client.backups().await?;
            let details = client.details().await.unwrap_or_default();
            let list = Listed {
                proven: proven(&details),
                backups,
            };
            print(json, &list, || {
                show::backups(&list.backups.iterable, &details)
            })
        }
        Command::Show { id } => {
            let backup = client.backup(&id).await?;
            let details = details(client, &id).await;
            let shown = Shown { backup, details };
            print(json, &shown, || {
                show::backup(&shown.backup, shown.details.as_ref())
            })
        }
        Command::Delete { id, yes } => {
            let backup = client.backup(&id).await?;
            confirm(
                yes,
                &format!("Delete the backup of {}?", show::time(backup.created.value)),
            )?;
            client.delete(&id).await?;
            print(json, &serde_json::json!({"deleted": id}), || {
                format!("Deleted {}.\n", show::safe(&id))
            })
        }
        Command::Undelete { id } => {
            client.undelete(&id).await?;
            print(json, &serde_json::json!({"undeleted": id}), || {
                format!("{} is back.\n", show::safe(&id))
            })
        }
        Command::Status => {
            let overview = client.overview().await?;
            print(json, &overview, || show::overview(&overview))
        }
        Command::Serve(_) | Command::Key(_) => Ok(()),
    }
}

/// A backup for a script: as the Backup API has it, and what Holdfast knows beside that.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    backup: Backup,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<BackupDetails>,
}

/// The same of all of them.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    backups: Backups,
    /// When which of them was last proven.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    proven: BTreeMap<String, DateTime<Utc>>,
}

fn proven(details: &[BackupDetails]) -> BTreeMap<String, DateTime<Utc>> {
    let proven = |details: &BackupDetails| Some((details.backup.id.clone(), details.proven?));
    details.iter().filter_map(proven).collect()
}

/// What only Holdfast knows of a backup; another service has nothing more to say.
async fn details(client: &backup_client::Client, id: &str) -> Option<BackupDetails> {
    client
        .details()
        .await
        .ok()?
        .into_iter()
        .find(|details| details.backup.id == id)
}

/// The object as JSON, or the text for a person.
pub fn print(
    json: bool,
    object: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string(object).map_err(|error| Failure::internal(&error))? + "\n"
    } else {
        text()
    };
    write(text.as_bytes()).map(drop)
}

/// Writes to standard output. False: its reader has seen enough (`| head`), which is no failure.
pub fn write(bytes: &[u8]) -> Result<bool, Failure> {
    match std::io::stdout().write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::internal(&error)),
    }
}

/// Asks on a terminal. Without one, only `--yes` is a yes.
pub fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let message = "This needs a yes, and there is no terminal to ask on. Nothing was changed.";
        return Err(Failure::new(
            USAGE,
            "needs-yes",
            message,
            "Add --yes if you are sure.",
        ));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::internal(&error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(
        CANCELED,
        "canceled",
        "Nothing was changed.",
        "",
    ))
}
