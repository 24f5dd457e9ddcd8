//! Proving that a file which is about to become the library is one.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{APPLICATION_ID, SCHEMA};
use crate::{Error, Watch};

/// Virtual machine steps between two looks at the cancel flag: far less than a millisecond.
const STEPS: i32 = 20_000;

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
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let mut connection = Connection::open_with_flags(immutable_uri(path), flags)?;
    let check = check_integrity(&mut connection, watch);
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

/// Runs SQLite's `integrity_check` on a database of another program. What only that program could check is left to it.
///
/// Errors: `Damaged`.
pub(crate) fn inspect_foreign(path: &Path, watch: &Watch) -> Result<Inspected, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let verdict = Connection::open_with_flags(immutable_uri(path), flags)
        .and_then(|mut connection| check_integrity(&mut connection, watch));
    if watch.is_canceled() {
        return Ok(Inspected::Canceled);
    }
    let detail = match verdict {
        Ok(verdict) => verdict,
        Err(error) => error.to_string(),
    };
    let unknown_here = NOT_AT_HAND.iter().any(|text| detail.contains(text));
    if detail == "ok" || unknown_here {
        return Ok(Inspected::Sound);
    }
    Err(Error::Damaged {
        backup: None,
        detail: format!("a database in it: {detail}"),
    })
}

/// What SQLite says where a database uses extensions of the program that it is of.
const NOT_AT_HAND: [&str; 5] = [
    "no such collation",
    "no such function",
    "no such module",
    "no such tokenizer",
    "unknown tokenizer",
];

/// SQLite's verdict on a whole database: "ok", or what is wrong first. A cancel breaks it off with an error.
pub(super) fn check_integrity(
    connection: &mut Connection,
    watch: &Watch,
) -> Result<String, rusqlite::Error> {
    let canceler = watch.clone();
    connection.progress_handler(STEPS, Some(move || canceler.is_canceled()))?;
    let verdict = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    verdict
}

/// A file that nobody else opens: no log or lock is made beside it. Characters that a URI would read are encoded.
fn immutable_uri(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let text = if cfg!(windows) {
        format!("/{}", text.replace('\\', "/"))
    } else {
        text
    };
    format!("file:{text}?immutable=1")
}
