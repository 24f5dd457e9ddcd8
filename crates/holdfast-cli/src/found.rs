//! A service that runs already, and what the command line says of a destination and a passphrase: it has its own, so what
//! is said is either so, or made so, or refused.

use std::path::{Path, PathBuf};
use std::{fs, io};

use backup_api::{KeyProtection, Overview};
use backup_client::Client;

use crate::arguments::Common;
use crate::fail::{Failure, USAGE};
use crate::passphrase;

/// Errors: another destination than that of the service; a passphrase that does not open the key.
pub async fn agree(common: &Common, client: &Client) -> Result<(), Failure> {
    let passphrase = passphrase::read(common.passphrase_file.as_deref())?;
    if common.destination.is_none() && passphrase.is_none() {
        return Ok(());
    }
    let overview = client.overview().await?;
    if let Some(wanted) = &common.destination {
        same_place(wanted, &overview.destination.place)?;
    }
    match passphrase.filter(|_| has_use_for_one(&overview)) {
        Some(passphrase) => give(client, passphrase.reveal().to_owned()).await,
        None => Ok(()),
    }
}

fn same_place(wanted: &Path, place: &str) -> Result<(), Failure> {
    let spelt_the_same =
        std::path::absolute(wanted).is_ok_and(|wanted| wanted.to_string_lossy() == place);
    let same = || Ok::<_, io::Error>(whole(wanted)? == whole(Path::new(place))?);
    if spelt_the_same || same().map_err(|error| Failure::internal(&error))? {
        return Ok(());
    }
    let message = format!(
        "The service that runs for this data folder uses the destination {place}, and not {}. Nothing was done.",
        wanted.display()
    );
    let fix = "Leave out --destination and HOLDFAST_DESTINATION, or end that service first, or name another --data-dir.";
    Err(Failure::new(USAGE, "other-destination", &message, fix))
}

/// Without links, as far as there is something at this path.
fn whole(path: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(path), _, _) => Ok(path),
        (Err(_), Some(above), Some(name)) if above != Path::new("") => Ok(whole(above)?.join(name)),
        (Err(_), _, _) => std::path::absolute(path),
    }
}

/// It opens a key that is locked and protects one that is not, also one that the first backup is yet to make. A destination
/// that does not open may need a key that was exported elsewhere, so none is made for it.
fn has_use_for_one(overview: &Overview) -> bool {
    match overview.key {
        KeyProtection::Missing | KeyProtection::Unprotected => true,
        KeyProtection::NotYet => overview.destination.problem.is_none(),
        KeyProtection::Keychain | KeyProtection::Passphrase => false,
    }
}

async fn give(client: &Client, passphrase: String) -> Result<(), Failure> {
    match client.give_passphrase(passphrase).await {
        // The keychain has the key; why it does not give it, the command itself will hear.
        Err(error) if error.code() == "needs-no-passphrase" => Ok(()),
        Err(error) if error.code() == "busy" => {
            tracing::warn!("a job runs, so the passphrase does not protect the key yet");
            Ok(())
        }
        given => Ok(given?),
    }
}
