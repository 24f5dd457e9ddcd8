//! The key of the destination. It is read where it is kept, and never goes over HTTP.

use serde_json::json;

use super::{confirm, print};
use crate::arguments::{Common, Key};
use crate::connect::data_dir;
use crate::fail::Failure;
use crate::passphrase;

pub fn run(common: &Common, key: Key) -> Result<(), Failure> {
    let Key::Export { yes } = key;
    let question = "Whoever sees the password can read every backup. Print it?";
    confirm(yes, question)?;
    let passphrase = passphrase::read(common.passphrase_file.as_deref())?;
    let secret = backup_engine::export_key(&data_dir(common)?, passphrase.as_ref())?;
    print(common.json, &json!({"password": secret.reveal()}), || {
        format!("{}\n", secret.reveal())
    })
}
