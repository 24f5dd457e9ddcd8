//! The folders that are in every backup beside the library.

use serde::{Deserialize, Serialize};

/// What a source is to the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    #[default]
    Folder,
    /// The data folder of PiecesOS.
    Pieces,
}

/// A folder that is in every backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Source {
    /// 1 to 40 of `a-z`, `0-9` and `-`; the name of its folder in a backup.
    pub id: String,
    pub kind: SourceKind,
    pub path: String,
    /// Lines as in a `.gitignore` file at the top of the folder.
    #[serde(default)]
    pub excludes: Vec<String>,
}

/// A folder to add. A field that nobody knows is refused: misspelt `excludes` would back up what is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// Absolute.
    pub path: String,
    #[serde(default)]
    pub kind: SourceKind,
    #[serde(default)]
    pub excludes: Vec<String>,
}

/// What becomes of a source from the next backup on. A field that nobody knows is refused, as in [`NewSource`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(deny_unknown_fields)]
pub struct SourceChange {
    /// In the place of all that was left out so far.
    pub excludes: Vec<String>,
}

/// The sources, and what could be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Sources {
    pub items: Vec<Source>,
    /// The data folder of a PiecesOS on this machine that is no source yet, to be added as it is: without what can be
    /// downloaded again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<NewSource>,
}
