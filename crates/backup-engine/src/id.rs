//! The id of a backup: `{version}_{timestamp}`, unique, sorted by time within a version, safe in a path.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

const TIMESTAMP: &str = "%Y%m%dT%H%M%S%3fZ";

/// A backup's id. One that exists has the strict form, so it can hold neither a path nor anything else of harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackupId(String);

impl BackupId {
    /// The id for a backup that starts at this moment (cut to a millisecond).
    pub(crate) fn new(version: &str, at: DateTime<Utc>) -> Self {
        Self(format!("{version}_{}", at.format(TIMESTAMP)))
    }

    /// Reads an id; `None` for whatever is not exactly of the form `1.2.3_20260102T030405678Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, timestamp) = text.split_once('_')?;
        let numbers: Vec<&str> = version.split('.').collect();
        let is_number = |part: &&str| {
            (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if numbers.len() != 3 || !numbers.iter().all(is_number) || timestamp.len() != 19 {
            return None;
        }
        let id = Self(text.to_owned());
        let canonical = read_timestamp(timestamp)?.format(TIMESTAMP).to_string();
        (canonical == timestamp).then_some(id)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn version(&self) -> &str {
        self.0.split_once('_').map_or("", |(version, _)| version)
    }

    pub fn timestamp(&self) -> &str {
        self.0
            .split_once('_')
            .map_or("", |(_, timestamp)| timestamp)
    }

    /// The moment in the id.
    pub fn created(&self) -> DateTime<Utc> {
        read_timestamp(self.timestamp()).unwrap_or_default()
    }
}

fn read_timestamp(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    let all_digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if bytes.len() != 19
        || bytes[8] != b'T'
        || bytes[18] != b'Z'
        || !all_digits(0..8)
        || !all_digits(9..18)
    {
        return None;
    }
    // A 60th second would be read as a leap second, which this clock never gives.
    let seconds = NaiveDateTime::parse_from_str(text.get(..15)?, "%Y%m%dT%H%M%S").ok()?;
    if bytes[13] >= b'6' {
        return None;
    }
    let millis = text.get(15..18)?.parse().ok()?;
    Some(seconds.and_utc() + TimeDelta::milliseconds(millis))
}

impl fmt::Display for BackupId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back_as_itself(millis in 0i64..4_102_444_800_000) {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            let id = BackupId::new("12.0.345", at);
            let read = BackupId::parse(id.as_str()).unwrap();
            prop_assert_eq!(read.created(), at);
            prop_assert_eq!(read.version(), "12.0.345");
            prop_assert_eq!(read, id);
        }

        #[test]
        fn ids_sort_by_time(a in 0i64..4_102_444_800_000, b in 0i64..4_102_444_800_000) {
            let id = |millis| BackupId::new("1.0.0", DateTime::from_timestamp_millis(millis).unwrap());
            prop_assert_eq!(a.cmp(&b), id(a).cmp(&id(b)));
        }

        #[test]
        fn nothing_else_is_an_id(text in ".*") {
            if let Some(id) = BackupId::parse(&text) {
                prop_assert!(id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)));
                prop_assert!(!id.as_str().contains(".."));
            }
        }
    }

    #[test]
    fn hostile_texts_are_no_ids() {
        for text in [
            "",
            "_",
            "../etc",
            "1.0.0_../../../../../../",
            "1.0.0_20260102T030405678Z/..",
            "1.0.0_20261302T030405678Z",
            "1.0_20260102T030405678Z",
            "1.0.0.0_20260102T030405678Z",
            "1.0.0_20260102T030405678z",
            "1.0.0_20260102T0304é678Z",
            "%31.0.0_20260102T030405678Z",
            "1.0.0_20260102T030460678Z\0",
            "1.0.0_20260102T030460678Z",
        ] {
            assert_eq!(BackupId::parse(text), None, "{text}");
        }
    }
}
