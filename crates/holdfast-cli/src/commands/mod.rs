//! The commands, each against a service.

mod import;
mod job;
mod key;

use std::io::{IsTerminal, Write};

use backup_api::BackupDetails;
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
        Command::Restore { id, yes } => job::restore(client, &id, yes, json).await,
        Command::Undo => job::undo(client, json).await,
        Command::Cancel { id } => job::cancel(client, &id, json).await,
        Command::Import { file } => import::run(client, &file, json).await,
        Command::List => {
            let backups = client.backups().await?;
            print(json, &backups, || show::backups(&backups.iterable))
        }
        Command::Show { id } => {
            let backup = client.backup(&id).await?;
            let details = details(client, &id).await;
            print(json, &backup, || show::backup(&backup, details.as_ref()))
        }
        Command::Delete { id, yes } => {
            let backup = client.backup(&id).await?;
            confirm(
                yes,
                &format!("Delete the backup of {}?", show::time(backup.created.value)),
            )?;
            client.delete(&id).await?;
            print(json, &serde_json::json!({"deleted": id}), || {
                format!("Deleted {id}.\n")
            })
        }
        Command::Status => {
            let overview = client.overview().await?;
            print(json, &overview, || show::overview(&overview))
        }
        Command::Serve(_) | Command::Key(_) => Ok(()),
    }
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
    match std::io::stdout().write_all(text.as_bytes()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(&error))
        }
        _ => Ok(()),
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
