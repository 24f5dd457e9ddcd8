//! What is in the way of a swap and that no plan has seen: it stays where it was made, under a name that says so.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::restore::dir::Dir;
use crate::restore::seen::{Kind, Moment};

const ENDING: &str = ".made-during-restore";
/// A longer name is cut to so many characters, so that the ending fits.
const LONGEST: usize = 40;

/// Gives an entry a free name in its folder. What lies beside it as the logs of a database goes with it, so that the two
/// stay what they are together. The entry itself need not be there.
pub(super) fn set_aside(folder: &Dir, name: &OsStr, logs: &[OsString]) -> io::Result<()> {
    // The logs first: where this breaks off, none is left beside what comes.
    for (from, aside) in free_names(folder, name, logs)? {
        if folder.look(from)?.is_some() {
            folder.rename(from, folder, &aside)?;
            tracing::warn!(name = ?from, ?aside, "what was made in place of what a restore replaces is kept");
        }
    }
    Ok(())
}

/// Brings what was kept of an entry back beside its place, where it must not be again.
pub(super) fn bring_aside(
    (kept, number): (&Dir, &OsStr),
    folder: &Dir,
    name: &OsStr,
) -> io::Result<()> {
    for (_, aside) in free_names(folder, name, &[])? {
        kept.rename(number, folder, &aside)?;
        tracing::warn!(
            ?name,
            ?aside,
            "a log of a database that was changed without it does not come back"
        );
    }
    Ok(())
}

/// The logs before the entry.
fn free_names<'a>(
    folder: &Dir,
    name: &'a OsStr,
    logs: &'a [OsString],
) -> io::Result<Vec<(&'a OsStr, OsString)>> {
    let mut number = 1_u64;
    loop {
        let moves = names(name, logs, number);
        let mut taken = false;
        for (_, aside) in &moves {
            taken |= folder.look(aside)?.is_some();
        }
        if !taken {
            return Ok(moves);
        }
        number += 1;
    }
}

fn names<'a>(name: &'a OsStr, logs: &'a [OsString], number: u64) -> Vec<(&'a OsStr, OsString)> {
    let mut aside = match name.to_str() {
        _ if name.len() <= 4 * LONGEST => name.to_owned(),
        Some(text) => text.chars().take(LONGEST).collect::<String>().into(),
        None => OsString::from("entry"),
    };
    aside.push(ENDING);
    if number > 1 {
        aside.push(format!("-{number}"));
    }
    let logs = logs.iter().map(|log| {
        let ending = log.as_bytes().strip_prefix(name.as_bytes());
        let mut beside = aside.clone();
        beside.push(OsStr::from_bytes(ending.unwrap_or_default()));
        (log.as_os_str(), beside)
    });
    let logs: Vec<_> = logs.collect();
    logs.into_iter().chain([(name, aside)]).collect()
}

/// Whether an entry, or anything in it, was written to since this time.
pub(super) fn changed_since(folder: &Dir, name: &OsStr, since: Moment) -> io::Result<bool> {
    let Some(seen) = folder.look(name)? else {
        return Ok(false);
    };
    if seen.kind != Kind::Folder {
        return Ok(seen.mtime >= since);
    }
    // What was staged has the times of the backup, but for its folders, which have that of staging.
    if seen.mtime > since {
        return Ok(true);
    }
    let inner = match folder.enter(name) {
        // Nobody can tell.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
        inner => inner?,
    };
    for name in inner.names()? {
        if touched_since(&inner, &name, since)? || changed_since(&inner, &name, since)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a file in a folder that came was touched in any way since: it was not renamed itself, which would do that too.
/// Whoever gives it an earlier time cannot hide that he did.
fn touched_since(folder: &Dir, name: &OsStr, since: Moment) -> io::Result<bool> {
    let seen = folder.look(name)?;
    Ok(seen.is_some_and(|seen| seen.kind != Kind::Folder && seen.ctime > since))
}
