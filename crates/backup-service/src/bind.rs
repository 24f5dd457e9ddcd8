//! Where the service listens: on this machine only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// The port of the published API.
const USUAL_PORT: u16 = 1000;
/// Where PiecesOS looks for a port of its own.
const PORTS_OF_PIECES: std::ops::RangeInclusive<u16> = 39300..=39333;
const TRIES: usize = 50;

/// Binds 127.0.0.1, and ::1 with the same port where this machine has it.
///
/// `preferred`: port 0 lets the system choose. Without it, port 1000 where it may be bound, else one that the system
/// gives. Errors: `InvalidInput` for an address that is not of this machine alone.
pub async fn bind(preferred: Option<SocketAddr>) -> io::Result<Vec<TcpListener>> {
    let ports: &[u16] = match preferred {
        Some(address) if !address.ip().is_loopback() => {
            let refused = "only 127.0.0.1 and ::1 can be listened on";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
        }
        Some(address) => &[address.port()],
        None => &[USUAL_PORT, 0],
    };
    let ip = preferred.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip());
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for port in ports {
        result = bind_port(ip, *port).await;
        if result.is_ok() {
            break;
        }
    }
    let first = result?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if ip == Ipv4Addr::LOCALHOST
        && let Ok(second) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await
    {
        listeners.push(second);
    }
    Ok(listeners)
}

async fn bind_port(ip: IpAddr, port: u16) -> io::Result<TcpListener> {
    let mut refused = Vec::new();
    for _ in 0..TRIES {
        let listener = TcpListener::bind((ip, port)).await?;
        if port != 0 || !PORTS_OF_PIECES.contains(&listener.local_addr()?.port()) {
            return Ok(listener);
        }
        // Held until another port was given, so that the same one does not come again.
        refused.push(listener);
    }
    Err(io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_others_reach_is_refused() {
        let error = bind(Some("0.0.0.0:0".parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn port_zero_is_one_that_the_system_gives() {
        let listeners = bind(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        assert!(port != 0 && !PORTS_OF_PIECES.contains(&port));
        assert!(
            listeners
                .iter()
                .all(|listener| listener.local_addr().unwrap().port() == port)
        );
    }
}
