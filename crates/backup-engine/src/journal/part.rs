//! The renames of a swap under one folder, each of which can be repeated and taken back from wherever it broke off.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::aside::{bring_aside, set_aside};
use super::paths::{Parents, there_or_not};
use super::placed::{Placed, There};
use super::shut::LetIn;
use super::{Incoming, LIBRARY, Swap, step};
use crate::Error;
use crate::restore::area::{self, Area};
use crate::restore::beside::is_database;
use crate::restore::dir::Dir;
use crate::restore::kept;
use crate::restore::seen::{Dress, Moment};
use crate::undo::{self, FolderNote, PartNote};

/// What it renames under one folder.
pub(super) struct PartMoves {
    base: Dir,
    /// `None`: gone.
    pub(super) incoming: Option<Dir>,
    kept: Dir,
    pub(super) moves: Vec<Placed>,
    folders: Vec<FolderNote>,
}

impl PartMoves {
    pub(super) fn open(
        data_dir: &Path,
        swap: &Swap,
        (number, part): (usize, &PartNote),
        mark: Option<&str>,
    ) -> Result<Self, Error> {
        part.check()?;
        let opening = |source| Error::Io {
            doing: "opening the folder of a restore",
            source,
        };
        let base = Dir::open(&part.base()).map_err(opening)?;
        let area = part.area.open(data_dir, &base).map_err(opening)?;
        if part.area == Area::Target {
            kept::check(&area, swap.keep, mark).map_err(opening)?;
        }
        let incoming = match swap.incoming {
            Incoming::Staged => area::staged(number),
            Incoming::Kept(kept) => undo::kept(kept, number),
        };
        let kept = area.walk(&undo::kept(swap.keep, number)).map_err(opening)?;
        Ok(Self {
            base,
            incoming: there_or_not(area.walk(&incoming)).map_err(opening)?,
            kept,
            moves: part.moves.iter().map(Placed::of).collect(),
            folders: part.folders.clone(),
        })
    }

    pub(super) fn of_library(data_dir: &Path, swap: &Swap) -> io::Result<Self> {
        let base = Dir::open(data_dir)?;
        let (incoming, name) = match swap.incoming {
            Incoming::Staged => (PathBuf::from("restore"), "staged"),
            Incoming::Kept(kept) => (undo::numbered(kept), LIBRARY),
        };
        let entry = Placed {
            at: LIBRARY.into(),
            take: true,
            put: true,
            seen: None,
            comes: None,
            incoming: name.into(),
            kept: LIBRARY.into(),
        };
        Ok(Self {
            incoming: there_or_not(base.walk(&incoming))?,
            kept: base.walk(&undo::numbered(swap.keep))?,
            base,
            moves: vec![entry],
            folders: Vec::new(),
        })
    }

    /// Folders in which something is renamed and nothing may be are opened to it for the time being. Where that is refused,
    /// or something else is in their place, the renames say so, if there is still anything to rename.
    pub(super) fn loosen(&self) -> io::Result<()> {
        let parents: HashSet<&Path> = self
            .moves
            .iter()
            .filter_map(|entry| entry.at.parent())
            .collect();
        for at in self.folders.iter().map(FolderNote::at) {
            if !parents.contains(at.as_path()) {
                continue;
            }
            step()?;
            if let Err(error) = self.open_for_renames(&at) {
                tracing::warn!(%error, ?at, "a folder cannot be opened for what is renamed in it");
            }
        }
        Ok(())
    }

    fn open_for_renames(&self, at: &Path) -> io::Result<()> {
        let mut let_in = LetIn::default();
        let Some(open) = there_or_not(let_in.walk(&self.base, at))? else {
            return Ok(());
        };
        let mode = open.look_at_self()?.mode;
        if mode & 0o300 != 0o300 {
            open.set_mode(mode | 0o700)?;
        }
        let_in.keep_open(at);
        Ok(())
    }

    pub(super) fn take(&self) -> io::Result<()> {
        let mut parents = Parents::new(&self.base);
        for entry in &self.moves {
            let folder = parents.of(&entry.at)?;
            let live = folder.look(entry.name())?;
            // What changed since it was looked at was never seen, and so is not replaced.
            let changed = entry
                .seen
                .is_some_and(|seen| live.is_none_or(|now| !seen.is_still(&now)));
            if changed || !entry.take && live.is_some() {
                return Err(io::ErrorKind::StaleNetworkFileHandle.into());
            }
            let strays = self.strays(folder, entry)?;
            if !strays.is_empty() && self.is_database(entry)? {
                return Err(io::ErrorKind::StaleNetworkFileHandle.into());
            }
            if entry.take && live.is_some() {
                step()?;
                folder.rename(entry.name(), &self.kept, &entry.kept)?;
            }
        }
        Ok(())
    }

    pub(super) fn put(&self) -> io::Result<()> {
        let mut parents = Parents::new(&self.base);
        for entry in self.moves.iter().filter(|entry| entry.put) {
            step()?;
            let incoming = self.incoming.as_ref().ok_or(io::ErrorKind::NotFound)?;
            let folder = parents.of(&entry.at)?;
            incoming.rename(&entry.incoming, folder, entry.name())?;
        }
        Ok(())
    }

