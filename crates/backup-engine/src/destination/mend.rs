//! Mending a repository in which damage was found: what is good in a damaged pack is copied into a new one, and the damaged
//! pack is set aside. What it alone held is missing from then on, so a backup stores it again where its sources still have
//! it, under the same id: earlier backups are whole again by it.
//!
//! After a crash at any moment nothing is lost that could be read before: the copies are in the index before the damaged pack
//! is taken out of it, only then that is moved, and its note goes last. What was begun is begun again.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use rustic_core::repofile::{IndexBlob, IndexPack, PackId};
use rustic_core::{FileType, Id, ReadBackend, WriteBackend};
use sha2::{Digest, Sha256};

use super::fault::tells_of_damage;
use super::session::explain_write;
use super::{Content, Destination, Session, damaged, pack};
use crate::hex::hex;
use crate::keys::Ask;
use crate::{Error, Watch};

/// What the index lists.
type Packs = HashMap<PackId, IndexPack>;

impl Destination {
    /// Changes whenever something was taken out of an index, which is then missing in earlier backups.
    pub(crate) fn loss_mark(&self) -> io::Result<Option<Vec<u8>>> {
        damaged::loss_mark(&self.root)
    }

    /// Sees to it that what is damaged in the packs that are noted does not count as stored. To be called while the
    /// destination is held for writing.
    pub(super) fn mend(&self, session: &Session) -> Result<(), Error> {
        let noted = damaged::noted_packs(&session.folder()).map_err(explain_write)?;
        if noted.is_empty() {
            return Ok(());
        }
        session.still_ours()?;
        let known = known_packs(session, &noted)?;
        let (mut damaged, mut copies) = (Vec::new(), Vec::new());
        for id in noted {
            let there = damaged::has_pack(&session.folder(), &id);
            if there.map_err(explain_write)? && self.copy_good(session, &id, &known, &mut copies)? {
                damaged.push(id);
            } else {
                forget(session, &id)?;
            }
        }
        if damaged.is_empty() {
            return Ok(());
        }
        session.check_index()?;
        are_listed(session, &copies)?;
        session.storage().leave_out(damaged.iter().map(|id| **id));
        session.check_index()?;
        for id in damaged {
            session.still_ours()?;
            damaged::set_pack_aside(&session.folder(), &id).map_err(explain_write)?;
            forget(session, &id)?;
        }
        Ok(())
    }

    /// Copies what is good in a pack into a new one, which is added to `copies`. False: the pack is as it was stored.
    fn copy_good(
        &self,
        session: &Session,
        id: &PackId,
        known: &Packs,
        copies: &mut Vec<PackId>,
    ) -> Result<bool, Error> {
        let listed = known.get(id);
        let content = content_of(session, id, listed)?;
        let mut good = self.good_in(session, &content, listed)?;
        let really = id_of(&content)?;
        if really != *id {
            // Where packs have changed places, it is all of another one.
            good.extend(self.good_in(session, &content, known.get(&really))?);
        } else if good.len() == listed.map_or(0, |pack| pack.blobs.len()) {
            return Ok(false);
        }
        if !good.is_empty() {
            copies.push(self.store(session, &good, &content)?);
        }
        Ok(true)
    }

    /// What of a pack this content has as it should be.
    fn good_in(
        &self,
        session: &Session,
        content: &Bytes,
        pack: Option<&IndexPack>,
    ) -> Result<Vec<IndexBlob>, Error> {
        let Some(pack) = pack else {
            return Ok(Vec::new());
        };
        let view = self.view(session, &pack.id, pack.pack_size(), Some(content.clone()))?;
        good_blobs(&view, &pack.blobs)
    }

    /// The repository as if this pack were all there is of it: what it holds is read from no other pack.
    fn view(
        &self,
        session: &Session,
        id: &PackId,
        size: u32,
        content: Option<Bytes>,
    ) -> Result<Content, Error> {
        let view = self.open(session.part(), session.watch(), Ask::Again)?;
        view.storage().list_only(id, size);
        if let Some(content) = content {
            view.storage().hold_pack(id, content);
        }
        Content::listed(view)
    }

