//! Reading packs whole, each once, and comparing everything in them with its id.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustic_core::Id;
use rustic_core::repofile::{IndexPack, PackId};

use super::damage;
use super::survey::{Reach, Reason, short};
use crate::{Error, Watch};

/// What is wrong with a pack.
struct Wrong {
    pack: PackId,
    /// The folders and chunks that cannot be read. None of them: what is wrong is in between.
    blobs: Vec<Id>,
    reason: Reason,
}

/// Reads all packs that are needed and notes what is wrong. True: something is.
pub(super) fn read_all(reach: &mut Reach, watch: &Watch) -> Result<bool, Error> {
    let mut done: HashSet<PackId> = reach.bad_packs.keys().copied().collect();
    let mut all_wrong = cut(reach);
    for index in reach.content.session().index()? {
        let packs = index?.packs.into_iter();
        // A pack may be in the index twice.
        let packs: Vec<IndexPack> = packs
            .filter(|pack| reach.needed.contains(&pack.id) && done.insert(pack.id))
            .collect();
        all_wrong.extend(read(reach, packs, watch)?);
    }
    let lost = lost(reach, &done, watch);
    all_wrong.extend(read(reach, unlisted(reach), watch)?);
    done.extend(&reach.unlisted);
    reach.bytes_read += done
        .iter()
        .filter(|pack| !reach.bad_packs.contains_key(*pack))
        .map(|pack| reach.size(pack))
        .sum::<u64>();
    let found = !all_wrong.is_empty() || !lost.is_empty();
    reach.bad_packs.extend(lost);
    for wrong in all_wrong {
        let wrong = noted(reach, wrong);
        if wrong.blobs.is_empty() {
            reach.bad_packs.insert(wrong.pack, wrong.reason);
        } else {
            let blobs = wrong.blobs.into_iter();
            let reasons = blobs.map(|blob| (blob, wrong.reason.clone()));
            reach.bad_blobs.extend(reasons);
        }
    }
    Ok(found)
}

/// The packs that no index lists, as ones in which nothing is looked for: the hash of the whole tells whether they are sound.
fn unlisted(reach: &Reach) -> Vec<IndexPack> {
    let packs = reach.unlisted.iter().map(|pack| IndexPack {
        id: *pack,
        ..IndexPack::default()
    });
    packs.collect()
}

/// The packs that were in the index when it was compared with what backups need, and are not in it any more: another device
/// has set them aside. It may have copied them, so they are not noted; that they were not read is told.
fn lost(reach: &Reach, done: &HashSet<PackId>, watch: &Watch) -> Vec<(PackId, Reason)> {
    let lost = reach.needed.difference(done);
    let tell = |pack: &PackId| {
        watch.advance(reach.size(pack));
        let reason = format!("the pack {} is not in the index any more", short(pack));
        (*pack, reason.into())
    };
    lost.map(tell).collect()
}

/// The packs that are there and have another size than they should.
fn cut(reach: &Reach) -> Vec<Wrong> {
    let bad = reach.bad_packs.iter();
    bad.filter(|(pack, _)| reach.is_there(pack))
        .map(|(pack, reason)| Wrong {
            pack: *pack,
            blobs: Vec::new(),
            reason: reason.clone(),
        })
        .collect()
}

/// Notes the pack for the next backup to mend. Where that is not possible it says so, and what was found is told all the
/// same: a destination may be one that can only be read.
fn noted(reach: &Reach, wrong: Wrong) -> Wrong {
    match reach.content.session().note_damaged(&wrong.pack) {
        Ok(()) => wrong,
        Err(error) => {
            tracing::warn!(%error, "a damaged pack cannot be noted");
            let reason = format!("{}, and that cannot be noted there", wrong.reason);
            Wrong {
                reason: reason.into(),
                ..wrong
            }
        }
    }
}

/// Several at a time.
fn read(reach: &Reach, packs: Vec<IndexPack>, watch: &Watch) -> Result<Vec<Wrong>, Error> {
    let queue = Mutex::new(packs.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<Vec<Wrong>, Error> {
        let mut wrong = Vec::new();
        while let Some(pack) = next() {
            wrong.extend(read_one(reach, &pack, watch)?);
            watch.advance(reach.size(&pack.id));
        }
        Ok(wrong)
    };
    let readers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..readers).map(|_| scope.spawn(work)).collect();
        let mut wrong = Vec::new();
        for reader in readers {
            let panicked = |_| Error::Panicked("a thread that reads packs".into());
            wrong.extend(reader.join().map_err(panicked)??);
        }
        Ok(wrong)
    })
}

fn read_one(reach: &Reach, pack: &IndexPack, watch: &Watch) -> Result<Option<Wrong>, Error> {
    let session = reach.content.session();
    let whole = session.with_whole_pack(&pack.id, || wrong_blobs(reach, pack, watch));
    let (blobs, why) = match whole {
        Ok(blobs) => {
            let blobs = blobs?;
            if blobs.is_empty() {
                return Ok(None);
            }
            (blobs, "does not hold what its index says")
        }
        Err(error) => {
            damage(error, watch)?;
            // Only those who need what is damaged in it are damaged.
            (wrong_blobs(reach, pack, watch)?, "is damaged")
        }
    };
    Ok(Some(Wrong {
        reason: format!("the pack {} {why}", short(&pack.id)).into(),
        pack: pack.id,
        blobs,
    }))
}

fn wrong_blobs(reach: &Reach, pack: &IndexPack, watch: &Watch) -> Result<Vec<Id>, Error> {
    let mut wrong = Vec::new();
    for blob in &pack.blobs {
        // What lies in two packs is read from one of them.
        if !reach.content.lies_in(blob, &pack.id) {
            continue;
        }
        if let Err(error) = reach.content.prove(blob) {
            damage(error, watch)?;
            wrong.push(*blob.id);
        }
    }
    Ok(wrong)
}
