//! The key of the destination. It is read and stored where it is kept, and never goes over HTTP, nor into an argument or
//! a variable of the environment, where others could see it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use backup_engine::{Error, Secret};
use serde_json::json;

use super::{confirm, print};
use crate::arguments::{Common, Key};
use crate::connect::data_dir;
use crate::fail::{FAILED, Failure, NOT_FOUND, NOT_REACHABLE};
use crate::passphrase;
use crate::serve::engine_options;

/// A key is one short line; more than this is some other file.
const LONGEST: u64 = 4096;

pub fn run(common: &Common, key: Key) -> Result<(), Failure> {
    match key {
        Key::Export { yes } => export(common, yes),
        Key::Import { key_file } => import(common, &key_file),
    }
}

fn export(common: &Common, yes: bool) -> Result<(), Failure> {
    let question = "Whoever sees the password can read every backup. Print it?";
    confirm(yes, question)?;
    let passphrase = passphrase::read(common.passphrase_file.as_deref())?;
    let secret = backup_engine::export_key(&data_dir(common)?, passphrase.as_ref())?;
    print(common.json, &json!({"password": secret.reveal()}), || {
        format!("{}\n", secret.reveal())
    })
}

fn import(common: &Common, file: &Path) -> Result<(), Failure> {
    let key = read(file)?;
    match backup_engine::import_key(&engine_options(common)?, &key) {
        Err(error @ Error::Locked(_)) => {
            tracing::info!(%error, "the key was not imported");
            return Err(Failure::new(
                NOT_REACHABLE,
                error.code(),
                "This key does not open the destination. Nothing was stored.",
                "Check that it is the key of the backups there, or choose another --destination.",
            ));
        }
        imported => imported?,
    }
    print(common.json, &json!({"imported": "key"}), || {
        "The key opens the destination and is stored. See its backups with: holdfast list\n".into()
    })
}

/// Whatever its mode: whoever brings a key to a new machine may have it on a stick that knows no modes.
fn read(file: &Path) -> Result<Secret, Failure> {
    let bad = |exit, why: &str| {
        let message = format!("The key's file {} {why}.", file.display());
        let fix = "Give the file that `holdfast key export` was written to.";
        Failure::new(exit, "key-file", &message, fix)
    };
    let source: Result<Box<dyn Read>, io::Error> = if file == Path::new("-") {
        Ok(Box::new(io::stdin()))
    } else {
        File::open(file).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let source = source.map_err(|error| bad(NOT_FOUND, &format!("cannot be read ({error})")))?;
    let mut text = String::new();
    let read = source.take(LONGEST + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|error| bad(FAILED, &format!("cannot be read ({error})")))?;
    let key = text.reveal().trim();
    if key.is_empty() || key.len() as u64 > LONGEST || key.lines().count() > 1 {
        return Err(bad(FAILED, "holds no key"));
    }
    Ok(Secret::new(key.to_owned()))
}
