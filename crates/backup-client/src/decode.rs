//! JSON values out of a stream of bytes, whatever is between them and wherever the chunks end.
//!
//! The clients and services of this API disagree about framing: a value a line, server-sent events, one object, an array, or
//! values one after another. All of them are objects with something between them, so that is what is read: everything
//! outside of an object is skipped, and an object ends with the bracket that closes it.

use serde::de::DeserializeOwned;

/// The largest value that is taken. Progress objects have some hundred bytes.
const VALUE_LIMIT: usize = 1024 * 1024;
/// The most that may lie between two values.
const GAP_LIMIT: usize = 64 * 1024;

/// Why a stream does not read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("a value is larger than {VALUE_LIMIT} bytes")]
    TooLarge,
    #[error("there is too much between two values")]
    NoValue,
    #[error("a value does not read: {0}")]
    Value(#[from] serde_json::Error),
}

/// Takes chunks, gives whole values.
#[derive(Debug, Default)]
pub struct Decoder {
    value: Vec<u8>,
    /// Open brackets of the value that is being read; 0 between values.
    depth: usize,
    in_string: bool,
    escaped: bool,
    gap: usize,
}

impl Decoder {
    /// The values that end in this chunk. Brackets and quotes are ASCII, which never is part of another character, so a
    /// character that is split between chunks needs no care.
    pub fn take<T: DeserializeOwned>(&mut self, chunk: &[u8]) -> Result<Vec<T>, DecodeError> {
        let mut values = Vec::new();
        for byte in chunk {
            if self.push(*byte)? {
                let value = serde_json::from_slice(&self.value)?;
                self.value.clear();
                values.push(value);
            }
        }
        Ok(values)
    }

    /// Whether the stream ended between values, and not inside of one.
    pub fn is_between_values(&self) -> bool {
        self.depth == 0
    }

    /// True when this byte ends a value.
    fn push(&mut self, byte: u8) -> Result<bool, DecodeError> {
        if self.depth == 0 {
            self.begin(byte)?;
            return Ok(false);
        }
        if self.value.len() == VALUE_LIMIT {
            return Err(DecodeError::TooLarge);
        }
        self.value.push(byte);
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(false);
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        Ok(self.depth == 0)
    }

    fn begin(&mut self, byte: u8) -> Result<(), DecodeError> {
        if byte == b'{' {
            (self.depth, self.gap) = (1, 0);
            self.value.push(byte);
        } else {
            self.gap += 1;
            if self.gap > GAP_LIMIT {
                return Err(DecodeError::NoValue);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn frame(values: &[Value], framing: usize) -> String {
        let each = |before: &str, after: &str| {
            values
                .iter()
                .map(|value| format!("{before}{value}{after}"))
                .collect::<String>()
        };
        match framing {
            0 => each("", "\n"),
            1 => each("", "\r\n"),
            2 => each("event: progress\nid: 7\ndata: ", "\n\n: still here\n\n"),
            3 => each("", ""),
            4 => format!(
                "[{}]",
                values
                    .iter()
                    .map(Value::to_string)
                    .collect::<Vec<_>>()
                    .join(",\n ")
            ),
            _ => values
                .iter()
                .map(|value| serde_json::to_string_pretty(value).unwrap() + "\n")
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn whatever_the_framing_and_the_chunks_the_values_arrive(
            texts in proptest::collection::vec(("\\PC*", "[\\\\\"{}\\[\\],:ä€😀]{0,12}", any::<i64>()), 0..6),
            framing in 0usize..6,
            sizes in proptest::collection::vec(1usize..9, 1..40),
        ) {
            let values: Vec<Value> = texts.iter()
                .map(|(a, b, number)| json!({"a": a, b.as_str(): {"deep": [b, number, {}]}}))
                .collect();
            let stream = frame(&values, framing).into_bytes();
            let (mut decoder, mut read, mut rest) = (Decoder::default(), Vec::<Value>::new(), stream.as_slice());
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (chunk, after) = rest.split_at((*size).min(rest.len()));
                read.extend(decoder.take(chunk).unwrap());
                rest = after;
            }
            prop_assert_eq!(read, values);
            prop_assert!(decoder.is_between_values());
        }

        #[test]
        fn garbage_is_an_error_or_nothing_but_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Decoder::default().take::<Value>(&bytes);
        }
    }

    #[test]
    fn an_endless_value_and_an_endless_gap_are_refused() {
        let mut decoder = Decoder::default();
        let value =
            decoder.take::<Value>(&[b"{\"a\":\"".as_slice(), &[b'x'; VALUE_LIMIT]].concat());
        assert!(matches!(value, Err(DecodeError::TooLarge)));
        let gap = Decoder::default().take::<Value>(&vec![b' '; GAP_LIMIT + 1]);
        assert!(matches!(gap, Err(DecodeError::NoValue)));
    }
}
