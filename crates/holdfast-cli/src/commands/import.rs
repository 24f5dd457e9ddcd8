//! `import`: a document of any size, read as a stream and sent in batches, so that memory stays small.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use backup_client::Client;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::print;
use crate::fail::{FAILED, Failure, NOT_FOUND};
use crate::show;

/// Of one request.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

pub async fn run(client: &Client, path: &Path, as_json: bool) -> Result<(), Failure> {
    let source = open(path)?;
    let (batches, mut ready) = mpsc::channel::<String>(2);
    let reading = tokio::task::spawn_blocking(move || read(source, batches));
    let mut count = 0;
    let mut sent = Ok(());
    while let Some(batch) = ready.recv().await {
        match client.import(batch).await {
            Ok(imported) => count += imported.assets,
            Err(error) => {
                sent = Err(Failure::from(error));
                break;
            }
        }
    }
    drop(ready);
    let read = reading.await.map_err(|error| Failure::internal(&error))?;
    sent?;
    read.map_err(|error| {
        let message = format!(
            "{} does not read: {error}. Imported before it: {}.",
            path.display(),
            show::items(count)
        );
        Failure::new(
            FAILED,
            "bad-file",
            &message,
            "Correct it and import it again.",
        )
    })?;
    print(as_json, &json!({"imported": count}), || {
        format!("Imported {}.\n", show::items(count))
    })
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be read: {error}.", path.display());
        Failure::new(
            NOT_FOUND,
            "bad-file",
            &message,
            "Give the path of a JSON file.",
        )
    })?;
    Ok(Box::new(BufReader::new(file)))
}

/// Reads the whole document. The receiver that goes away ends it early, which is no error of the document.
fn read(source: impl Read, batches: mpsc::Sender<String>) -> Result<(), serde_json::Error> {
    let mut batch = Batch {
        text: String::new(),
        batches,
        gone: false,
    };
    let mut document = serde_json::Deserializer::from_reader(BufReader::new(source));
    let alone = Document(&mut batch).deserialize(&mut document)?;
    document.end()?;
    match alone {
        Some(asset) => batch.send_as_it_is(asset),
        None => batch.flush(),
    }
    Ok(())
}

/// Assets on their way into requests.
struct Batch {
    text: String,
    batches: mpsc::Sender<String>,
    gone: bool,
}

impl Batch {
    fn add(&mut self, asset: &RawValue) {
        self.text.push_str(if self.text.is_empty() {
            "{\"iterable\":["
        } else {
            ","
        });
        self.text.push_str(asset.get());
        if self.text.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let batch = std::mem::take(&mut self.text) + "]}";
            self.send_as_it_is(batch);
        }
    }

    fn send_as_it_is(&mut self, text: String) {
        self.gone |= self.batches.blocking_send(text).is_err();
    }
}

/// An object: with a field `iterable` it is a list of assets, which go into batches as they are read; without, it is
/// one asset, which is given back as text.
struct Document<'a>(&'a mut Batch);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Option<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an asset, or a list of assets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut is_list, mut alone) = (false, String::from("{"));
        while let Some(name) = fields.next_key::<String>()? {
            if name == "iterable" {
                is_list = true;
                fields.next_value_seed(List(self.0))?;
            } else if is_list {
                fields.next_value::<IgnoredAny>()?;
            } else {
                let value = fields.next_value::<Box<RawValue>>()?;
                let name = serde_json::to_string(&name).map_err(serde::de::Error::custom)?;
                let comma = if alone.len() > 1 { "," } else { "" };
                alone.push_str(&format!("{comma}{name}:{}", value.get()));
            }
        }
        Ok((!is_list).then(|| alone + "}"))
    }
}

struct List<'a>(&'a mut Batch);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of assets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(asset) = items.next_element::<Box<RawValue>>()? {
            if self.0.gone {
                return Ok(());
            }
            self.0.add(&asset);
        }
        Ok(())
    }
}
