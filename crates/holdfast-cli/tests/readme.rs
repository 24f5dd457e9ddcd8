//! The examples of the README, as they stand there, in a home that is nobody's.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::*;
use serde_json::Value;

/// The lines of the first block of commands under this heading, without comments, continued lines joined.
fn examples(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(checkout().join("README.md")).unwrap();
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let block = section
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let block = block.replace("\\\n", "");
    let lines = block
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim());
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_examples_of_the_command_line_run_as_they_stand() {
    let desk = Desk::new();
    // `holdfast` by its name, in the folder of the README.
    std::fs::create_dir(desk.path("bin")).unwrap();
    std::os::unix::fs::symlink(PROGRAM, desk.path("bin/holdfast")).unwrap();
    std::fs::create_dir(desk.home().join("notes")).unwrap();
    std::fs::write(desk.home().join("notes/today.md"), "a note\n").unwrap();
    let examples = examples("The command line");
    assert!(examples.len() >= 10, "{examples:?}");
    let prefix = format!(
        "cd {} && PATH={}:$PATH",
        checkout().display(),
        desk.path("bin").display()
    );
    let password = desk.file("password", "0123456789abcdef\n");
    for example in examples {
        assert!(example.starts_with("holdfast "), "{example}");
        let ids = desk.any(PROGRAM).args(["--json", "list"]).output().unwrap();
        let list: Value = serde_json::from_slice(&ids.stdout).unwrap();
        let id = list["iterable"][0]["id"].as_str().unwrap_or("none");
        let line = format!(
            "{prefix}; {}",
            example.replace("ID", id).replace("FILE", &password)
        );
        let (code, said) = desk.on_terminal(&line, "y\n");
        let expected = if example.contains("cancel") {
            3 // Nothing runs that could be cancelled.
        } else if example.contains("key import") {
            1 // This machine is not new: its key stays.
        } else {
            0
        };
        assert_eq!(code, expected, "{example}: {said}");
    }
    assert!(
        desk.home()
            .join(".local/share/holdfast/library/library.db")
            .exists()
    );
    let left = desk
        .any(PROGRAM)
        .args(["--json", "status"])
        .output()
        .unwrap();
    let left: Value = serde_json::from_slice(&left.stdout).unwrap();
    assert!(left["library"]["assets"].as_u64().unwrap() > 0);
    assert_eq!(left["backups"], 0, "the one that was made was deleted");
}

#[test]
fn the_examples_of_the_api_are_answered() {
    let desk = Desk::new();
    let mut examples = examples("The API").into_iter();
    // With folders and a port of its own; everything else as it stands.
    let serve = examples.next().unwrap();
    let serve = serve.replace("/tmp/holdfast", desk.path("folder").to_str().unwrap());
    let serve = serve.replace("127.0.0.1:8300", "127.0.0.1:0");
    let mut words = serve.split_whitespace();
    assert_eq!(words.next(), Some("holdfast"));
    let mut command = desk.any(PROGRAM);
    command.args(words).env("RUST_LOG", "off");
    let mut running = Running::of(command);
    let line = running.line();
    let host = line.strip_prefix("listening on http://").unwrap();
    let (mut id, mut count) = (String::new(), 0);
    for example in examples {
        let call: Vec<&str> = example
            .strip_prefix("curl ")
            .unwrap()
            .split_whitespace()
            .collect();
        let (method, url) = match call[..] {
            ["-X", method, url] => (method, url),
            [url] => ("GET", url),
            _ => panic!("{example}"),
        };
        let path = url
            .strip_prefix("localhost:8300")
            .unwrap()
            .replace("ID", &id);
        let (status, text) = call_as_curl(host, method, &path);
        // Nothing runs that could be cancelled.
        let expected = if path.ends_with("/cancel") { 500 } else { 200 };
        assert_eq!(status, expected, "{example}: {text}");
        if path == "/backups" {
            let start = text.find('{').unwrap();
            let list: Value = serde_json::from_str(&text[start..]).unwrap();
            id = list["iterable"][0]["id"].as_str().unwrap().to_owned();
        }
        count += 1;
    }
    assert!(count >= 6, "{count}");
    running.signal("INT");
    assert_eq!(running.end().code, 0);
}

/// A call as curl makes it, and the answer with its head.
fn call_as_curl(host: &str, method: &str, path: &str) -> (u16, String) {
    let port = host.rsplit(':').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
}
