//! Waiting until no program has open what is to be replaced.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::request::Goals;
use super::{InUse, Restore};
use crate::names::unescape;
use crate::undo::UndoNote;
use crate::watch::Phase;
use crate::{Error, Watch};

/// How often it is looked whether the program has quit: nobody is told when a file is closed.
const POLL: Duration = Duration::from_millis(500);
/// How often meanwhile whether the job was cancelled, which is a flag that wakes nobody.
const GLANCE: Duration = Duration::from_millis(50);

/// Of a part with more moves than these, the folder is asked about as a whole: every question looks at all processes.
const ASKED_ONE_BY_ONE: usize = 20;

impl Restore<'_> {
    /// Returns whether there was anything to wait for. A cancel ends it as well.
    pub(super) fn wait(&self, goals: &Goals) -> Result<bool, Error> {
        wait(self.watch, || self.in_use_by(goals))
    }

    pub(super) fn in_use_by(&self, goals: &Goals) -> Result<Option<String>, Error> {
        let mut places = Vec::new();
        for target in &goals.targets {
            let top = target.base.join(&target.top);
            match &target.chosen {
                Some(chosen) => places.extend(entries(chosen.iter().map(|path| top.join(path)))),
                None => places.push(top),
            }
        }
        first_user(self.in_use, &places)
    }
}

/// Waits until nobody has open what an undo would replace.
pub(super) fn wait_for_undo(note: &UndoNote, in_use: InUse, watch: &Watch) -> Result<(), Error> {
    let mut places = Vec::new();
    for part in &note.parts {
        let base = unescape(&part.base);
        if part.moves.len() > ASKED_ONE_BY_ONE {
            places.push(base);
        } else {
            let moved = part.moves.iter();
            places.extend(entries(moved.map(|step| base.join(unescape(&step.at)))));
        }
    }
    wait(watch, || first_user(in_use, &places)).map(drop)
}

/// Those of which it can be asked who has them open: not a link, which is open to nobody, while what it leads to is not
/// replaced.
fn entries(places: impl Iterator<Item = PathBuf>) -> impl Iterator<Item = PathBuf> {
    places.filter(|place| !place.is_symlink())
}

fn first_user(in_use: InUse, places: &[PathBuf]) -> Result<Option<String>, Error> {
    for place in places {
        let user = in_use(place)?;
        if user.is_some() {
            return Ok(user);
        }
    }
    Ok(None)
}

fn wait(
    watch: &Watch,
    in_use_by: impl Fn() -> Result<Option<String>, Error>,
) -> Result<bool, Error> {
    let mut waited = false;
    while !watch.is_canceled()
        && let Some(program) = in_use_by()?
    {
        if !waited {
            tracing::info!(program, "waiting for a program to quit");
            watch.enter(Phase::Waiting);
        }
        waited = true;
        let until = Instant::now() + POLL;
        while Instant::now() < until && !watch.is_canceled() {
            thread::sleep(GLANCE);
        }
    }
    Ok(waited)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::restore::area::Area;
    use crate::undo::{Move, PartNote};

    #[test]
    fn what_a_link_leads_to_keeps_no_undo_waiting() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        let mut part = PartNote::new("docs", folder.path(), Area::Data);
        part.moves = ["file", "link"]
            .map(|at| Move {
                number: 0,
                at: at.into(),
                take: true,
                put: true,
                seen: None,
                comes: None,
            })
            .into();
        let note = UndoNote {
            parts: vec![part],
            ..UndoNote::default()
        };
        let asked = Mutex::new(Vec::new());
        let in_use = |place: &Path| {
            asked.lock().unwrap().push(place.to_owned());
            Ok(None)
        };
        wait_for_undo(&note, &in_use, &Watch::unwatched()).unwrap();
        assert_eq!(asked.into_inner().unwrap(), [folder.path().join("file")]);
    }
}