    /// What is another one by now, or changed after `since`, in its new place is kept beside it: somebody worked with it there.
    pub(super) fn take_back(&self, since: Option<Moment>) -> io::Result<()> {
        let mut parents = Parents::new(&self.base);
        for entry in &self.moves {
            if there_or_not(parents.of(&entry.at))?.is_none() {
                if self.kept.look(&entry.kept)?.is_none() {
                    continue;
                }
                // Its folder was removed since; what was in it before comes back all the same.
                let parent = entry.at.parent().unwrap_or(Path::new(""));
                self.base.walk_making(parent)?;
            }
            let folder = parents.of(&entry.at)?;
            let there = self.look(Some(folder), entry)?;
            let mut strays = self.strays(folder, entry)?;
            if !strays.is_empty()
                && !is_database(folder, entry.name())?
                && !is_database(&self.kept, &entry.kept)?
            {
                strays.clear();
            }
            let done = there.done(entry);
            let logs = self.logs_that_came(folder, entry)?;
            let mut worked_with = !strays.is_empty() || self.worked_with(folder, entry, since)?;
            for log in &logs {
                worked_with |= self.worked_with(folder, log, since)?;
            }
            worked_with &= done;
            if worked_with {
                strays.extend(logs.iter().map(|log| log.name().to_owned()));
            }
            if done
                && !worked_with
                && let Some(incoming) = &self.incoming
            {
                step()?;
                folder.rename(entry.name(), incoming, &entry.incoming)?;
            }
            let in_the_way = there.kept && folder.look(entry.name())?.is_some();
            if in_the_way || worked_with || !strays.is_empty() && there.kept {
                step()?;
                set_aside(folder, entry.name(), &strays)?;
            }
            if there.kept {
                step()?;
                if self.is_outdated(folder, entry, since)? {
                    bring_aside((&self.kept, &entry.kept), folder, entry.name())?;
                } else {
                    self.kept.rename(&entry.kept, folder, entry.name())?;
                }
            }
        }
        let library = self.moves.iter().find(|entry| entry.kept == LIBRARY);
        match library
            .map(|entry| self.base.look(entry.name()))
            .transpose()?
        {
            // None is made up in its place.
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    /// The rest of what was begun.
    pub(super) fn finish(&self) -> io::Result<()> {
        let mut parents = Parents::new(&self.base);
        for entry in self.moves.iter().filter(|entry| entry.take || entry.put) {
            let Some(folder) = there_or_not(parents.of(&entry.at))? else {
                tracing::warn!(at = ?entry.at, "what comes into a folder that was removed since is left out");
                continue;
            };
            let there = self.look(Some(folder), entry)?;
            let goes = entry.put && there.incoming || !entry.put && !there.kept;
            let strays = self.in_the_way(folder, entry, &there)?;
            if !strays.is_empty() || goes && there.made_since(entry) {
                step()?;
                set_aside(folder, entry.name(), &strays)?;
            } else if there.live.is_some() && goes && !self.is_of_another(folder, entry)? {
                step()?;
                folder.rename(entry.name(), &self.kept, &entry.kept)?;
            }
            if entry.put
                && there.incoming
                && let Some(incoming) = &self.incoming
            {
                step()?;
                incoming.rename(&entry.incoming, folder, entry.name())?;
            }
        }
        Ok(())
    }

    pub(super) fn all(&self) -> io::Result<Vec<(&Placed, There)>> {
        let mut parents = Parents::new(&self.base);
        let mut all = Vec::with_capacity(self.moves.len());
        for entry in &self.moves {
            let folder = there_or_not(parents.of(&entry.at))?;
            all.push((entry, self.look(folder, entry)?));
        }
        Ok(all)
    }

    /// What was to come is nowhere any more, and with it all of this part: a single entry that is gone from its new place
    /// was removed there by the user.
    pub(super) fn lost(&self, entry: &Placed, there: &There) -> bool {
        let gone = entry.put && !there.incoming && !there.done(entry);
        gone && (self.incoming.is_none() || entry.kept == LIBRARY)
    }

    /// `folder`: `None` where it is gone.
    pub(super) fn look(&self, folder: Option<&Dir>, entry: &Placed) -> io::Result<There> {
        let live = folder.map(|folder| folder.look(entry.name())).transpose()?;
        let incoming = self.incoming.as_ref().map(|dir| dir.look(&entry.incoming));
        Ok(There {
            live: live.flatten(),
            kept: self.kept.look(&entry.kept)?.is_some(),
            incoming: incoming.transpose()?.flatten().is_some(),
        })
    }

    /// The innermost first: the time of a folder stays only when nothing more is done in it.
    pub(super) fn dress(&self, back: bool) -> io::Result<()> {
        for folder in self.folders.iter().rev() {
            let dress: Option<&Dress> = if back {
                folder.before.as_ref()
            } else {
                folder.after.as_ref()
            };
            let Some(dress) = dress else { continue };
            step()?;
            match self.dress_folder(&folder.at(), dress) {
                // A folder of somebody else, in which one may rename things all the same: what is in it is right, and to
                // fail for its time would leave the swap unsettled for ever.
                Err(error) if is_refused(&error) => {
                    tracing::warn!(%error, at = ?folder.at, "a folder does not get its time or mode");
                }
                dressed => dressed?,
            }
        }
        Ok(())
    }

    /// It may have been dressed before, and shut.
    fn dress_folder(&self, at: &Path, dress: &Dress) -> io::Result<()> {
        let mut let_in = LetIn::default();
        let Some(open) = there_or_not(let_in.walk(&self.base, at))? else {
            return Ok(());
        };
        let file = open.file()?;
        let put = dress.put_on(&file);
        if put.is_ok() && dress.mode.is_some() {
            let_in.keep_open(at);
        }
        drop(let_in);
        file.sync_all()?;
        put
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.base.sync()?;
        self.kept.sync()?;
        self.incoming.as_ref().map_or(Ok(()), Dir::sync)
    }
}

fn is_refused(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
    )
}
