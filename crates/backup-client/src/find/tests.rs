//! Finding, with real services and other things on real ports.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use backup_engine::{Engine, EngineOptions};
use backup_service::{ServiceOptions, bind, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Something that answers these two questions, and no others.
async fn plain(health: &'static str, version: &'static str) -> u16 {
    let (listener, port) = listen().await;
    let router = Router::new()
        .route("/.well-known/health", get(move || async move { health }))
        .route("/.well-known/version", get(move || async move { version }));
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    port
}

async fn holdfast(folder: &Path, allow_clients: bool) -> u16 {
    let data_dir = folder.join(allow_clients.to_string());
    let engine = Engine::open(EngineOptions {
        data_dir: data_dir.clone(),
        destination: folder.join("destination"),
        passphrase: None,
        use_keychain: false,
        device_name: "Test device".into(),
    });
    let listeners = bind(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let port = listeners[0].local_addr().unwrap().port();
    let options = ServiceOptions {
        allow_clients,
        unattended: false,
        data_dir,
    };
    let (engine, stop) = (Arc::new(engine.unwrap()), CancellationToken::new());
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let told = |_| ready.send(()).unwrap();
    tokio::spawn(async move {
        serve(listeners, engine, options, stop, told).await.unwrap();
    });
    is_ready.await.unwrap();
    port
}

fn found(port: u16, kind: Kind, version: Option<&str>) -> Found {
    Found {
        kind,
        address: format!("http://127.0.0.1:{port}").parse().unwrap(),
        version: version.map(str::to_owned),
    }
}

#[tokio::test]
async fn services_are_found_in_order_each_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = plain("ok:7d2f", " 11.3.0\n").await;
    let other = plain("ok", "2.0.0-beta+7").await;
    let open = holdfast(folder.path(), true).await;
    let closed = holdfast(folder.path(), false).await;
    let places = vec![
        (closed, true),
        (pieces, true),
        (open, false),
        (other, false),
    ];
    let ours = Some(backup_engine::VERSION);
    assert_eq!(
        answering(places).await,
        [
            found(closed, Kind::Holdfast, ours),
            found(pieces, Kind::Pieces, Some("11.3.0")),
            found(open, Kind::Holdfast, ours),
            found(other, Kind::Other, Some("2.0.0-beta+7")),
        ]
    );
}

#[tokio::test]
async fn whatever_is_no_service_is_not_found_and_holds_up_nobody() {
    let (silent, silent_port) = listen().await;
    let (gone, gone_port) = listen().await;
    drop(gone);
    let ill = plain("starting", "1.0").await;
    let page = {
        let (listener, port) = listen().await;
        let page = || async { axum::response::Html("ok") };
        let router = Router::new().fallback(get(page));
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        port
    };
    let good = plain("ok", "1.0").await;
    let places = [silent_port, gone_port, ill, page, good].map(|port| (port, true));
    // Many that say nothing, to be asked side by side.
    let places = std::iter::repeat_n((silent_port, true), 2 * AT_ONCE).chain(places);
    let most = QUICK * AT_ONCE as u32;
    let answers = tokio::time::timeout(most, answering(places.collect())).await;
    let answers = answers.expect("the silent ones held up the others");
    assert_eq!(answers, [found(good, Kind::Pieces, Some("1.0"))]);
    drop(silent);
}

#[tokio::test]
async fn a_version_that_is_none_is_not_shown() {
    for text in [
        "",
        " \n",
        "1.0\u{1b}[31m",
        "1 0",
        "ü",
        "1234567890123456789012345678901234567890",
    ] {
        let port = plain("ok", text).await;
        let answers = answering(vec![(port, false)]).await;
        assert_eq!(answers, [found(port, Kind::Other, None)], "{text:?}");
    }
}

#[test]
fn the_port_that_pieces_named_is_asked_first_and_once() {
    let usual = places(None);
    assert_eq!(usual.len(), 36);
    assert_eq!(
        (usual[0], usual[33], usual[34], usual[35]),
        ((39300, true), (39333, true), (5323, false), (1000, false))
    );
    let named = places(Some(1000));
    assert_eq!((named[0], named.len()), ((1000, true), 36));
    assert!(!named[1..].iter().any(|(port, _)| *port == 1000));
    let named = places(Some(4711));
    assert_eq!((named[0], &named[1..]), ((4711, true), &usual[..]));
}

#[test]
fn the_port_file_is_read_from_the_first_folder_that_holds_a_port() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let paths = folders.each_ref().map(|folder| folder.path().to_owned());
    let write = |at: usize, text: &[u8]| {
        let file = paths[at].join(PORT_FILE);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    assert_eq!(named_port(&paths), None);
    write(1, b"39301\n");
    assert_eq!(named_port(&paths), Some(39301));
    for garbage in ["", "0", "-1", "70000", "39300 or so", "<html>"] {
        write(0, garbage.as_bytes());
        assert_eq!(named_port(&paths), Some(39301), "{garbage:?}");
    }
    write(0, b"\xff\xfe3\x009\x00");
    assert_eq!(named_port(&paths), Some(39301));
    write(0, b" 39300 ");
    assert_eq!(named_port(&paths), Some(39300));
}
