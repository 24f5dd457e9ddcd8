//! A backup as the Backup API describes it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// One backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Backup {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    /// `{version}_{timestamp}` when Holdfast made it; opaque when another service did.
    pub id: String,
    /// Semantic version of the service that made it.
    pub version: String,
    pub timestamp: String,
    /// Size of what it restores to, in bytes.
    #[serde(deserialize_with = "whole_number")]
    #[cfg_attr(feature = "bindings", specta(type = u64))]
    pub bytes: u64,
    pub device_name: String,
    pub platform: Platform,
    pub created: GroupedTimestamp,
}

/// Sizes arrive as integers or as floating numbers, depending on the service's language.
fn whole_number<'de, D: serde::Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let value = serde_json::Number::deserialize(source)?;
    match (value.as_u64(), value.as_f64()) {
        (Some(bytes), _) => Ok(bytes),
        (None, Some(bytes)) if bytes >= 0.0 && bytes.fract() == 0.0 && bytes < u64::MAX as f64 => {
            Ok(bytes as u64)
        }
        _ => Err(serde::de::Error::custom(
            "a size must be a whole number of bytes, zero or more",
        )),
    }
}

/// The platform a backup was made on. A word this version does not know reads as [`Platform::Unknown`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "UPPERCASE")]
pub enum Platform {
    Web,
    Macos,
    Linux,
    Windows,
    Fuchsia,
    Ios,
    Android,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Platform {
    /// The platform this program was built for.
    pub fn current() -> Self {
        match std::env::consts::OS {
            "linux" => Self::Linux,
            "macos" => Self::Macos,
            "windows" => Self::Windows,
            "android" => Self::Android,
            "ios" => Self::Ios,
            "fuchsia" => Self::Fuchsia,
            _ => Self::Unknown,
        }
    }
}

/// A moment, in RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GroupedTimestamp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    pub value: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable: Option<String>,
}

impl From<DateTime<Utc>> for GroupedTimestamp {
    fn from(value: DateTime<Utc>) -> Self {
        let readable = Some(value.to_rfc3339_opts(SecondsFormat::Secs, true));
        Self {
            schema: None,
            value,
            readable,
        }
    }
}

/// The model version that other clients of this API stamp on what they send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EmbeddedModelSchema {
    pub migration: i32,
    pub semantic: Semantic,
}

/// The one semantic version word in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Semantic {
    #[serde(rename = "MAJOR_0_MINOR_0_PATCH_1")]
    Major0Minor0Patch1,
    #[default]
    #[serde(rename = "UNKNOWN", other)]
    Unknown,
}

/// The list of backups, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backups {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    pub iterable: Vec<Backup>,
    /// Where each id stands in `iterable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indices: Option<BTreeMap<String, usize>>,
}

impl From<Vec<Backup>> for Backups {
    fn from(iterable: Vec<Backup>) -> Self {
        let indices = iterable
            .iter()
            .enumerate()
            .map(|(at, backup)| (backup.id.clone(), at))
            .collect();
        Self {
            schema: None,
            iterable,
            indices: Some(indices),
        }
    }
}

/// What a client may send to start a creation: nothing that Holdfast needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeededBackup {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM_ANOTHER_SERVICE: &str = r#"{"id":"11.3.0_1730000000000","version":"11.3.0","timestamp":"1730000000000",
        "bytes":5100000000.0,"device_name":"ThinkPad","platform":"BEOS","created":{"value":"2024-10-27T03:33:20Z"},
        "schema":{"migration":0,"semantic":"MAJOR_9"},"cloud":true}"#;

    #[test]
    fn a_backup_of_another_service_is_read_whatever_it_adds() {
        let backup: Backup = serde_json::from_str(FROM_ANOTHER_SERVICE).unwrap();
        assert_eq!(backup.bytes, 5_100_000_000);
        assert_eq!(backup.platform, Platform::Unknown);
        assert_eq!(backup.schema.unwrap().semantic, Semantic::Unknown);
    }

    #[test]
    fn a_size_that_is_no_size_is_refused() {
        for size in ["-1", "0.5", "\"12\"", "null", "1e300"] {
            let text = FROM_ANOTHER_SERVICE.replace("5100000000.0", size);
            assert!(
                serde_json::from_str::<Backup>(&text).is_err(),
                "{size} was taken for a size"
            );
        }
    }

    #[test]
    fn a_list_says_where_each_backup_stands() {
        let backup: Backup = serde_json::from_str(FROM_ANOTHER_SERVICE).unwrap();
        let list = Backups::from(vec![backup]);
        assert_eq!(list.indices.unwrap()["11.3.0_1730000000000"], 0);
    }
}
