//! Who asks for a lease: a data folder, which has a random name of its own, on a device.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::durable::write_private;
use crate::hex::hex;

const ID_CHARS: usize = 32;
/// Of a device's name. Each may take six bytes of the record, which has one length.
const DEVICE_CHARS: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    pub machine: String,
    pub device: String,
}

/// `machine.json` in the data folder.
#[derive(Serialize, Deserialize)]
struct MachineNote {
    machine: String,
}

impl Claimant {
    /// Reads the data folder's name, and gives it one where it has none that reads. A new name costs nothing but a wait for
    /// a lease that was left under the old one.
    pub(crate) fn of(data_dir: &Path, device_name: &str) -> Result<Self, Error> {
        let file = data_dir.join("machine.json");
        let doing = "reading the name of the data folder";
        let noted = match fs::read(&file) {
            Ok(text) => serde_json::from_slice::<MachineNote>(&text).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Io { doing, source }),
        };
        let noted = noted.map(|note| note.machine).filter(|id| is_id(id));
        let machine = match noted {
            Some(machine) => machine,
            None => give_name(&file).map_err(Error::io("naming the data folder"))?,
        };
        let device = device_name.chars().take(DEVICE_CHARS).collect();
        Ok(Self { machine, device })
    }
}

fn give_name(file: &Path) -> io::Result<String> {
    let machine = hex(&rand::random::<[u8; ID_CHARS / 2]>());
    let note = MachineNote {
        machine: machine.clone(),
    };
    write_private(file, &serde_json::to_vec(&note)?)?;
    Ok(machine)
}

fn is_id(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
