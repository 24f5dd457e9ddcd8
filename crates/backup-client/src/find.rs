//! Finding services on this machine: Holdfast's own by its file, others by the port file of PiecesOS and its usual ports.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backup_api::ServiceFile;
use directories::{BaseDirs, UserDirs};
use futures::{StreamExt, stream};
use url::Url;

use crate::client::{Client, Timeouts};

/// Where PiecesOS looks for a port of its own.
const PORTS_OF_PIECES: RangeInclusive<u16> = 39300..=39333;
/// Where older ones listened.
const OLDER_PORTS: [u16; 2] = [5323, 1000];
/// In one of its data folders.
const PORT_FILE: &str = "com.pieces.os/production/Config/.port.txt";
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
///
/// The port of a leftover may belong to anybody by now. The token that is in it is worth nothing any more, but whoever
/// says that he is the service is handed the user's restores. So a file whose process has ended is believed as little as
/// none, and nothing is sent; see [`may_run`] for what that leaves open. A service that runs proves itself by letting in
/// whoever has its token, which another Holdfast would not.
pub async fn own_service(data_dir: &Path) -> Option<ServiceFile> {
    let path = data_dir.join("service.json");
    let file: ServiceFile = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    if !may_run(file.pid, &fs::metadata(&path).ok()?) {
        tracing::info!(pid = file.pid, "service.json is a leftover");
        return None;
    }
    let client = quick_client(file.address.parse().ok()?, Some(file.token.clone()))?;
    let capabilities = client.capabilities().await.ok()??;
    (capabilities.service == "holdfast").then_some(file)
}

/// Whether a process of that number runs, of the user who runs this program or who wrote the file: another user cannot
/// make one, however often he takes the port and waits for the number. What is left is a number that came round to
/// another process of the same user while somebody else has the port and plays a Holdfast; that needs more luck than a
/// look at the sockets of the system would be worth.
#[cfg(target_os = "linux")]
fn may_run(pid: u32, file: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user_of = |process: &str| fs::metadata(format!("/proc/{process}")).map(|seen| seen.uid());
    let Ok(ours) = user_of("self") else {
        // Without /proc nothing can be told.
        return true;
    };
    user_of(&pid.to_string()).is_ok_and(|owner| owner == ours || owner == file.uid())
}

/// Elsewhere only asking tells: looking for a process takes calls that are not safe Rust.
#[cfg(not(target_os = "linux"))]
fn may_run(_: u32, _: &fs::Metadata) -> bool {
    true
}

/// Every service of others that answers, in the order in which they are looked for.
pub async fn find_services() -> Vec<Found> {
    answering(places(named_port(&data_folders()))).await
}

/// A port, and whether PiecesOS is what to expect there.
type Place = (u16, bool);

/// The port that PiecesOS has named, then the usual ones.
fn places(named: Option<u16>) -> Vec<Place> {
    let usual = PORTS_OF_PIECES.map(|port| (port, true));
    let usual = usual.chain(OLDER_PORTS.map(|port| (port, false)));
    let named_one = named.map(|port| (port, true)).into_iter();
    named_one
        .chain(usual.filter(|(port, _)| Some(*port) != named))
        .collect()
}

async fn answering(places: Vec<Place>) -> Vec<Found> {
    stream::iter(places.into_iter().map(probe))
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn probe((port, of_pieces): Place) -> Option<Found> {
    let address: Url = format!("http://127.0.0.1:{port}").parse().ok()?;
    let client = quick_client(address.clone(), None)?;
    if !client.is_healthy().await.ok()? {
        return None;
    }
    let kind = match client.capabilities().await {
        Ok(Some(capabilities)) if capabilities.service == "holdfast" => Kind::Holdfast,
        // It lets no other programs in, and says so in its own words.
        Err(error) if error.code() == "clients-not-allowed" => Kind::Holdfast,
        _ if of_pieces => Kind::Pieces,
        _ => Kind::Other,
    };
    let version = client.version().await.ok().and_then(|text| shown(&text));
    Some(Found {
        kind,
        address,
        version,
    })
}

/// A version as a person may see it; whatever listens there may answer anything.
fn shown(version: &str) -> Option<String> {
    let version = version.trim();
    let is_one =
        !version.is_empty() && version.len() < 40 && version.chars().all(|c| c.is_ascii_graphic());
    is_one.then(|| version.to_owned())
}

fn quick_client(address: Url, token: Option<String>) -> Option<Client> {
    let timeouts = Timeouts {
        connect: QUICK,
        call: QUICK,
        ..Timeouts::default()
    };
    Client::with_timeouts(address, token, timeouts).ok()
}

/// The port that PiecesOS wrote into the first of these folders that holds one.
fn named_port(folders: &[PathBuf]) -> Option<u16> {
    folders.iter().find_map(|folder| {
        let text = fs::read_to_string(folder.join(PORT_FILE)).ok()?;
        text.trim().parse().ok().filter(|port| *port != 0)
    })
}

/// Where PiecesOS may keep its folder.
fn data_folders() -> Vec<PathBuf> {
    let data = BaseDirs::new().map(|dirs| dirs.data_dir().to_owned());
    let documents = UserDirs::new().and_then(|dirs| dirs.document_dir().map(Path::to_owned));
    data.into_iter().chain(documents).collect()
}

#[cfg(test)]
mod tests;
