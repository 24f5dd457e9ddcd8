//! A staged file on its way from empty to whole.

use std::fs::File;

use super::blocks;
use super::chunks::{Chunk, Zeros, total};
use super::fill::{Fill, LARGE};
use super::local::Local;
use super::stage::STAGING;
use crate::database::PlainFile;
use crate::destination::{Content, CopyError};
use crate::{Error, Watch};

pub(super) struct StagedFile<'a> {
    /// Empty, and open for reading too.
    pub file: &'a File,
    pub chunks: &'a [Chunk],
    pub content: &'a Content,
    pub zeros: &'a Zeros,
    pub watch: &'a Watch,
}

impl StagedFile<'_> {
    /// `live`: the file that it takes the place of, and `found`: which of the chunks are in it, where somebody has looked.
    pub(super) fn fill(
        &self,
        live: Option<PlainFile>,
        found: Option<&[bool]>,
    ) -> Result<(), Error> {
        let (live, begun) = match live {
            Some(live) if self.is_worth_sharing(found) => {
                let shared = blocks::share(live, self.file, self.watch);
                let (live, begun) = shared.map_err(STAGING)?;
                (Some(live), begun)
            }
            live => (live, None),
        };
        if begun.is_some() {
            match self.run(begun, &Local::new(Some(self.file), found)) {
                Err(CopyError::Target(error)) if !self.watch.is_canceled() => {
                    // With its blocks come those that the disk cannot read.
                    tracing::warn!(%error, "a file is staged once more, without sharing blocks");
                    self.file.set_len(0).map_err(STAGING)?;
                }
                filled => return filled.map_err(explain),
            }
        }
        let local = Local::new(live.as_deref(), found);
        self.run(None, &local).map_err(explain)
    }

    fn run(&self, begun: Option<u64>, local: &Local) -> Result<(), CopyError> {
        let fill = Fill::new(self.file, self.content, self.zeros, self.watch);
        fill.begun(begun).run(self.chunks, local)
    }

    /// Whether most of a large file is there already, as far as is known.
    fn is_worth_sharing(&self, found: Option<&[bool]>) -> bool {
        let bytes = |found: &[bool]| -> u64 {
            let there = self.chunks.iter().zip(found).filter(|(_, there)| **there);
            there.map(|(chunk, _)| chunk.length).sum()
        };
        let all = total(self.chunks);
        all >= LARGE && found.is_none_or(|found| bytes(found) >= all / 2)
    }
}

fn explain(error: CopyError) -> Error {
    error.explain("staging the backup")
}
