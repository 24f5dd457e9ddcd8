//! A service that is played by a test: it answers each call as the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

/// Its address. The answer to `METHOD /path` is a status and a body; the thread ends with the test.
pub fn play(answers: impl Fn(&str) -> (u16, Value) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &answers);
        }
    });
    address
}

fn answer(stream: TcpStream, answers: &impl Fn(&str) -> (u16, Value)) {
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(given) = line.strip_prefix("content-length:") {
            length = given.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let (status, body) = answers(first.trim().trim_end_matches(" HTTP/1.1"));
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (&stream).write_all((head + &body).as_bytes()).unwrap();
}

pub fn problem(code: &str, message: &str) -> Value {
    json!({"code": code, "message": message, "fix": "What to do."})
}

pub fn backup(id: &str) -> Value {
    json!({"id": id, "version": "0.1.0", "timestamp": "20260102T030405678Z", "bytes": 1, "device_name": "d",
        "platform": "LINUX", "created": {"value": "2026-01-02T03:04:05Z"}})
}

pub fn job(id: &str, backup: &str, state: &str) -> Value {
    json!({"id": id, "kind": "creation", "backup": backup, "state": state, "phase": "storing",
        "progress": {"bytes_done": 1, "bytes_total": 2, "percentage": 50.0}, "cancelable": true,
        "started": "2026-01-02T03:04:05Z"})
}
