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
    let damaged = |detail: String| Error::Damaged {
        backup: None,
        detail,
    };
    let mut connection = open_immutable(path).map_err(|error| damaged(error.to_string()))?;
    let canceler = watch.clone();
    let check = check_integrity(&mut connection, move || canceler.is_canceled());
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
    };
    let verdict = move || -> Result<(i64, i64, String), rusqlite::Error> {
        Ok((number("application_id")?, number("user_version")?, check?))
    };
    match verdict() {
        _ if watch.is_canceled() => Ok(Inspected::Canceled),
        Err(error) => Err(damaged(error.to_string())),
        Ok((_, _, check)) if check != "ok" => Err(damaged(check)),
        Ok((application, ..)) if application != APPLICATION_ID => {
            Err(damaged("not a library".into()))
        }
        Ok((_, schema, _)) if schema > SCHEMA => Err(Error::NewerLibrary {
            found: schema,
            known: SCHEMA,
        }),
        Ok(_) => Ok(Inspected::Sound),
    }
}
