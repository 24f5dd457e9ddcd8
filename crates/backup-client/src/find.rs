//! Finding services on this machine: Holdfast's own by its file, others by the port file of PiecesOS and its usual ports.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backup_api::ServiceFile;
use directories::BaseDirs;
use futures::{StreamExt, stream};
use url::Url;

use crate::client::{Client, Timeouts};

/// Where PiecesOS looks for a port of its own, then where older ones listened.
const PORTS: [std::ops::RangeInclusive<u16>; 3] = [39300..=39333, 5323..=5323, 1000..=1000];
const AT_ONCE: usize = 12;
const QUICK: Duration = Duration::from_millis(800);

/// What a found service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Holdfast,
    /// It was found where PiecesOS says that it is, or in its range of ports.
    Pieces,
    Other,
}

/// A service that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    pub address: Url,
    pub version: Option<String>,
}

/// The running service of this data folder, with its token. `None`: none runs, or the file is a leftover.
pub async fn own_service(data_dir: &Path) -> Option<ServiceFile> {
    let text = fs::read(data_dir.join("service.json")).ok()?;
    let file: ServiceFile = serde_json::from_slice(&text).ok()?;
    let client = quick_client(file.address.parse().ok()?, Some(file.token.clone()))?;
    // A leftover's port may belong to somebody else by now, who would not know the token.
    let capabilities = client.capabilities().await.ok()??;
    (capabilities.service == "holdfast").then_some(file)
}

/// Every service of others that answers, in the order in which they are looked for.
pub async fn find_services() -> Vec<Found> {
    let named = port_file()
        .and_then(|path| fs::read_to_string(path).ok())
        .and_then(|text| text.trim().parse().ok());
    let usual = PORTS.into_iter().flatten();
    let ports = named
        .into_iter()
        .chain(usual.filter(|port| Some(*port) != named));
    let probes =
        ports.map(|port: u16| probe(port, Some(port) == named || PORTS[0].contains(&port)));
    stream::iter(probes)
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn probe(port: u16, of_pieces: bool) -> Option<Found> {
    let address: Url = format!("http://127.0.0.1:{port}").parse().ok()?;
    let client = quick_client(address.clone(), None)?;
    if !client.is_healthy().await.ok()? {
        return None;
    }
    let capabilities = client.capabilities().await.ok().flatten();
    let kind = match capabilities {
        Some(capabilities) if capabilities.service == "holdfast" => Kind::Holdfast,
        _ if of_pieces => Kind::Pieces,
        _ => Kind::Other,
    };
    let version = client
        .version()
        .await
        .ok()
        .map(|version| version.trim().to_owned())
        .filter(|version| {
            // Shown to a person; whatever listens there may answer anything.
            !version.is_empty()
                && version.len() < 40
                && version.chars().all(|c| c.is_ascii_graphic())
        });
    Some(Found {
        kind,
        address,
        version,
    })
}

fn quick_client(address: Url, token: Option<String>) -> Option<Client> {
    let timeouts = Timeouts {
        connect: QUICK,
        call: QUICK,
        ..Timeouts::default()
    };
    Client::with_timeouts(address, token, timeouts).ok()
}

/// Where PiecesOS writes its port.
fn port_file() -> Option<PathBuf> {
    let data = BaseDirs::new()?.data_dir().to_owned();
    let documents =
        directories::UserDirs::new().and_then(|dirs| dirs.document_dir().map(Path::to_owned));
    let candidates = [Some(data), documents].into_iter().flatten();
    candidates
        .map(|folder| folder.join("com.pieces.os/production/Config/.port.txt"))
        .find(|path| path.exists())
}
