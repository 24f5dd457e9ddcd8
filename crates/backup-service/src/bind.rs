//! Where the service listens: on this machine only.

use std::io;
use std::iter;
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
/// gives. A port whose ::1 is another program's is taken only where it is the one that was asked for: whoever says
/// `localhost` could reach that program. Errors: `InvalidInput` for an address that is not of this machine alone.
pub async fn bind(preferred: Option<SocketAddr>) -> io::Result<Vec<TcpListener>> {
    let Some(address) = preferred else {
        let ports = iter::once(USUAL_PORT).chain(iter::repeat_n(0, TRIES));
        return bind_one_of(Ipv4Addr::LOCALHOST.into(), ports).await;
    };
    if !address.ip().is_loopback() {
        let refused = "only 127.0.0.1 and ::1 can be listened on";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
    }
    if address.port() == 0 {
        return bind_one_of(address.ip(), iter::repeat_n(0, TRIES)).await;
    }
    let (mut listeners, other) = bind_port(address.ip(), address.port()).await?;
    match other {
        Other::Bound(second) => listeners.push(second),
        Other::Taken => tracing::warn!(
            port = address.port(),
            "another program has this port at ::1: use 127.0.0.1 and not localhost"
        ),
        Other::None => {}
    }
    Ok(listeners)
}

/// The first of these ports that is free at both addresses.
async fn bind_one_of(
    ip: IpAddr,
    ports: impl IntoIterator<Item = u16>,
) -> io::Result<Vec<TcpListener>> {
    let mut refused = Vec::new();
    let mut last = io::ErrorKind::AddrInUse.into();
    for port in ports {
        let (mut listeners, other) = match bind_port(ip, port).await {
            Ok(bound) => bound,
            Err(error) => {
                last = error;
                continue;
            }
        };
        let given = listeners[0].local_addr()?.port();
        let of_pieces = port == 0 && PORTS_OF_PIECES.contains(&given);
        if of_pieces || matches!(other, Other::Taken) {
            // Held until another port was given, so that the same one does not come again.
            refused.append(&mut listeners);
            continue;
        }
        if let Other::Bound(second) = other {
            listeners.push(second);
        }
        return Ok(listeners);
    }
    Err(last)
}

/// The same port at ::1.
enum Other {
    Bound(TcpListener),
    Taken,
    /// It is not wanted, or this machine has no such address.
    None,
}

async fn bind_port(ip: IpAddr, port: u16) -> io::Result<(Vec<TcpListener>, Other)> {
    let first = TcpListener::bind((ip, port)).await?;
    let port = first.local_addr()?.port();
    let other = if ip != Ipv4Addr::LOCALHOST {
        Other::None
    } else {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(second) => Other::Bound(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Other::Taken,
            Err(_) => Other::None,
        }
    };
    Ok((vec![first], other))
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

    /// A port whose ::1 another program has. `None`: this machine has no ::1.
    async fn half_taken() -> Option<(TcpListener, u16)> {
        let other = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.ok()?;
        let port = other.local_addr().unwrap().port();
        Some((other, port))
    }

    #[tokio::test]
    async fn where_another_program_has_the_other_address_a_free_choice_falls_on_another_port() {
        let Some((_other, taken)) = half_taken().await else {
            eprintln!("skipped: there is no ::1");
            return;
        };
        let bound = bind_one_of(Ipv4Addr::LOCALHOST.into(), [taken, 0]).await;
        let ports: Vec<u16> = bound
            .unwrap()
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        assert_eq!(ports.len(), 2, "{ports:?}");
        assert!(ports[0] == ports[1] && ports[0] != taken, "{ports:?}");
    }

    #[tokio::test]
    async fn a_port_that_was_asked_for_is_taken_as_far_as_it_is_free() {
        let Some((_other, port)) = half_taken().await else {
            eprintln!("skipped: there is no ::1");
            return;
        };
        let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bound = bind(Some(asked)).await.unwrap();
        assert_eq!(bound.len(), 1);
        assert_eq!(bound[0].local_addr().unwrap(), asked);
    }
}
