//! The two repositories of a destination, and how each cuts what it stores into chunks.

use rustic_core::ConfigOptions;
use rustic_core::repofile::Chunker;

/// 16 KiB, fixed: a changed page of a database is one changed chunk, and the pages behind it stay where they are.
const PAGE_CHUNK_BYTES: u64 = 16 * 1024;
/// Of one file of a repository. A cancel waits for the one that is being written, and several are in memory at a time.
const PACK_BYTES: u64 = 8 * 1024 * 1024;

/// Of zstd: the fastest of its ordinary levels. The next ones cost a third more time and save a hundredth of the space.
const COMPRESSION: i32 = 1;

/// A repository has one way to cut chunks, so files made of pages have one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// SQLite files, and the commit records.
    Databases,
    /// Everything else. Made when the first folder is backed up.
    Files,
}

impl Part {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Databases => Self::Files,
            Self::Files => Self::Databases,
        }
    }

    /// Its folder in the destination.
    pub(crate) fn folder_name(self) -> &'static str {
        match self {
            Self::Databases => "databases",
            Self::Files => "files",
        }
    }

    /// The layout of a destination that has this part.
    pub(super) fn layout(self) -> u64 {
        match self {
            Self::Databases => 1,
            Self::Files => 2,
        }
    }

    pub(super) fn config(self) -> ConfigOptions {
        let config = ConfigOptions::default()
            .set_datapack_size(bytesize::ByteSize::b(PACK_BYTES))
            .set_compression(COMPRESSION);
        match self {
            Self::Databases => config
                .set_chunker(Chunker::FixedSize)
                .set_chunk_size(bytesize::ByteSize::b(PAGE_CHUNK_BYTES)),
            Self::Files => config,
        }
    }
}
