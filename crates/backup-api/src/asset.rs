//! Assets, kept whole: the JSON that arrived stays the JSON that is stored, byte for byte.

use std::collections::BTreeMap;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::EmbeddedModelSchema;

/// One item of the library: the text that arrived, and what the library reads out of it.
///
/// Only `id`, `name`, `created` and `updated` are understood; every other field, known to this project or not, lives in
/// the text alone and survives a backup and a restore untouched.
#[derive(Clone, Debug)]
pub struct Asset {
    id: String,
    name: Option<String>,
    created: String,
    updated: String,
    json: Box<RawValue>,
}

/// Why a text is not an asset.
#[derive(Debug)]
pub struct AssetError(serde_json::Error);

impl std::fmt::Display for AssetError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "this is not an asset: {}", self.0)
    }
}

impl std::error::Error for AssetError {}

/// What the API requires of an asset. Fields that are only required, not read, are checked for presence.
#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(default)]
    name: Option<String>,
    created: Moment,
    updated: Moment,
    #[serde(rename = "creator")]
    _creator: IgnoredAny,
    #[serde(rename = "formats")]
    _formats: IgnoredAny,
    #[serde(rename = "mechanism")]
    _mechanism: IgnoredAny,
    #[serde(rename = "original")]
    _original: IgnoredAny,
    #[serde(rename = "preview")]
    _preview: IgnoredAny,
}

#[derive(Deserialize)]
struct Moment {
    value: String,
}

impl Asset {
    /// Reads an asset from its text, which is kept as it is.
    pub fn from_json(text: String) -> Result<Self, AssetError> {
        RawValue::from_string(text)
            .and_then(Self::read)
            .map_err(AssetError)
    }

    fn read(json: Box<RawValue>) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_str(json.get())?;
        if head.id.is_empty() {
            return Err(serde_json::Error::custom("its id is empty"));
        }
        let (created, updated) = (head.created.value, head.updated.value);
        Ok(Self {
            id: head.id,
            name: head.name,
            created,
            updated,
            json,
        })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// When it was created, as the client wrote it (RFC 3339).
    pub fn created(&self) -> &str {
        &self.created
    }

    /// When it was last changed, as the client wrote it (RFC 3339).
    pub fn updated(&self) -> &str {
        &self.updated
    }

    /// The text that arrived.
    pub fn json(&self) -> &str {
        self.json.get()
    }
}

impl PartialEq for Asset {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl<'de> Deserialize<'de> for Asset {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Self::read(Box::<RawValue>::deserialize(source)?).map_err(D::Error::custom)
    }
}

impl Serialize for Asset {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(target)
    }
}

/// Many assets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assets {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<EmbeddedModelSchema>,
    pub iterable: Vec<Asset>,
    /// Where each id stands in `iterable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indices: Option<BTreeMap<String, i64>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(extra: &str) -> String {
        format!(
            r#"{{ "id":"a1","name":"retry","created":{{"value":"2026-01-02T03:04:05Z"}},"updated":{{"value":"2026-01-02T03:04:06Z"}},
            "creator":"u","formats":{{}},"mechanism":"MANUAL","original":"o","preview":{{}} , "extra":{extra} }}"#
        )
    }

    #[test]
    fn an_asset_without_a_required_field_is_refused() {
        for field in [
            "id",
            "created",
            "updated",
            "creator",
            "formats",
            "mechanism",
            "original",
            "preview",
        ] {
            let broken = text("1").replace(&format!("\"{field}\""), "\"other\"");
            let error = Asset::from_json(broken).unwrap_err().to_string();
            assert!(error.contains(field), "{field}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_else_an_asset_carries_survives_byte_for_byte(key in "[a-z]{1,8}", value in ".*", number in any::<f64>()) {
            let number = serde_json::to_string(&number).unwrap();
            let value = serde_json::to_string(&value).unwrap();
            let text = text(&format!("{{\"{key}\" :{value},  \"n\": [{number} ]}}"));
            let list = format!("{{\"iterable\":[{text}]}}");
            let read: Assets = serde_json::from_str(&list).unwrap();
            prop_assert_eq!(read.iterable[0].json(), text.trim());
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), list.replace(&text, text.trim()));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = Asset::from_json(text);
        }
    }
}
