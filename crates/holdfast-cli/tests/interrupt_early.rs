//! Ctrl-C before the service has said what it started, and again while it cancels: with a service that answers exactly
//! when the test says so.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use common::*;

const ID: &str = "0.1.0_20260102T030405678Z";
const EARLY: &str = "Cancelling, as soon as the service has said what it started.";
const AGAIN: &str = "It is being cancelled already. This takes a moment.";

/// No test waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service that is played by the test.
struct Played {
    address: SocketAddr,
    /// In the order in which they came.
    connections: Receiver<TcpStream>,
}

impl Played {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (arrived, connections) = mpsc::channel();
        // It ends with the connection that nobody takes any more.
        std::thread::spawn(
            move || {
                while arrived.send(listener.accept().unwrap().0).is_ok() {}
            },
        );
        Self {
            address,
            connections,
        }
    }

    /// A backup by the real program, which uses this service.
    fn backup(&self, desk: &Desk) -> Running {
        let address = format!("http://{}", self.address);
        desk.start(&["--address", &address, "backup"])
    }

    /// Waits for the next request, which must be this one.
    fn asked(&self, what: &str) -> TcpStream {
        let stream = self.connections.recv_timeout(PATIENCE);
        let stream = stream.unwrap_or_else(|_| panic!("{what} was not asked"));
        let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        assert_eq!(first, format!("POST {what} HTTP/1.1"));
        lines.find(String::is_empty).unwrap();
        stream
    }

    fn asked_to_cancel(&self) -> TcpStream {
        self.asked(&format!("/backup/{ID}/creation/cancel"))
    }

    /// A request of the test itself is the next: nothing else was asked before.
    fn asked_nothing_more(&self) {
        let mut own = TcpStream::connect(self.address).unwrap();
        own.write_all(b"POST /the-end HTTP/1.1\r\n\r\n").unwrap();
        self.asked("/the-end");
    }
}

fn begin(mut stream: &TcpStream) {
    let head = "HTTP/1.1 200 X\r\ncontent-type: application/x-ndjson\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
}

/// One step of the backup, with its name.
fn step(mut stream: &TcpStream, status: &str) {
    let line = format!(
        r#"{{"backup":{{"id":"{ID}","version":"0.1.0","timestamp":"20260102T030405678Z","bytes":1,"device_name":"d",
            "platform":"LINUX","created":{{"value":"2026-01-02T03:04:05Z"}}}},"status":"{status}","percentage":1}}"#
    );
    stream
        .write_all((line.replace('\n', "") + "\n").as_bytes())
        .unwrap();
}

fn answer(mut stream: TcpStream, status: &str) {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
}

fn assert_cancelled(backup: Running) {
    let ended = backup.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(ended.err, "holdfast: Cancelled. Everything is as it was.\n");
    assert_eq!(ended.out, "");
}

#[test]
fn a_ctrl_c_before_the_service_answers_cancels_as_soon_as_the_backup_has_a_name() {
    for signal in ["INT", "TERM"] {
        let (desk, service) = (Desk::new(), Played::start());
        let mut backup = service.backup(&desk);
        let stream = service.asked("/backups/create/streamed");
        backup.signal(signal);
        assert_eq!(backup.said(), EARLY);
        begin(&stream);
        step(&stream, "INITIALIZED");
        let cancel = service.asked_to_cancel();
        step(&stream, "CANCELED");
        answer(cancel, "204");
        assert_cancelled(backup);
    }
}

#[test]
fn a_ctrl_c_before_the_first_step_cancels_as_soon_as_the_backup_has_a_name() {
    let (desk, service) = (Desk::new(), Played::start());
    let mut backup = service.backup(&desk);
    let stream = service.asked("/backups/create/streamed");
    begin(&stream);
    for _ in 0..3 {
        backup.signal("INT");
        assert_eq!(backup.said(), EARLY);
    }
    step(&stream, "IN-PROGRESS");
    let cancel = service.asked_to_cancel();
    step(&stream, "CANCELED");
    answer(cancel, "204");
    assert_cancelled(backup);
}

#[test]
fn more_ctrl_c_while_it_is_being_cancelled_end_nothing_and_are_answered() {
    let (desk, service) = (Desk::new(), Played::start());
    let mut backup = service.backup(&desk);
    let stream = service.asked("/backups/create/streamed");
    begin(&stream);
    step(&stream, "IN-PROGRESS");
    // Whether it has read the name by now does not matter: it says one thing or the other, and asks once.
    backup.signal("INT");
    assert!(backup.said().starts_with("Cancelling"));
    let cancel = service.asked_to_cancel();
    for signal in ["INT", "TERM", "INT"] {
        backup.signal(signal);
        assert_eq!(backup.said(), AGAIN);
        step(&stream, "IN-PROGRESS");
    }
    step(&stream, "CANCELED");
    answer(cancel, "204");
    assert_cancelled(backup);
    service.asked_nothing_more();
}

#[test]
fn a_cancel_that_came_to_nothing_is_asked_for_again_by_the_next_ctrl_c() {
    let (desk, service) = (Desk::new(), Played::start());
    let mut backup = service.backup(&desk);
    let stream = service.asked("/backups/create/streamed");
    begin(&stream);
    step(&stream, "IN-PROGRESS");
    backup.signal("INT");
    assert!(backup.said().starts_with("Cancelling"));
    answer(service.asked_to_cancel(), "500");
    // Until the answer has arrived the cancel counts as on its way.
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "it never asked again");
        backup.signal("INT");
        match backup.said().as_str() {
            AGAIN => {}
            said => break assert_eq!(said, "Cancelling."),
        }
    }
    let cancel = service.asked_to_cancel();
    step(&stream, "CANCELED");
    answer(cancel, "204");
    assert_cancelled(backup);
}
