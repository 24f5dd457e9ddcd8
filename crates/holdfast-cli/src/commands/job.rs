//! Backing up, restoring, undoing and cancelling.

use backup_api::Preview;
use backup_client::Client;
use serde_json::json;

use super::{confirm, print};
use crate::fail::Failure;
use crate::progress::{Act, follow};
use crate::show;

pub async fn back_up(client: &Client, as_json: bool) -> Result<(), Failure> {
    let coming = follow(client, client.create_watched(), Act::Backup, as_json).await?;
    if as_json {
        return Ok(());
    }
    let id = coming.map(|backup| backup.id).unwrap_or_default();
    let details = super::details(client, &id).await;
    let stored = details
        .map(|details| format!(", {} new", show::size(details.stored_bytes)))
        .unwrap_or_default();
    print(false, &(), || format!("Backed up as {id}{stored}.\n"))
}

pub async fn restore(client: &Client, id: &str, yes: bool, as_json: bool) -> Result<(), Failure> {
    let backup = client.backup(id).await?;
    let preview = client.preview(id).await.ok();
    if !yes {
        preview.iter().for_each(tell);
    }
    confirm(
        yes,
        &format!(
            "Replace the library with the backup of {}?",
            show::time(backup.created.value)
        ),
    )?;
    follow(client, client.restore_watched(id), Act::Restore, as_json).await?;
    if as_json {
        return Ok(());
    }
    let undo = if preview.is_some() {
        " Bring back what it replaced with: holdfast undo"
    } else {
        ""
    };
    print(false, &(), || format!("Restored {id}.{undo}\n"))
}

fn tell(preview: &Preview) {
    let (then, now) = (
        show::items(preview.details.assets),
        show::count(preview.library.assets),
    );
    eprintln!("The backup holds {then}, the library {now}.");
    if preview.newer > 0 {
        let names = preview.newer_names.join(", ");
        eprintln!(
            "{} that are newer than the backup leave: {names}",
            show::count(preview.newer)
        );
    }
    eprintln!("What is replaced is kept until the next restore.");
}

pub async fn undo(client: &Client, as_json: bool) -> Result<(), Failure> {
    let job = client.undo().await?;
    print(as_json, &job, || {
        "What the restore had replaced is back.\n".into()
    })
}

/// Cancels whichever job of this backup runs.
pub async fn cancel(client: &Client, id: &str, as_json: bool) -> Result<(), Failure> {
    if let Err(error) = client.cancel_creation(id).await {
        if error.code() != "nothing-to-cancel" && error.status() != Some(500) {
            return Err(error.into());
        }
        client.cancel_restoration(id).await?;
    }
    print(as_json, &json!({"canceled": id}), || {
        "Cancelled. Everything is as it was.\n".into()
    })
}