    /// Writes a new pack, and reads it back.
    fn store(&self, session: &Session, blobs: &[IndexBlob], from: &Bytes) -> Result<PackId, Error> {
        let failed = || Error::Repository("what is good in a damaged pack is not copied".into());
        let pack = pack::assemble(blobs, from, &session.repository.key()).ok_or_else(failed)?;
        let size = u32::try_from(pack.len()).map_err(|_| failed())?;
        let id = id_of(&pack)?;
        session.still_ours()?;
        let storage = session.storage();
        let written = storage.write_bytes(FileType::Pack, &id, false, pack.into());
        written.map_err(session.explain())?;
        session.keep_written();
        let view = self.view(session, &id, size, None)?;
        if good_blobs(&view, blobs)?.len() == blobs.len() {
            Ok(id)
        } else {
            Err(failed())
        }
    }
}

fn forget(session: &Session, id: &PackId) -> Result<(), Error> {
    damaged::forget_pack(&session.folder(), id).map_err(explain_write)
}

/// Makes sure that these packs are in the index: the repository library leaves out, without an error, what it cannot read.
fn are_listed(session: &Session, packs: &[PackId]) -> Result<(), Error> {
    let listed = listed_packs(session)?;
    if packs.iter().all(|id| listed.contains_key(id)) {
        return Ok(());
    }
    let detail = "what is good in a damaged pack was copied and cannot be found";
    Err(Error::Repository(detail.into()))
}

fn listed_packs(session: &Session) -> Result<Packs, Error> {
    let mut listed = Packs::new();
    for index in session.index()? {
        let packs = index?.packs.into_iter();
        listed.extend(packs.map(|pack| (pack.id, pack)));
    }
    Ok(listed)
}

/// What the index says of all packs. It knows it even where a noted pack's own header is damaged; a noted pack that it does
/// not list is entered first.
fn known_packs(session: &Session, noted: &[PackId]) -> Result<Packs, Error> {
    match listed_packs(session) {
        Ok(known) if noted.iter().all(|id| known.contains_key(id)) => Ok(known),
        _ => {
            session.check_index()?;
            listed_packs(session)
        }
    }
}

/// Everything of a pack that can be read, each byte in its place.
fn content_of(session: &Session, id: &PackId, listed: Option<&IndexPack>) -> Result<Bytes, Error> {
    let (storage, explain) = (session.storage(), session.explain());
    match storage.read_pack(id) {
        Ok(content) => return Ok(content),
        Err(error) if tells_of_damage(&error) => only_damage(explain(error), session.watch())?,
        // It may be whole: its note stays for the next backup.
        Err(error) => return Err(explain(error)),
    }
    let size = listed.map_or(0, IndexPack::pack_size);
    let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
    for blob in listed.iter().flat_map(|pack| &pack.blobs) {
        let (offset, length) = (blob.location.offset, blob.location.length);
        let read = || storage.read_partial(FileType::Pack, id, false, offset, length);
        // What is good must not be taken for bad because a disk was busy for a moment.
        match read().or_else(|_| read()) {
            Ok(read) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                if let Some(place) = content.get_mut(start..start.saturating_add(read.len())) {
                    place.copy_from_slice(&read);
                }
            }
            Err(error) if tells_of_damage(&error) => only_damage(explain(error), session.watch())?,
            Err(error) => return Err(explain(error)),
        }
    }
    Ok(content.into())
}

fn good_blobs(content: &Content, blobs: &[IndexBlob]) -> Result<Vec<IndexBlob>, Error> {
    let mut good = Vec::new();
    for blob in blobs {
        match content.prove(blob) {
            Ok(()) => good.push(*blob),
            Err(error) => only_damage(error, content.watch())?,
        }
    }
    Ok(good)
}

/// Errors: what says nothing about the pack.
fn only_damage(error: Error, watch: &Watch) -> Result<(), Error> {
    match error {
        Error::Damaged { .. } | Error::Repository(_) if !watch.is_canceled() => Ok(()),
        other => Err(other),
    }
}

fn id_of(content: &[u8]) -> Result<PackId, Error> {
    let id = hex(&Sha256::digest(content)).parse::<Id>();
    id.map(PackId::from)
        .map_err(|error| Error::Repository(error.display_log()))
}
