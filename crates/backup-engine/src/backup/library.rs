//! The library as a backup begins with it: its pages in one view, or the news that nothing has changed since the last backup.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rustic_core::repofile::{Metadata, Node, NodeType};

use super::to_read::{Pages, later};
use super::{LIBRARY_FILE, Origin};
use crate::database::PageReader;
use crate::destination::LibraryDetails;
use crate::library::{Library, LibraryPages, LibraryProof, LibraryVersion, Observed};
use crate::{Error, Watch};

/// The library as it comes into the backup.
#[derive(Clone, Debug)]
pub(super) struct StoredLibrary {
    pub details: LibraryDetails,
    pub node: Node,
    version: LibraryVersion,
}

pub(super) struct LibraryToStore {
    pub stored: StoredLibrary,
    pub pages: Pages,
    /// Just before the view was taken: what is stored later is not in the backup.
    pub taken: DateTime<Utc>,
    pub proof: ProofOfRead,
}

/// That the library is sound, once it is read. What is stored already was proven then.
#[derive(Clone, Default)]
pub(super) struct ProofOfRead(Arc<Mutex<Option<LibraryProof>>>);

impl ProofOfRead {
    fn keep(&self, proof: LibraryProof) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(proof);
    }

    /// `None`: it was not read.
    pub(super) fn take(&self) -> Option<LibraryProof> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// `is_stored`: what was seen is in the destination still. Else it is read and proven once more.
pub(super) fn look(
    library: &Library,
    seen: Option<&StoredLibrary>,
    is_stored: bool,
    origin: &Origin,
    watch: &Watch,
) -> Result<LibraryToStore, Error> {
    // Before the view: what changes in between is then read once more by the next backup, and not missed.
    let taken = Utc::now();
    let version = library.version()?;
    let unchanged = seen.filter(|seen| seen.version == version);
    let proof = ProofOfRead::default();
    if let Some(stored) = unchanged.filter(|_| is_stored) {
        let observed = library.observe()?;
        // It observes the version that was seen, and none after it.
        if library.version()? == version {
            return Ok(LibraryToStore {
                stored: stored.clone(),
                pages: again(library, observed, &proof, watch),
                taken,
                proof,
            });
        }
    }
    let LibraryPages {
        reader,
        facts,
        schema,
        proof: checked,
    } = library.pages(watch)?;
    proof.keep(checked);
    let details = LibraryDetails {
        assets: facts.assets,
        bytes: reader.len(),
        sha256: None,
        schema,
    };
    let stored = StoredLibrary {
        node: match unchanged {
            // With the same entry, the folders of earlier backups are whole again too.
            Some(seen) if library.version()? == version => seen.node.clone(),
            _ => node(origin, reader.len())?,
        },
        details,
        version,
    };
    Ok(LibraryToStore {
        stored,
        pages: Pages::Open(Box::new(reader)),
        taken,
        proof,
    })
}

/// Reads what is stored already once more, where it turns out that what is stored cannot be read, and proves it. What is said of
/// it was said before: it must still be that version.
fn again(library: &Library, observed: Observed, proof: &ProofOfRead, watch: &Watch) -> Pages {
    let (file, proof, watch) = (library.file().to_owned(), proof.clone(), watch.clone());
    later(move || {
        let mut reader = PageReader::of_ours(&file, &watch).map_err(io::Error::other)?;
        if !observed.is_unchanged().map_err(io::Error::other)? {
            return Err(io::Error::other("it changed while the backup ran"));
        }
        proof.keep(LibraryProof::of(&mut reader));
        Ok(reader)
    })
}

fn node(origin: &Origin, bytes: u64) -> Result<Node, Error> {
    let metadata = Metadata {
        size: bytes,
        mtime: Some(origin.time()?),
        mode: Some(0o600),
        ..Metadata::default()
    };
    Ok(Node::new_node(
        LIBRARY_FILE.as_ref(),
        NodeType::File,
        metadata,
    ))
}
