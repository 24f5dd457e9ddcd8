//! Proving that a file which is about to become the library is one.

use std::path::Path;

use super::{APPLICATION_ID, SCHEMA};
use crate::database::{check_integrity, open_immutable};
use crate::{Error, Watch};

/// What an inspection of a file found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inspected {
    Sound,
    Canceled,
}

/// Runs SQLite's `integrity_check` on a file and reads who wrote it, without writing beside it or into it.
///
/// Errors: `Damaged` when it is not a sound library, `NewerLibrary` when this version does not know its schema.
pub(crate) fn inspect(path: &Path, watch: &Watch) -> Result<Inspected, Error> {
    let mut connection = open_immutable(path).map_err(|error| damaged(error.to_string()))?;
    let canceler = watch.clone();
    match check_integrity(&mut connection, move || canceler.is_canceled()) {
        _ if watch.is_canceled() => Ok(Inspected::Canceled),
        Err(error) => Err(damaged(error.to_string())),
        Ok(check) if check != "ok" => Err(damaged(check)),
        Ok(_) => recognise(path).map(|()| Inspected::Sound),
    }
}

/// Reads who wrote it. Errors: `Damaged` when it is no library, `NewerLibrary` when this version does not know its schema.
pub(crate) fn recognise(path: &Path) -> Result<(), Error> {
    let numbers = || -> Result<(i64, i64), rusqlite::Error> {
        let connection = open_immutable(path)?;
        let number =
            |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0));
        Ok((number("application_id")?, number("user_version")?))
    };
    match numbers() {
        Err(error) => Err(damaged(error.to_string())),
        Ok((application, _)) if application != APPLICATION_ID => {
            Err(damaged("not a library".into()))
        }
        Ok((_, schema)) if schema > SCHEMA => Err(Error::NewerLibrary {
            found: schema,
            known: SCHEMA,
        }),
        Ok(_) => Ok(()),
    }
}

fn damaged(detail: String) -> Error {
    Error::Damaged {
        backup: None,
        detail,
    }
}
